// How long and how often things are measured: for figures that are published, and for a run of a few minutes that shows their shape.

export interface Settings {
  readonly quick: boolean;
  readonly repetitions: number;
  readonly seed: number;
  readonly servers: number;
  readonly keys: number;
  /** Of each measured step. */
  readonly warmUpMs: number;
  readonly durationMs: number;
  /** Of each warm-up of a cluster, and its workflows per second. */
  readonly heatMs: number;
  readonly heatRate: number;
  /** Workflows of each step that are noted for the checker. */
  readonly noted: number;
  /** Workflows per second at which latencies, CPU and bytes are compared. */
  readonly fixedRates: readonly number[];
  /** The rates that are tried one after the other, until the system cannot keep up. */
  readonly ladder: readonly number[];
  /** How often the step between the last rate that was sustained and the first that was not is halved. */
  readonly bisections: number;
  readonly lengths: readonly number[];
  readonly lengthRate: number;
  readonly serverCounts: readonly number[];
  readonly probes: number;
  readonly anomalyNodes: readonly number[];
  readonly anomalyRate: number;
  readonly ycsbRate: number;
  readonly ycsbRecords: number;
  readonly beyond: BeyondSettings;
}

/** Of the simulation. */
export interface BeyondSettings {
  readonly keys: number;
  /** Numbers of nodes that are measured on real processes, too, and the workflows per second then. */
  readonly checked: readonly number[];
  readonly checkedRate: number;
  /** Numbers of nodes that are simulated; up to which of them the sustained rate is looked for, in one region, and in how many steps. */
  readonly sizes: readonly number[];
  readonly searchedUpTo: number;
  readonly searchSteps: number;
  /** Workflows per second of the light load, all nodes together, and virtual milliseconds of it and of the timing of steps. */
  readonly rate: number;
  readonly lightMs: number;
  /** Workflows of a busy load, where fewer are not too few for its latency. */
  readonly workflows: number;
  readonly calibrationMs: number;
}

const LADDER = [1_000, 2_000, 3_000, 4_500, 6_500, 9_500, 14_000, 20_000, 30_000];

export function settings({ quick, repetitions, seed }: { quick: boolean; repetitions: number | undefined; seed: number }): Settings {
  const common = { quick, seed, servers: 3, keys: 100_000, lengthRate: 100, anomalyRate: 400, heatRate: 3_000 };
  if (quick) {
    return {
      ...common,
      repetitions: repetitions ?? 1,
      warmUpMs: 150,
      durationMs: 800,
      fixedRates: [1_000],
      heatMs: 500,
      noted: 1_500,
      ladder: LADDER.filter((_, index) => index % 2 === 0),
      bisections: 2,
      lengths: [3, 10],
      serverCounts: [2, 4],
      probes: 40,
      anomalyNodes: [1, 2, 4],
      ycsbRate: 4_000,
      ycsbRecords: 10_000,
      beyond: {
        keys: 1_000,
        checked: [2, 3, 5],
        checkedRate: 1_000,
        sizes: [2, 3, 5, 8, 16, 32, 64],
        searchedUpTo: 16,
        searchSteps: 5,
        rate: 100,
        lightMs: 500,
        workflows: 600,
        calibrationMs: 200,
      },
    };
  }
  return {
    ...common,
    repetitions: repetitions ?? 5,
    warmUpMs: 1_000,
    durationMs: 5_000,
    fixedRates: [500, 1_000],
    heatMs: 2_000,
    noted: 5_000,
    ladder: LADDER,
    bisections: 3,
    lengths: [3, 4, 5, 6, 7, 8, 9, 10],
    serverCounts: [2, 4, 8, 16],
    probes: 300,
    anomalyNodes: [1, 2, 4, 8],
    ycsbRate: 4_000,
    ycsbRecords: 100_000,
    beyond: {
      keys: 1_000,
      checked: [2, 3, 4, 5],
      checkedRate: 1_000,
      sizes: [2, 3, 4, 5, 8, 16, 32, 64, 128, 256],
      searchedUpTo: 64,
      searchSteps: 7,
      rate: 100,
      lightMs: 1_000,
      workflows: 4_000,
      calibrationMs: 300,
    },
  };
}
