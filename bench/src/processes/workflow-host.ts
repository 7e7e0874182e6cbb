// The process in which the functions of workflows run, and which makes the load. What one function hands to the next is turned into bytes, as if the next were elsewhere.

import { tcpTransport } from "@causalmesh/transport-tcp";
import { brokenWorkflows } from "../evaluation/judge/anomalies.js";
import { judge, type Verdict } from "../evaluation/judge/judge.js";
import { runWorkflow, Tally } from "../evaluation/load/flow.js";
import { Notes } from "../evaluation/load/notes.js";
import { openLoop, type OpenLoopOptions } from "../evaluation/load/open-loop.js";
import { visibility } from "../evaluation/load/visibility.js";
import { SYSTEMS, type SystemName } from "../evaluation/systems/registry.js";
import type { SystemClient } from "../evaluation/systems/system.js";
import { type ByteCounts, countedTransport } from "../evaluation/wire/counted-transport.js";
import { openWorkload, type Workload, type WorkloadOptions } from "../evaluation/workloads/workload.js";
import { argument, cpuMicros, serve } from "../serve.js";
import { percentile } from "../statistics.js";
import { seeded } from "../zipf.js";

export interface HostOptions {
  readonly system: SystemName;
  readonly addresses: readonly string[];
  readonly store: string;
  readonly workload: WorkloadOptions;
  readonly seed: number;
}

export interface StepOptions extends OpenLoopOptions {
  /** Workflows that are noted for the checker. */
  readonly noted: number;
  /** Whether to count the workflows that were shown something wrong. */
  readonly countsBroken?: boolean;
}

export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

export interface Step {
  readonly rate: number;
  readonly completed: number;
  readonly completedPerSecond: number;
  readonly failed: number;
  readonly error: string | undefined;
  readonly unfinished: number;
  readonly isOverloaded: boolean;
  /** Milliseconds, from the intended beginning of a workflow. */
  readonly workflowMs: Latency;
  readonly readMs: Latency;
  readonly writeMs: Latency;
  /** How late the generator itself was. */
  readonly lateMs: Latency;
  readonly reads: number;
  readonly writes: number;
  readonly hops: number;
  readonly contextBytes: number;
  readonly aborts: Readonly<Record<string, number>>;
  readonly verdict: Verdict;
  /** Of the noted workflows, those that were shown something wrong; undefined where they were not counted. */
  readonly brokenWorkflows: number | undefined;
}

/** Keys in one request while the store is filled and the caches load. */
const BATCH_KEYS = 512;

const { system, addresses, store, workload: workloadOptions, seed } = argument<HostOptions>();
const { promise, client: loadClient } = SYSTEMS[system];
const bytes: ByteCounts = { sent: 0, received: 0 };
const random = seeded(seed);
let numbers = 0;
let workflows = 0;
const nextNumber = (): number => ++numbers;

interface Opened {
  readonly client: SystemClient;
  workload: Workload;
}

async function open(): Promise<Opened> {
  const workload = await openWorkload(workloadOptions, { random, servers: addresses.length });
  const client = await (await loadClient())({ addresses, store, transport: countedTransport(tcpTransport(), bytes), counts: bytes });
  return { client, workload };
}

const opened = open();
opened.catch(() => undefined);

/** Goes on with other workflows on the same keys. */
async function use(options: WorkloadOptions): Promise<void> {
  (await opened).workload = await openWorkload(options, { random, servers: addresses.length });
}

async function inBatches(keys: readonly string[], work: (keys: readonly string[]) => Promise<void>): Promise<void> {
  for (let at = 0; at < keys.length; at += BATCH_KEYS) await work(keys.slice(at, at + BATCH_KEYS));
}

async function fill(): Promise<void> {
  const { client, workload } = await opened;
  await inBatches(workload.keys, (keys) => client.fill(keys, workload.fill));
  for (const server of addresses.keys()) await inBatches(workload.keys, (keys) => client.warm(server, keys));
}

async function step(options: StepOptions): Promise<Step> {
  const { client, workload } = await opened;
  let tally = new Tally();
  const total = ((options.warmUpMs + options.durationMs) * options.rate) / 1000;
  // In the middle, where the load has settled.
  const notes = new Notes({ from: Math.max(0, Math.floor((total - options.noted) / 2)), count: options.noted });
  const run = (index: number): Promise<void> =>
    runWorkflow(workload.next(), { client, promise, tally, notes: notes.of(index), name: `w${++workflows}`, nextNumber, now: () => performance.now() });
  const result = await openLoop(options, run, () => (tally = new Tally()));
  return {
    rate: options.rate,
    completed: result.latenciesMs.length,
    completedPerSecond: (result.latenciesMs.length / result.elapsedMs) * 1000,
    failed: result.failed,
    error: result.error,
    unfinished: result.unfinished,
    isOverloaded: result.isOverloaded,
    workflowMs: latency(result.latenciesMs),
    readMs: latency(tally.readMs),
    writeMs: latency(tally.writeMs),
    lateMs: latency(result.lateMs),
    reads: tally.reads,
    writes: tally.writes,
    hops: tally.hops,
    contextBytes: tally.contextBytes,
    aborts: tally.aborts,
    verdict: judge(notes.notes, promise),
    brokenWorkflows: options.countsBroken === true ? brokenWorkflows(notes.notes) : undefined,
  };
}

function latency(samples: readonly number[]): Latency {
  return { p50: percentile(samples, 0.5), p99: percentile(samples, 0.99) };
}

async function measureVisibility(probes: number, limitMs: number): Promise<number[][]> {
  const { client, workload } = await opened;
  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  return await visibility({ client, servers: addresses.length, keys: workload.keys, nextNumber, now: () => performance.now(), pause, probes, limitMs });
}

const commands = {
  ready: async (): Promise<void> => void (await opened),
  fill,
  use,
  step,
  visibility: measureVisibility,
  cpu: cpuMicros,
  bytes: (): ByteCounts => ({ sent: bytes.sent, received: bytes.received }),
};
export type WorkflowHostProgram = typeof commands;
serve(commands, async () => await (await opened).client.close());
