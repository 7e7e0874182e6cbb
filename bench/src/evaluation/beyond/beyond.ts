// The experiment beyond these machines: costs are measured, the simulation is held against real processes where there are some, and goes on to sizes that no machine here has.

import { Crew } from "../../crew.js";
import type { MeasuredStep } from "../cluster.js";
import { type Bench, clusterSeconds, measure, withCluster } from "../experiments/experiment.js";
import { VISIBILITY_LIMIT_MS } from "../experiments/micro.js";
import { visibility } from "../load/visibility.js";
import type { Workload, WorkloadOptions } from "../workloads/workload.js";
import { type Calibration, calibrate, type Shape } from "./calibration.js";
import { type Costs, Deployment } from "./deployment.js";
import { load, type LoadFigures, openSimulated } from "./load.js";
import { measureSockets, type SocketFigures } from "./sockets.js";
import { findSustained, type Sustained } from "./sustained.js";

export interface Checked {
  readonly nodes: number;
  readonly real: MeasuredStep;
  readonly simulated: LoadFigures;
  /** What the simulation sustains; on real processes that is the experiment with the number of servers. */
  readonly sustained: Sustained;
  /** By distance round the ring, milliseconds. */
  readonly realVisibilityMs: readonly (readonly number[])[];
  readonly simulatedVisibilityMs: readonly (readonly number[])[];
}

export interface Beyond {
  readonly regions: number;
  readonly nodes: number;
  readonly code: Costs["code"];
  readonly light: LoadFigures;
  /** undefined where it was not looked for. */
  readonly sustained: Sustained | undefined;
}

export interface BeyondRun {
  readonly sockets: SocketFigures;
  readonly calibrations: readonly (Calibration & { readonly nodes: number })[];
  readonly checked: readonly Checked[];
  readonly beyond: readonly Beyond[];
}

/** Milliseconds one way: from process to process of one region, and among three of them. */
const NEAR_MS = 0.25;
const ONE_REGION = [[NEAR_MS]];
export const THREE_REGIONS = [
  [NEAR_MS, 35, 110],
  [35, NEAR_MS, 70],
  [110, 70, NEAR_MS],
];
const REGIONS = [ONE_REGION, THREE_REGIONS];
/** As long as what is slowest under a light load, so many times over: for a busy one, and before it is measured. */
const SLOWEST = 2.5;
const HOSTS_MAX = 32;
const HEAT_NODES = 3;
const HEAT_MS = 1_000;
const HEATS = 4;
const HEAT_SECONDS = 1;
const REAL_CORES = 2;
/** Writes that are watched until all nodes show them, of each load. */
const PROBES = 60;
/** Roughly, for the time left: what simulating a node under load takes. */
const SECONDS_PER_NODE = 0.25;

function workloadOf({ settings }: Bench): WorkloadOptions {
  return { name: "length", keys: settings.beyond.keys, functions: 3 };
}

/** It is our mesh that is simulated. */
function takesPart({ systems }: Bench): boolean {
  return systems.includes("causalmesh");
}

export function planBeyond(bench: Bench): void {
  const { settings, progress } = bench;
  if (!takesPart(bench)) return;
  const { checked, sizes } = settings.beyond;
  progress.plan(
    HEATS * HEAT_SECONDS + checked.length * (clusterSeconds(settings, 1) + 3) + sizes.reduce((sum, nodes) => sum + 2 + 2 * nodes * SECONDS_PER_NODE, 0),
  );
}

export async function runBeyond(bench: Bench): Promise<BeyondRun | undefined> {
  if (!takesPart(bench)) return undefined;
  const { checked: checkedSizes, sizes, calibrationMs } = bench.settings.beyond;
  const sockets = await measureSockets(bench.crews, new Crew(bench.profile));
  await heat(bench, sockets);
  const calibrations = new Map<number, Calibration>();
  const costs = async (shape: Shape): Promise<Costs> => {
    const known = calibrations.get(shape.nodes);
    const found = known ?? (await calibrate(shape, workloadOf(bench), sockets, calibrationMs));
    calibrations.set(shape.nodes, found);
    return { sockets, code: found.code };
  };
  const checked: Checked[] = [];
  for (const nodes of checkedSizes) {
    const delaysMs = [[sockets.way / 1000]];
    const shape = { nodes, hosts: 1, delaysMs, sharedCores: REAL_CORES, seed: bench.settings.seed };
    checked.push(await check(bench, shape, await costs(shape), sockets.tick));
  }
  const beyond: Beyond[] = [];
  for (const nodes of sizes) {
    for (const delaysMs of REGIONS) {
      if (delaysMs.length > nodes) continue;
      const shape = { nodes, hosts: HOSTS_MAX, delaysMs, seed: bench.settings.seed };
      beyond.push(await simulate(bench, shape, await costs(shape)));
    }
  }
  return { sockets, calibrations: [...calibrations].map(([nodes, one]) => ({ nodes, ...one })), checked, beyond };
}

