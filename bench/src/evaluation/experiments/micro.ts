// The micro workload, and what is measured on the same clusters: latency at fixed rates and what it takes (resources), workflows of growing length, visibility,
// and the highest rate that is sustained.

import { alternated } from "../../bench.js";
import type { Cluster, MeasuredStep } from "../cluster.js";
import { SYSTEMS, type SystemName } from "../systems/registry.js";
import { ANOMALIES, type Bench, clusterSeconds, measure, type Sweep, sweep, sweepSteps, withCluster } from "./experiment.js";

export interface MicroRun {
  readonly system: SystemName;
  readonly repetition: number;
  readonly fixed: readonly MeasuredStep[];
  /** Bytes that each cache server holds at the end: a forced collection would disturb what is measured after it. */
  readonly residentBytes: readonly number[];
  readonly length: readonly { readonly functions: number; readonly step: MeasuredStep }[];
  /** Long workflows on few keys, in which a broken promise shows sooner than in micro, whose writes follow little. */
  readonly hot?: MeasuredStep;
  /** Milliseconds by distance round the servers; empty where there are no caches. */
  readonly visibilityMs: readonly (readonly number[])[];
  readonly sweep: Sweep;
}

/** A write that takes longer than this to be shown unprompted counts as never shown. */
export const VISIBILITY_LIMIT_MS = 1_000;

export function planMicro({ settings, systems, progress }: Bench): void {
  const steps = settings.fixedRates.length + settings.lengths.length + sweepSteps(settings) + 2;
  progress.plan(settings.repetitions * systems.length * clusterSeconds(settings, steps));
}

export async function runMicro(bench: Bench): Promise<MicroRun[]> {
  const runs: MicroRun[] = [];
  const { servers, keys, repetitions } = bench.settings;
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const system of alternated(bench.systems, repetition)) {
      runs.push(await withCluster(bench, { system, servers, workload: { name: "micro", keys } }, (cluster) => measured(bench, cluster, repetition)));
    }
  }
  return runs;
}

async function measured(bench: Bench, cluster: Cluster, repetition: number): Promise<MicroRun> {
  const { settings } = bench;
  const { keys } = settings;
  const fixed: MeasuredStep[] = [];
  for (const rate of settings.fixedRates) fixed.push(await measure(bench, cluster, rate));
  const length: { functions: number; step: MeasuredStep }[] = [];
  for (const functions of settings.lengths) {
    await cluster.use({ name: "length", keys, functions });
    length.push({ functions, step: await measure(bench, cluster, settings.lengthRate) });
  }
  await cluster.use(ANOMALIES);
  const hot = await measure(bench, cluster, settings.anomalyRate);
  await cluster.use({ name: "micro", keys });
  const visibilityMs = SYSTEMS[cluster.system].caches ? await cluster.visibility(settings.probes, VISIBILITY_LIMIT_MS) : [];
  const swept = await sweep(bench, cluster);
  return { system: cluster.system, repetition, fixed, length, hot, visibilityMs, sweep: swept, residentBytes: await cluster.resident() };
}
