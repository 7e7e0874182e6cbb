// The load of a simulated deployment, in its virtual time: workflows begin at intended times as in the open loop, and writes are watched until all nodes show them.

import { judge, type Verdict } from "../judge/judge.js";
import { runWorkflow, Tally } from "../load/flow.js";
import { Notes, numbered } from "../load/notes.js";
import { SLOT_MS } from "../load/open-loop.js";
import { SYSTEMS } from "../systems/registry.js";
import { openWorkload, type Workload, type WorkloadOptions } from "../workloads/workload.js";
import type { Latency, Step } from "../../processes/workflow-host.js";
import { percentile } from "../../statistics.js";
import { seeded } from "../../zipf.js";
import type { Deployment, SentBytes } from "./deployment.js";

export interface LoadOptions {
  /** Workflows per second, all together. */
  readonly rate: number;
  readonly warmUpMs: number;
  readonly durationMs: number;
  /** Milliseconds between two writes that are watched until all nodes show them; undefined for none. */
  readonly probeEveryMs?: number;
  /** Microseconds of a tick of the clock that makes a real load; undefined where workflows begin by themselves. */
  readonly tickMicros?: number;
  /** Workflows that are noted for the checker. */
  readonly noted: number;
  readonly seed: number;
}

/** Those of a step on real processes that there are here too, and what only a simulation can tell. */
export interface LoadFigures extends Pick<
  Step,
  "rate" | "completed" | "failed" | "error" | "unfinished" | "isOverloaded" | "workflowMs" | "readMs" | "writeMs" | "contextBytes"
> {
  /** From the acknowledgement of a write until all nodes show it; and until one of them does. */
  readonly everywhereMs: Latency;
  readonly anywhereMs: Latency;
  /** Of the writes that were watched, those that were not shown everywhere when all was over. */
  readonly unseen: number;
  /** All of them, with those of the warm-up; writes that were watched count among the writes. */
  readonly workflows: number;
  readonly writes: number;
  readonly sent: SentBytes;
  /** Busy shares of the processors: of the first node, which writes to the store, and the most and least of the others. */
  readonly utilisation: { readonly flusher: number; readonly most: number; readonly least: number };
  /** Microseconds of processors per workflow. */
  readonly cpuMicros: { readonly functions: number; readonly nodes: number; readonly store: number };
  /** Writes that nodes had received and did not show when the last workflow had begun, all nodes together. */
  readonly backlog: number;
  /** How much faster workflows and writes began than ended, as a share of those that began: of workflows everywhere, and of writes at a node. */
  readonly growth: { readonly workflows: number; readonly writes: number };
  readonly writesPerSecond: number;
  readonly verdict: Verdict;
}

/** Time for what has begun to end. */
const DRAIN_MS_MAX = 10_000;
const DRAIN_POLL_MS = 5;
const IN_FLIGHT_MIN = 500;
const PROBE_KEYS = "probe:";
const PROMISE = SYSTEMS.causalmesh.promise;

export async function openSimulated(workload: WorkloadOptions, nodes: number, seed: number): Promise<Workload> {
  return await openWorkload(workload, { random: seeded(seed), servers: nodes });
}

export async function load(deployment: Deployment, workload: Workload, options: LoadOptions): Promise<LoadFigures> {
  return await new Load(deployment, workload, options).run();
}

class Load {
  readonly #deployment: Deployment;
  readonly #workload: Workload;
  readonly #options: LoadOptions;
  readonly #notes: Notes;
  readonly #tally = new Tally();
  readonly #total: number;
  readonly #latenciesMs: number[] = [];
  #begun = 0;
  #ended = 0;
  #failed = 0;
  #error: string | undefined;
  #isOverloaded = false;
  #probes = 0;
  #beginMs = 0;

  constructor(deployment: Deployment, workload: Workload, options: LoadOptions) {
    const { rate, warmUpMs, durationMs, noted } = options;
    this.#deployment = deployment;
    this.#workload = workload;
    this.#options = options;
    this.#total = Math.round(((warmUpMs + durationMs) * rate) / 1000);
    this.#notes = new Notes({ from: Math.max(0, Math.floor((this.#total - noted) / 2)), count: noted });
  }