/** The runtime compiles what it runs as it runs it: steps are timed when that is over. */
async function heat(bench: Bench, sockets: SocketFigures): Promise<void> {
  const shape = { nodes: HEAT_NODES, hosts: HEAT_NODES, delaysMs: ONE_REGION, seed: bench.settings.seed };
  for (let count = 1; count <= HEATS; count++) {
    await calibrate(shape, workloadOf(bench), sockets, HEAT_MS);
    bench.progress.done(HEAT_SECONDS, `costs: warm-up ${count}`);
  }
}

/** The same workload on real processes of this machine, and in the simulation with as many processors. */
async function check(bench: Bench, shape: Shape, costs: Costs, tickMicros: number): Promise<Checked> {
  const { settings } = bench;
  const { nodes, seed } = shape;
  const { warmUpMs, durationMs, noted, probes } = settings;
  const rate = settings.beyond.checkedRate;
  const options = workloadOf(bench);
  const real = await withCluster(bench, { system: "causalmesh", servers: nodes, workload: options }, async (cluster) => ({
    step: await measure(bench, cluster, rate),
    visibilityMs: await cluster.visibility(probes, VISIBILITY_LIMIT_MS),
  }));
  const workload = await openSimulated(options, nodes, seed);
  const simulated = await Deployment.run({ ...shape, costs }, workload.keys, workload.fill, async (deployment) => {
    const figures = await load(deployment, workload, { rate, warmUpMs, durationMs, probeEveryMs: durationMs / PROBES, noted, seed, tickMicros });
    const { simulation, hosts } = deployment;
    await hosts[0].process.entered();
    const visibilityMs = await visibility({
      client: hosts[0].client,
      servers: nodes,
      keys: workload.keys,
      nextNumber: deployment.nextNumber,
      now: () => simulation.time,
      pause: (ms) => simulation.sleep(ms).then(() => hosts[0].process.entered()),
      probes,
      limitMs: VISIBILITY_LIMIT_MS,
    });
    return { figures, visibilityMs, sustained: await sustainedBy(bench, deployment, workload, figures, tickMicros) };
  });
  bench.progress.done(
    3,
    `${nodes} nodes: p50 of a workflow ${simulated.figures.workflowMs.p50.toFixed(2)} ms in the simulation, ${real.step.workflowMs.p50.toFixed(2)} ms on real processes`,
  );
  const { figures, sustained, visibilityMs: simulatedVisibilityMs } = simulated;
  return { nodes, real: real.step, simulated: figures, sustained, realVisibilityMs: real.visibilityMs, simulatedVisibilityMs };
}

/** A busy load is long enough for what is slow under a light one, and as long as there is time for. */
async function sustainedBy({ settings }: Bench, deployment: Deployment, workload: Workload, base: LoadFigures, tickMicros?: number): Promise<Sustained> {
  const { workflows, lightMs, searchSteps } = settings.beyond;
  const { noted, seed } = settings;
  const slowMs = SLOWEST * Math.max(base.workflowMs.p99, base.everywhereMs.p99);
  return await findSustained(base, searchSteps, (rate) => {
    const ms = Math.max(slowMs, Math.min(lightMs, (workflows * 1000) / rate));
    return load(deployment, workload, { rate, warmUpMs: ms, durationMs: ms, probeEveryMs: ms / PROBES, noted, seed, tickMicros });
  });
}

async function simulate(bench: Bench, shape: Shape, costs: Costs): Promise<Beyond> {
  const { rate, lightMs, searchedUpTo } = bench.settings.beyond;
  const { noted } = bench.settings;
  const { nodes, delaysMs, seed } = shape;
  const workload = await openSimulated(workloadOf(bench), nodes, seed);
  const { light, sustained } = await Deployment.run({ ...shape, costs }, workload.keys, workload.fill, async (deployment) => {
    const watched = { warmUpMs: lightMs / 5, durationMs: lightMs, probeEveryMs: lightMs / PROBES, noted, seed };
    const figures = await load(deployment, workload, { ...watched, rate });
    // Processors know nothing of distance, and what does is arithmetic (report/beyond.ts).
    const isSearched = nodes <= searchedUpTo && delaysMs.length === 1;
    return { light: figures, sustained: isSearched ? await sustainedBy(bench, deployment, workload, figures) : undefined };
  });
  const kept = sustained === undefined ? "" : `, ${Math.round(sustained.best.rate)} workflows/s sustained`;
  bench.progress.done(
    1 + nodes * SECONDS_PER_NODE,
    `${nodes} nodes in ${delaysMs.length} region${delaysMs.length === 1 ? "" : "s"}: shown everywhere after ${light.everywhereMs.p50.toFixed(1)} ms${kept}`,
  );
  return { regions: delaysMs.length, nodes, code: costs.code, light, sustained };
}
