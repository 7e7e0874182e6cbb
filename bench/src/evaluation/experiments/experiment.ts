// What experiments share: clusters that are ended whatever happens, steps that are judged, and the search for the highest rate that a system sustains.

import type { Crew } from "../../crew.js";
import { Cluster, type ClusterOptions, type MeasuredStep } from "../cluster.js";
import type { StepOptions } from "../../processes/workflow-host.js";
import type { Progress } from "../progress.js";
import type { Settings } from "../settings.js";
import { SYSTEMS, type SystemName } from "../systems/registry.js";
import type { WorkloadOptions } from "../workloads/workload.js";

export interface Bench {
  readonly settings: Settings;
  readonly systems: readonly SystemName[];
  readonly progress: Progress;
  readonly profile: string | undefined;
  /** The processes that run. */
  readonly crews: Set<Crew>;
}

/** A figure is valid only where what was promised was kept. */
export function isClean({ verdict }: MeasuredStep, system: SystemName): boolean {
  return SYSTEMS[system].promise.judged === "nothing" || verdict.broken.length === 0;
}

/** Workflows in which anomalies are frequent. */
export const ANOMALIES: WorkloadOptions = { name: "anomalies", keys: 1_000, functions: 5 };

/** The paper's criterion. */
export const P99_MS_MAX = 100;
/** Less than this share of what was asked for is not a rate that is sustained. */
const KEPT_SHARE = 0.95;
/** A hundredth of a short step is lost to one disturbance of the machine: a rate is given up when it was not kept so often. */
const ATTEMPTS = 2;
/** More unfinished workflows than come in this many seconds: the rate is beyond the system. */
const IN_FLIGHT_SECONDS = 1;
const IN_FLIGHT_MIN = 500;
/** A warm-up that takes less than this share of the one before was worth it, and is followed by another. */
const STILL_FASTER = 0.8;
const HEATS_PLANNED = 3;
const HEATS_MAX = 6;
/** Where not even the first rate of the ladder is sustained, lower ones are tried down to this. */
const RATE_MIN = 60;
/** Roughly, for the time left. */
const START_SECONDS = 5;
const DRAIN_SECONDS = 0.3;

export async function withCluster<Result>(
  bench: Bench,
  options: Omit<ClusterOptions, "seed" | "profile">,
  work: (cluster: Cluster) => Promise<Result>,
): Promise<Result> {
  const cluster = await Cluster.start({ ...options, seed: bench.settings.seed, profile: bench.profile }, bench.crews);
  try {
    bench.progress.done(START_SECONDS, `${options.system}: started`);
    await heat(bench, cluster);
    return await work(cluster);
  } finally {
    await cluster.stop(bench.crews);
  }
}

/** The runtimes compile what they run as they run it: until that does not make it faster any more, nothing is measured. */
async function heat({ settings, progress }: Bench, cluster: Cluster): Promise<void> {
  const { heatRate: rate, heatMs: durationMs } = settings;
  let before = Infinity;
  for (let count = 1; count <= HEATS_MAX; count++) {
    const { workflowMs } = await cluster.step({ rate, warmUpMs: 0, durationMs, inFlightMax: inFlightMax(rate), noted: 0 });
    progress.done(count <= HEATS_PLANNED ? durationMs / 1000 : 0, `${cluster.system}: warm-up ${count}, p50 ${workflowMs.p50.toFixed(2)} ms`);
    if (count >= HEATS_PLANNED && workflowMs.p50 > before * STILL_FASTER) return;
    before = workflowMs.p50;
  }
}

export async function measure({ settings, progress }: Bench, cluster: Cluster, rate: number, options: Partial<StepOptions> = {}): Promise<MeasuredStep> {
  const { warmUpMs, durationMs, noted } = settings;
  const step = await cluster.step({ rate, warmUpMs, durationMs, inFlightMax: inFlightMax(rate), noted, ...options });
  const verdict = step.verdict.broken.length === 0 ? "" : `, broken: ${step.verdict.broken.join(", ")}`;
  const failed = step.error === undefined ? "" : `, failed: ${step.error.split("\n")[0]}`;
  progress.done(
    stepSeconds(settings),
    `${cluster.system} at ${rate}/s: p50 ${step.workflowMs.p50.toFixed(2)} ms, p99 ${step.workflowMs.p99.toFixed(1)} ms${verdict}${failed}`,
  );
  return step;
}

function inFlightMax(rate: number): number {
  return Math.max(IN_FLIGHT_MIN, rate * IN_FLIGHT_SECONDS);
}

export interface Sweep {
  readonly steps: readonly MeasuredStep[];
  /** Workflows per second; 0 where not even the first rate was. */
  readonly sustained: number;
}

/** The highest rate that the system sustains: up a ladder until it does not, then between the last two. */
export async function sweep(bench: Bench, cluster: Cluster): Promise<Sweep> {
  const { ladder, bisections } = bench.settings;
  const steps: MeasuredStep[] = [];
  const sustains = async (rate: number): Promise<boolean> => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const step = await measure(bench, cluster, rate);
      const isKept = isSustained(step);
      // Of a rate that was kept after all, what had disturbed it before is no figure; a promise that was broken then is.
      if (isKept || attempt === ATTEMPTS - 1 || step.verdict.broken.length > 0) steps.push(step);
      if (isKept) return true;
    }
    return false;
  };
  let [good, bad] = [0, Infinity];
  for (const rate of ladder) {
    if (await sustains(rate)) good = rate;
    else {
      bad = rate;
      break;
    }
  }
  for (let rate = ladder[0] / 2; good === 0 && rate >= RATE_MIN; rate /= 2) {
    if (await sustains(rate)) good = rate;
    else bad = rate;
  }
  for (let count = 0; count < bisections && good > 0 && bad < Infinity; count++) {
    const middle = rounded(Math.sqrt(good * bad));
    if (await sustains(middle)) good = middle;
    else bad = middle;
  }
  return { steps, sustained: good };
}

function isSustained({ workflowMs, isOverloaded, failed, unfinished, completedPerSecond, rate }: MeasuredStep): boolean {
  return !isOverloaded && failed === 0 && unfinished === 0 && workflowMs.p99 <= P99_MS_MAX && completedPerSecond >= rate * KEPT_SHARE;
}

function stepSeconds({ warmUpMs, durationMs }: Settings): number {
  return (warmUpMs + durationMs) / 1000 + DRAIN_SECONDS;
}

/** Roughly what a cluster takes with so many steps. */
export function clusterSeconds(settings: Settings, steps: number): number {
  return START_SECONDS + (HEATS_PLANNED * settings.heatMs) / 1000 + steps * stepSeconds(settings);
}

export function sweepSteps({ ladder, bisections }: Settings): number {
  return Math.ceil(ladder.length * 0.6) + bisections * ATTEMPTS;
}

/** A rate in two digits or three: more would say more than is known. */
function rounded(rate: number): number {
  const step = rate >= 1_000 ? 50 : 5;
  return Math.round(rate / step) * step;
}
