// Experiments with clusters of their own: the number of servers, the review site, anomalies, and YCSB.

import { alternated } from "../../bench.js";
import type { MeasuredStep } from "../cluster.js";
import { SYSTEMS, type SystemName } from "../systems/registry.js";
import type { WorkloadOptions } from "../workloads/workload.js";
import { ANOMALIES, type Bench, clusterSeconds, measure, type Sweep, sweep, sweepSteps, withCluster } from "./experiment.js";

export interface SweepRun {
  readonly system: SystemName;
  readonly repetition: number;
  readonly servers: number;
  readonly sweep: Sweep;
}

export interface AnomalyRun {
  readonly system: SystemName;
  readonly repetition: number;
  readonly nodes: number;
  readonly step: MeasuredStep;
}

export interface YcsbRun {
  readonly system: SystemName;
  readonly repetition: number;
  readonly letter: string;
  readonly step: MeasuredStep;
}

/** The systems of an experiment, where not all of them take part. */
const SCALED: readonly SystemName[] = ["causalmesh", "causalmesh-tcc"];
const COMPARED_FOR_ANOMALIES: readonly SystemName[] = ["weak", "causalmesh"];
const YCSB: readonly SystemName[] = ["causalmesh", "weak", "redis"];
const YCSB_LETTERS = ["A", "B", "C", "D", "E", "F"];

/** More than there are: an anomaly takes a cause, an effect, and somebody who sees them, and is found only where all three were noted. */
const ALL_NOTED = 3_000;

function among({ systems }: Bench, wanted: readonly SystemName[]): SystemName[] {
  return systems.filter((system) => wanted.includes(system));
}

function mediaSystems({ systems }: Bench): SystemName[] {
  // The reviews that are read are known only when their list has been read.
  return systems.filter((system) => SYSTEMS[system].caches && !SYSTEMS[system].needsPlan);
}

/** For each repetition, the things to measure, forwards and backwards in turn. */
async function repeated<Thing>({ settings }: Bench, things: readonly Thing[], work: (thing: Thing, repetition: number) => Promise<void>): Promise<void> {
  for (let repetition = 0; repetition < settings.repetitions; repetition++) for (const thing of alternated(things, repetition)) await work(thing, repetition);
}

function pairs<A, B>(first: readonly A[], second: readonly B[]): [A, B][] {
  return first.flatMap((a) => second.map((b): [A, B] => [a, b]));
}

function planned({ settings, progress }: Bench, clusters: number, steps: number): void {
  progress.plan(settings.repetitions * clusters * clusterSeconds(settings, steps));
}

export function planServers(bench: Bench): void {
  planned(bench, among(bench, SCALED).length * bench.settings.serverCounts.length, sweepSteps(bench.settings));
}

export async function runServers(bench: Bench): Promise<SweepRun[]> {
  const runs: SweepRun[] = [];
  const workload: WorkloadOptions = { name: "length", keys: bench.settings.keys, functions: 3 };
  await repeated(bench, pairs(among(bench, SCALED), bench.settings.serverCounts), async ([system, servers], repetition) => {
    const swept = await withCluster(bench, { system, servers, workload }, (cluster) => sweep(bench, cluster));
    runs.push({ system, repetition, servers, sweep: swept });
  });
  return runs;
}

export function planMedia(bench: Bench): void {
  planned(bench, mediaSystems(bench).length, sweepSteps(bench.settings));
}

export async function runMedia(bench: Bench): Promise<SweepRun[]> {
  const runs: SweepRun[] = [];
  const { servers, keys } = bench.settings;
  await repeated(bench, mediaSystems(bench), async (system, repetition) => {
    const swept = await withCluster(bench, { system, servers, workload: { name: "media", keys } }, (cluster) => sweep(bench, cluster));
    runs.push({ system, repetition, servers, sweep: swept });
  });
  return runs;
}

export function planAnomalies(bench: Bench): void {
  planned(bench, among(bench, COMPARED_FOR_ANOMALIES).length * bench.settings.anomalyNodes.length, 1);
}

export async function runAnomalies(bench: Bench): Promise<AnomalyRun[]> {
  const runs: AnomalyRun[] = [];
  const { anomalyNodes, anomalyRate } = bench.settings;
  await repeated(bench, pairs(among(bench, COMPARED_FOR_ANOMALIES), anomalyNodes), async ([system, nodes], repetition) => {
    const step = await withCluster(bench, { system, servers: nodes, workload: ANOMALIES }, (cluster) =>
      measure(bench, cluster, anomalyRate, { noted: ALL_NOTED, countsBroken: true }),
    );
    runs.push({ system, repetition, nodes, step });
  });
  return runs;
}

export function planYcsb(bench: Bench): void {
  planned(bench, among(bench, YCSB).length, YCSB_LETTERS.length);
}

export async function runYcsb(bench: Bench): Promise<YcsbRun[]> {
  const runs: YcsbRun[] = [];
  const { servers, ycsbRecords, ycsbRate } = bench.settings;
  const workload = (letter: string): WorkloadOptions => ({ name: "ycsb", keys: ycsbRecords, letter });
  await repeated(bench, among(bench, YCSB), async (system, repetition) => {
    await withCluster(bench, { system, servers, workload: workload("A") }, async (cluster) => {
      for (const letter of YCSB_LETTERS) {
        await cluster.use(workload(letter));
        runs.push({ system, repetition, letter, step: await measure(bench, cluster, ycsbRate) });
      }
    });
  });
  return runs;
}
