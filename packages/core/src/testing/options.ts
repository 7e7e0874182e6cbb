// What a simulated run is like, drawn from its seed: a small mesh or a larger one, near or far links, faults or none, clocks that agree or not.

import { SeededRandom } from "./random.js";

export interface SimulationOptions {
  readonly nodes: number;
  /** Programs that hold connections to the mesh; a workflow moves among them with its token. */
  readonly clients: number;
  readonly workflows: number;
  /** Steps of each workflow. */
  readonly steps: number;
  readonly keys: number;
  /** Typical delay of a link is drawn between these, link by link. */
  readonly delayMsMin: number;
  readonly delayMsMax: number;
  /** Typical pause between two steps of a workflow. */
  readonly pauseMs: number;
  /** Chance, per send, that a connection breaks. */
  readonly breakChance: number;
  readonly cutChance: number;
  readonly holdChance: number;
  readonly stallChance: number;
  readonly storeDelayMs: number;
  readonly storeFailureChance: number;
  /** Wall clocks differ by up to this much. */
  readonly clockSkewMs: number;
  /** Share of the steps that write. */
  readonly writeShare: number;
  /** Chance that a step goes on at another client and node. */
  readonly roamChance: number;
  /** Share of the steps that are transactions. */
  readonly transactionShare: number;
  /** Share of the steps that change or read values that merge. */
  readonly mergeShare: number;
  /** How long overwritten versions are kept, and how many bytes of them; undefined for the defaults. */
  readonly snapshotRetention: number | undefined;
  readonly snapshotBytes: number | undefined;
  /** Bytes added to each value: with many of them caches overflow and load again. */
  readonly padding: number;
  /** undefined where all nodes stay. */
  readonly unrest: Unrest | undefined;
}

/** What happens to the membership of a run. */
export interface Unrest {
  readonly crashes: number;
  readonly cuts: number;
  readonly leaves: number;
  /** Addresses at which nodes may join later. */
  readonly spares: number;
  readonly clockJumps: number;
  readonly outages: number;
  /** Whether each fault waits until the mesh has got over the one before it. */
  readonly oneAtATime: boolean;
  readonly suspectMs: number;
}

/** Draws the options of the run with this seed. */
export function drawOptions(seed: number): SimulationOptions {
  // A stream of its own: what else is drawn from the seed does not change with the number of options.
  const random = new SeededRandom(seed ^ 0x5eed_0b75);
  const delayMsMin = random.magnitude(0.05, 2);
  // Caches that overflow are worth having only where there is time to overflow between two events: many steps, and a store that is near.
  const overflows = random.chance(0.2);
  const options = {
    nodes: random.int(2, 5),
    clients: random.int(1, 3),
    workflows: overflows ? random.int(5, 8) : random.int(2, 6),
    steps: overflows ? random.int(15, 30) : random.int(8, 24),
    keys: overflows ? random.int(8, 20) : random.int(2, 6),
    delayMsMin,
    delayMsMax: delayMsMin * random.magnitude(1, 60),
    pauseMs: overflows ? random.magnitude(0.2, 3) : random.magnitude(0.2, 30),
    breakChance: random.chance(0.4) ? random.magnitude(0.002, 0.03) : 0,
    cutChance: random.pick([0, 0.1, 0.5]),
    holdChance: random.pick([0, 0, 0.2]),
    stallChance: random.pick([0, 0.05, 0.2]),
    storeDelayMs: overflows ? random.magnitude(0.02, 1) : random.magnitude(0.1, 30),
    storeFailureChance: random.chance(0.3) ? random.between(0.02, 0.3) : 0,
    clockSkewMs: random.pick([0, 5, 200, 5_000]),
    writeShare: random.between(0.25, 0.75),
    roamChance: random.between(0.2, 0.9),
    padding: overflows ? random.int(5_000, 10_000) : 0,
    transactionShare: random.pick([0, 0.1, 0.3]),
    snapshotRetention: random.chance(0.15) ? random.magnitude(5, 500) : undefined,
    snapshotBytes: random.chance(0.1) ? random.int(2, 16) * 1024 : undefined,
    unrest: undefined,
  };
  const drawn = overflows || random.chance(0.5) ? options : { ...options, ...drawUnrest(random, options.delayMsMax) };
  return { ...drawn, mergeShare: random.chance(0.3) ? random.between(0.1, 0.4) : 0 };
}

/** Faults take seconds to be noticed, so these runs are slower; and their delays are short beside what makes a node suspect. */
function drawUnrest(random: SeededRandom, delayMsMax: number): Partial<SimulationOptions> {
  const delay = Math.min(delayMsMax, 10);
  const oneAtATime = random.chance(0.5);
  return {
    delayMsMax: delay,
    delayMsMin: delay / random.between(1, 10),
    pauseMs: random.magnitude(20, 400),
    unrest: {
      crashes: random.int(0, 3),
      cuts: random.int(0, 2),
      leaves: random.int(0, 2),
      spares: random.int(0, 2),
      // A node whose clock is wrong cannot join again before it is right.
      clockJumps: oneAtATime ? random.int(0, 1) : 0,
      outages: random.int(0, 1),
      oneAtATime,
      suspectMs: random.pick([300, 600, 1_000]) + 20 * delay,
    },
  };
}
