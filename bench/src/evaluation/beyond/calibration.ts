// What the code itself costs: a deployment of the size in question runs in this very process, each of its steps is timed, and what steps of one kind took is divided among what
// was done in them. Sockets are measured apart (sockets.ts), for here there are none.

import { Simulation } from "@causalmesh/core/testing";
import { Cores } from "./cores.js";
import { type Costs, Deployment, type DeploymentOptions, ROLES, type Role } from "./deployment.js";
import { Samples } from "./least-squares.js";
import { load, openSimulated } from "./load.js";
import { SimulatedProcess } from "./process.js";
import { CODE_COSTS, type CodeCosts, countsOf, type SocketCosts } from "./work.js";
import { percentile } from "../../statistics.js";
import type { WorkloadOptions } from "../workloads/workload.js";

/** A guess to begin with: it decides in which order things happen while they are timed, and about nothing else. */
const GUESS: CodeCosts = { client: 10, peer: 10, loop: 5, frame: 2, received: 1, applied: 1 };
const EMPTY_STEPS = 20_000;
/** Workflows per second of the first load under which steps are timed, which has hardly anything at a time. */
const LIGHT_RATE = 100;
/** Then come one that keeps processors busy, and one that is more than they can do: those have much at a time. As shares of what a processor could do if that were no cheaper. */
const BUSY = [
  { utilisation: 0.7, share: 0.25 },
  { utilisation: 4, share: 0.1 },
];
const RATE_MAX = 30_000;
/** The slowest steps were interrupted by something that is none of theirs. */
const KEPT_SHARE = 0.99;

export interface Calibration {
  readonly code: Costs["code"];
  readonly steps: number;
}

export type Shape = Omit<DeploymentOptions, "costs" | "measured">;

export async function calibrate(shape: Shape, options: WorkloadOptions, sockets: SocketCosts, lightMs: number): Promise<Calibration> {
  const emptyMs = await emptyStepMs();
  const timed = new Map(ROLES.map((role): [Role, Timed[]] => [role, []]));
  const costs: Costs = { sockets, code: { node: GUESS, functions: GUESS, store: GUESS } };
  let isTimed = false;
  const measured: DeploymentOptions["measured"] = (role, work, ms) => {
    if (isTimed) timed.get(role)!.push({ counts: countsOf(work), micros: Math.max(0, ms - emptyMs) * 1000 });
  };
  const workload = await openSimulated(options, shape.nodes, shape.seed);
  await Deployment.run({ ...shape, costs, measured }, workload.keys, workload.fill, async (deployment) => {
    const common = { warmUpMs: 0, noted: 0, seed: shape.seed };
    // Until the runtime has compiled it.
    await load(deployment, workload, { ...common, rate: LIGHT_RATE, durationMs: lightMs });
    isTimed = true;
    const light = await load(deployment, workload, { ...common, rate: LIGHT_RATE, durationMs: lightMs });
    const busy = Math.max(light.utilisation.flusher, light.utilisation.most);
    for (const { utilisation, share } of BUSY) {
      const rate = Math.min(RATE_MAX, (LIGHT_RATE * utilisation) / busy);
      await load(deployment, workload, { ...common, rate, durationMs: lightMs * share });
    }
  });
  const code = Object.fromEntries(ROLES.map((role) => [role, divided(timed.get(role)!)])) as Costs["code"];
  return { code, steps: [...timed.values()].reduce((sum, { length }) => sum + length, 0) };
}

/** A step: how often it had what costs something, and what it took. */
interface Timed {
  readonly counts: readonly number[];
  readonly micros: number;
}

function divided(steps: readonly Timed[]): CodeCosts {
  const samples = new Samples(CODE_COSTS.length);
  const limit = percentile(
    steps.map(({ micros }) => micros),
    KEPT_SHARE,
  );
  for (const { counts, micros } of steps) if (micros <= limit) samples.add(counts, micros);
  const costs = samples.solve();
  return Object.fromEntries(CODE_COSTS.map((name, index) => [name, costs[index]])) as CodeCosts;
}

/** Milliseconds that a step takes in which nothing is done. */
async function emptyStepMs(): Promise<number> {
  const simulation = new Simulation(1, () => new Promise((resolve) => process.nextTick(resolve)));
  let [total, count] = [0, 0];
  const idle = new SimulatedProcess(simulation, {
    name: "idle",
    cores: new Cores(1),
    costMs: () => 0.01,
    onStep: (_work, ms) => {
      count += 1;
      // The first ones are not compiled yet.
      if (count > EMPTY_STEPS / 2) total += ms;
    },
  });
  for (let step = 0; step < EMPTY_STEPS; step++) simulation.schedule(step, () => idle.run("loop", () => undefined));
  await simulation.run(simulation.sleep(EMPTY_STEPS));
  return total / (EMPTY_STEPS / 2);
}