  async run(): Promise<LoadFigures> {
    const { simulation, propagation, sent } = this.#deployment;
    const { rate, warmUpMs, durationMs } = this.#options;
    this.#beginMs = simulation.time;
    propagation.forget();
    const before = { sent: { ...sent }, busyMs: this.#busyMs() };
    for (let index = 0; index < this.#total; index++) simulation.schedule((index * 1000) / rate, () => void this.#begin(index));
    let busyFrom: readonly number[] = [];
    let from = { workflows: 0, writes: 0 };
    simulation.schedule(warmUpMs, () => {
      busyFrom = this.#busyMs();
      from = this.#underWay();
    });
    this.#probe();
    this.#tick(simulation.time + warmUpMs + durationMs);
    await simulation.sleep(warmUpMs + durationMs);
    const { backlog } = propagation;
    const underWay = this.#underWay();
    const writesPerSecond = (this.#tally.writes * 1000) / (warmUpMs + durationMs);
    const growth = {
      workflows: (underWay.workflows - from.workflows) / ((rate * durationMs) / 1000),
      writes: (underWay.writes - from.writes) / ((writesPerSecond * durationMs) / 1000),
    };
    const shares = this.#busyMs().map((ms, index) => (ms - busyFrom[index]) / durationMs);
    const deadline = simulation.time + DRAIN_MS_MAX;
    while ((this.#ended < this.#begun || propagation.open > 0) && simulation.time < deadline && propagation.failure === undefined)
      await simulation.sleep(DRAIN_POLL_MS);
    if (propagation.failure !== undefined) throw propagation.failure;
    const [nodes, functions, store] = this.#sums(this.#busyMs().map((ms, index) => ms - before.busyMs[index]));
    const perWorkflow = (ms: number): number => (ms * 1000) / Math.max(1, this.#ended);
    return {
      rate,
      completed: this.#latenciesMs.length,
      failed: this.#failed,
      error: this.#error,
      unfinished: this.#begun - this.#ended,
      isOverloaded: this.#isOverloaded,
      workflowMs: latency(this.#latenciesMs),
      readMs: latency(this.#tally.readMs),
      writeMs: latency(this.#tally.writeMs),
      everywhereMs: latency(propagation.delaysMs.map((delays) => Math.max(...delays))),
      anywhereMs: latency(propagation.delaysMs.flat()),
      unseen: propagation.open,
      contextBytes: this.#tally.hops === 0 ? 0 : this.#tally.contextBytes / this.#tally.hops,
      workflows: this.#ended,
      writes: this.#tally.writes + this.#probes,
      sent: { client: sent.client - before.sent.client, peers: sent.peers - before.sent.peers, store: sent.store - before.sent.store },
      utilisation: { flusher: shares[0], most: Math.max(...this.#nodes(shares).slice(1)), least: Math.min(...this.#nodes(shares).slice(1)) },
      cpuMicros: { nodes: perWorkflow(nodes), functions: perWorkflow(functions), store: perWorkflow(store) },
      backlog,
      growth,
      writesPerSecond,
      verdict: judge(this.#notes.notes, PROMISE),
    };
  }

  async #begin(index: number): Promise<void> {
    const { simulation } = this.#deployment;
    if (this.#isOverloaded) return;
    const { rate, warmUpMs } = this.#options;
    const intended = simulation.time;
    this.#begun += 1;
    this.#isOverloaded = this.#begun - this.#ended > Math.max(IN_FLIGHT_MIN, rate);
    const client = this.#deployment.roaming();
    const end = (): void => {
      this.#ended += 1;
      if (intended >= this.#beginMs + warmUpMs) this.#latenciesMs.push(simulation.time - intended);
    };
    try {
      await runWorkflow(this.#workload.next(), {
        client,
        promise: PROMISE,
        tally: this.#tally,
        notes: this.#notes.of(index),
        name: `w${index}`,
        nextNumber: this.#deployment.nextNumber,
        now: () => simulation.time,
      });
      client.process!.leaves(end);
    } catch (error) {
      this.#ended += 1;
      this.#failed += 1;
      this.#error ??= error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
  }

  /** Now and then a write of its own, which is watched from its acknowledgement on. */
  #probe(): void {
    const { simulation, nodes } = this.#deployment;
    const { probeEveryMs, warmUpMs, durationMs, seed } = this.#options;
    if (probeEveryMs === undefined) return;
    const random = seeded(seed ^ 0x9e37);
    for (let at = warmUpMs; at < warmUpMs + durationMs; at += probeEveryMs) {
      const node = Math.floor(random() * nodes.length);
      simulation.schedule(at, () => void this.#write(node, `${PROBE_KEYS}${node}`));
    }
  }

  /** The clock of a real load runs in the process of the functions. */
  #tick(untilMs: number): void {
    const { simulation, hosts } = this.#deployment;
    const { tickMicros } = this.#options;
    if (tickMicros === undefined || simulation.time >= untilMs) return;
    const [{ process: host }] = hosts;
    host.run("loop", () => Object.assign(host.work, { turns: 0, wakes: 0, other: tickMicros }));
    simulation.schedule(SLOT_MS, () => this.#tick(untilMs));
  }

  async #write(node: number, key: string): Promise<void> {
    const { propagation, nodes } = this.#deployment;
    const client = this.#deployment.roaming();
    try {
      const run = await client.enter([], node, []);
      await run.write(key, numbered(0, ""));
      this.#probes += 1;
      // Or one of the same node that was acknowledged just now: it is shown no earlier.
      const { replica, neighbours } = nodes[node].member.host;
      propagation.watch(replica, neighbours.replicated);
    } catch (error) {
      this.#failed += 1;
      this.#error ??= String(error);
    }
  }

  /** Workflows that have begun and not ended, and writes that a node has received and does not show, on average. */
  #underWay(): { readonly workflows: number; readonly writes: number } {
    const { propagation, nodes } = this.#deployment;
    return { workflows: this.#begun - this.#ended, writes: propagation.backlog / nodes.length };
  }

  /** Milliseconds that each process has been busy: the nodes, then the processes of the functions, then the store. */
  #busyMs(): number[] {
    const { nodes, hosts, store } = this.#deployment;
    return [...nodes.map(({ process }) => process.busyMs), ...hosts.map(({ process }) => process.busyMs), store.busyMs];
  }

  #nodes(all: readonly number[]): readonly number[] {
    return all.slice(0, this.#deployment.nodes.length);
  }

  #sums(all: readonly number[]): [nodes: number, functions: number, store: number] {
    const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
    return [sum(this.#nodes(all)), sum(all.slice(this.#deployment.nodes.length, -1)), all.at(-1)!];
  }
}

function latency(samples: readonly number[]): Latency {
  return { p50: percentile(samples, 0.5), p99: percentile(samples, 0.99) };
}
