// A chaos run: rounds of roaming workflows on one mesh of processes, to which things are done meanwhile. After each round the mesh has to recover, and is judged: what sessions were
// told, what every node shows, what the store holds, and that nothing is lost that was acknowledged at a level that outlives what was done (docs/durability.md).

import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { historyText } from "@causalmesh/checker/testing";
import { readView, type Durability, type Mesh, type Store } from "@causalmesh/core";
import { SeededRandom, type Violation } from "@causalmesh/core/testing";
import { connect } from "@causalmesh/transport-tcp";
import { openStore, type Database } from "../database.js";
import { keysOf, monotonicMs, Recording, type StoreCut } from "../recording.js";
import type { FailedCall, HeldToken } from "../workflow.js";
import type { ClientOrder, ClientReport } from "./client-main.js";
import { drawFaults, FAULT_KINDS, mayFail, play, survivors, type Fault, type FaultKind, type PlayedFault } from "./faults.js";
import { figuresOfKill, tally, type KillFigures } from "./figures.js";
import type { Evidence } from "./judge-main.js";
import { ChaosNodes } from "./nodes.js";
import type { Probe, ProbeOrder } from "./probe-main.js";
import { Program } from "./program.js";

export interface ChaosOptions {
  readonly database: Database;
  readonly seed: number;
  /** No round begins after this time. */
  readonly forMs: number;
  /** Rounds at most. */
  readonly rounds?: number;
  /** 3 to 5; drawn from the seed by default. */
  readonly nodes?: number;
  /** The kinds that are drawn; all by default. */
  readonly kinds?: readonly FaultKind[];
  /** The faults of each round, in place of those that are drawn. */
  readonly faults?: (round: number) => readonly Fault[];
  /** A folder for the logs of the nodes. */
  readonly logs?: string;
  /** A file that begins anew, for what sessions asked and were told (docs/history.md). */
  readonly history?: string;
  readonly report?: (round: ChaosRound) => void;
  /** Ends the run, and everything that it has started. */
  readonly signal?: AbortSignal;
}

export interface ChaosRound {
  readonly number: number;
  /** When, in milliseconds from the beginning of the run. */
  readonly faults: readonly PlayedFault[];
  readonly survivors: readonly Durability[];
  /** Time from the end of the last fault until every node was a member and the store took writes from each. */
  readonly recoveredMs: number;
  /** How often a node found that it was taken for dead, and joined anew. */
  readonly rejoined: number;
  /** Calls of the workflows: those that were answered, and those that failed, by code. */
  readonly answered: number;
  readonly failed: Readonly<Record<string, number>>;
  /** Calls of the probes, at default settings. */
  readonly probes: number;
  readonly probesFailed: Readonly<Record<string, number>>;
  readonly writes: number;
  /** Acknowledged writes that died with their nodes, by level. */
  readonly lost: Readonly<Record<string, number>>;
  readonly kills: readonly KillFigures[];
  readonly violations: readonly Violation[];
}

export interface ChaosReport {
  readonly seed: number;
  readonly nodes: number;
  readonly rounds: readonly ChaosRound[];
}

const CLIENTS = 3;
const KEYS_MAX = 12;
const STORM_CHANCE = 0.4;
const SAMPLE_MS = 200;
/** Undisturbed time before the faults, which they are compared with, and after recovery. */
const CALM_MS = 2_500;
const AFTER_MS = 1_000;
const RECOVERY_MS_MAX = 60_000;
const POLL_MS = 50;

export async function chaosRun(options: ChaosOptions): Promise<ChaosReport> {
  if (options.history !== undefined) writeFileSync(options.history, historyText([]));
  const random = new SeededRandom(options.seed);
  const count = options.nodes ?? random.int(3, 5);
  const store = openStore(options.database.url);
  const run = new Run(options, random, store, count);
  try {
    return { seed: options.seed, nodes: count, rounds: await Promise.race([run.rounds(), aborted(options.signal)]) };
  } finally {
    await run.close();
    await store.close();
  }
}

async function aborted(signal: AbortSignal | undefined): Promise<never> {
  return await new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason as Error), { once: true }));
}

class Run {
  readonly #options: ChaosOptions;
  readonly #random: SeededRandom;
  /** When sessions change hands is up to the machine: that must not change what else is drawn. */
  readonly #posting: SeededRandom;
  readonly #store: Store;
  readonly #count: number;
  /** What nodes said when they ended by themselves, since the last round. */
  readonly #failures: string[] = [];
  #rejoined = 0;
  readonly #begunMs = monotonicMs();
  readonly #kinds: readonly FaultKind[];
  readonly #clients: readonly Program<ClientOrder, ClientReport>[];
  readonly #probe = new Program<ProbeOrder, readonly Probe[]>("probe-main");
  #nodes!: ChaosNodes;
  /** Looks at the mesh. */
  #mesh: Mesh | undefined;
  #playing: Promise<unknown> = Promise.resolve();

  constructor(options: ChaosOptions, random: SeededRandom, store: Store, count: number) {
    this.#options = options;
    this.#random = random;
    this.#posting = random.split();
    this.#store = store;
    this.#count = count;
    this.#kinds = (options.kinds ?? FAULT_KINDS).filter((kind) => kind !== "outage" || options.database.server !== undefined);
    // A session that one program gives goes to any other.
    this.#clients = Array.from({ length: CLIENTS }, (_, index): Program<ClientOrder, ClientReport> => {
      return new Program<ClientOrder, ClientReport>("client-main", (held) => this.#forward(index, held as HeldToken));
    });
  }

  #forward(from: number, held: HeldToken): void {
    this.#posting.pick(this.#clients.filter((_, index) => index !== from)).post(held);
  }

  get #addresses(): readonly string[] {
    return this.#nodes.all.map(({ listen }) => listen);
  }

  async rounds(): Promise<ChaosRound[]> {
    const { database, logs, forMs, rounds = Infinity, report } = this.#options;
    const failed = (message: string): void => void this.#failures.push(message);
    this.#nodes = await ChaosNodes.create({
      url: database.url,
      store: this.#store,
      count: this.#count,
      spares: 1,
      logs,
      failed,
      rejoined: () => (this.#rejoined += 1),
    });
    this.#options.signal?.throwIfAborted();
    await this.#nodes.startAll();
    this.#mesh = await connect({ nodes: this.#addresses });
    const finished: ChaosRound[] = [];
    for (let number = 1; number <= rounds && monotonicMs() - this.#begunMs < forMs; number++) {
      const round = await this.#round(number);
      finished.push(round);
      report?.(round);
      // A mesh that has not recovered has no next round.
      if (round.recoveredMs === Infinity) break;
    }
    return finished;
  }

  async #round(number: number): Promise<ChaosRound> {
    const random = this.#random.split();
    const { faults: given, seed } = this.#options;
    const faults = given?.(number) ?? drawFaults(random, this.#kinds, random.chance(STORM_CHANCE));
    // A store may have been through this seed before.
    const prefix = `chaos ${seed} ${number} ${Date.now()} `;
    const keys = random.int(4, KEYS_MAX);
    this.#rejoined = 0;
    const departed = new Set((await readView(this.#store))?.departed.map(({ replica }) => replica));
    await this.#begin(random, prefix, keys);
    await this.#wait(CALM_MS);
    const { played, cuts, recoveredMs } = await this.#disturb(faults, prefix, keys, random);
    await this.#wait(AFTER_MS);
    const { notes, answered, failed, probes } = await this.#stop();
    const probesFailed = probes.flatMap((probe) => probe.failed ?? []);
    if (!mayFail(faults)) for (const call of [...failed, ...probesFailed]) this.#unexcused(call);
    const rest = recoveredMs === Infinity ? undefined : await this.#rest(prefix, keys);
    if (rest === undefined) this.#failures.push(`the mesh has not come to rest ${RECOVERY_MS_MAX} ms after the last fault`);
    const view = await readView(this.#store);
    const judged = await judge({
      prefix,
      keys,
      notes,
      cuts,
      last: rest?.last ?? { rows: [], flushed: [] },
      samples: rest?.samples ?? [],
      finals: view?.departed.filter(({ replica }) => !departed.has(replica)).map(({ replica, final }) => [replica, final] as const) ?? [],
      survivors: rest === undefined ? [] : survivors(faults),
      failures: this.#failures.splice(0),
      historyFile: this.#options.history,
      round: number,
    });
    const listens = (fault: PlayedFault): string => this.#nodes.all[fault.node - 1].listen;
    return {
      number,
      faults: played.map((fault) => ({ ...fault, atMs: fault.atMs - this.#begunMs, untilMs: fault.untilMs - this.#begunMs })),
      survivors: survivors(faults),
      recoveredMs: rest === undefined ? Infinity : recoveredMs,
      rejoined: this.#rejoined,
      answered,
      failed: tally(failed.map(({ code }) => code)),
      probes: probes.length,
      probesFailed: tally(probesFailed.map(({ code }) => code)),
      kills: played.filter(({ kind }) => kind === "kill").map((fault) => figuresOfKill(probes, listens(fault), fault.atMs)),
      ...judged,
    };
  }

  /** Ends the load, and collects what it has noted. */
  async #stop(): Promise<Pick<ClientReport, "notes" | "answered" | "failed"> & { readonly probes: readonly Probe[] }> {
    const [probes, ...reports] = await Promise.all([this.#probe.stop(), ...this.#clients.map((client) => client.stop())]);
    return {
      probes,
      notes: reports.flatMap(({ notes }) => notes),
      answered: reports.reduce((sum, { answered }) => sum + answered, 0),
      failed: reports.flatMap(({ failed }) => failed),
    };
  }

  /** A node that had no processor for so long that others took it for dead, or its clients gave it up, is the machine's fault. */
  #unexcused({ code, node, message }: FailedCall): void {
    // The versions that a node has kept end with it: an open transaction whose keys were overwritten may find none that was there before the restart of all.
    if (code === "SNAPSHOT_TOO_OLD") return;
    if (this.#rejoined === 0 && !message.includes("has not said anything")) this.#failures.push(`a call failed at ${node}: ${code}: ${message}`);
  }

  async #begin(random: SeededRandom, prefix: string, keys: number): Promise<void> {
    const addresses = this.#addresses;
    await this.#probe.begin({ addresses, nodes: this.#nodes.wanted.map(({ listen }) => listen) });
    await Promise.all(
      this.#clients.map((client, index) =>
        client.begin({ addresses, seed: random.int(0, 2 ** 31 - 1), notes: { prefix, keys, process: index, processes: CLIENTS } }),
      ),
    );
  }

  /** Plays the faults, and waits until the mesh has got over them. What the store holds on the way counts. */
  async #disturb(faults: readonly Fault[], prefix: string, keys: number, random: SeededRandom): Promise<Disturbed> {
    const played: PlayedFault[] = [];
    const cuts: StoreCut[] = [];
    const spared = faults.length > 1 ? random.pick(this.#nodes.wanted) : undefined;
    const note = (fault: PlayedFault): void => void played.push(fault);
    const context = { nodes: this.#nodes, server: this.#options.database.server, count: this.#count, spared, note, wait: (ms: number) => this.#wait(ms) };
    const sampling = this.#sampleUntil(cuts, prefix, keys, async () => {
      this.#playing = Promise.all(faults.map((fault) => play(fault, context)));
      await this.#playing;
      const overMs = monotonicMs();
      return (await this.#recovered()) ? monotonicMs() - overMs : Infinity;
    });
    return { played, cuts, recoveredMs: await sampling };
  }

  async #sampleUntil<Result>(cuts: StoreCut[], prefix: string, keys: number, task: () => Promise<Result>): Promise<Result> {
    const reader = new Recording(prefix, keys);
    let isOver = false;
    const sampling = (async () => {
      while (!isOver) {
        await sleep(SAMPLE_MS);
        // It may be away, or change meanwhile.
        const cut = await reader.cut(this.#store).catch(() => undefined);
        if (cut !== undefined) cuts.push(cut);
      }
    })();
    try {
      return await task();
    } finally {
      isOver = true;
      await sampling;
    }
  }

  /** Whether every node becomes a member again, and brings what it is told into the store. */
  async #recovered(): Promise<boolean> {
    return await this.#until(async () => {
      const epoch = this.#nodes.view?.epoch;
      if (!this.#nodes.isWhole) return undefined;
      const served = await Promise.all(
        this.#nodes.wanted.map(async ({ listen }) => {
          const session = this.#mesh!.session(undefined, { node: listen, timeoutMs: 3_000 });
          await session.set(`recovered ${listen}`, epoch, { durability: "stored" });
          return session.node === listen;
        }),
      );
      return (served.every(Boolean) && this.#nodes.isWhole) || undefined;
    }).then((isRecovered) => isRecovered === true);
  }

  /** What every node and the store show when all writes are everywhere; undefined where that does not come about. */
  async #rest(prefix: string, keys: number): Promise<Pick<Evidence, "samples" | "last"> | undefined> {
    const reader = new Recording(prefix, keys);
    return await this.#until(async () => {
      const before = await this.#stateAtRest();
      if (before === undefined) return undefined;
      const samples: (readonly [string, readonly unknown[]])[] = [];
      for (const { listen } of this.#nodes.wanted) {
        const session = this.#mesh!.session(undefined, { node: listen });
        samples.push([listen, (await session.getMany(keysOf(prefix, keys))).map((value) => (value === undefined ? undefined : [(value as [number])[0]]))]);
        if (session.node !== listen) return undefined;
      }
      const last = await reader.cut(this.#store);
      // A write that nobody waits for any more may still have arrived.
      return last === undefined || before !== (await this.#stateAtRest()) ? undefined : { samples, last };
    });
  }

  /** Changes with every write and every view; undefined while anything is on its way. */
  async #stateAtRest(): Promise<string | undefined> {
    const { members } = await this.#mesh!.status({ timeoutMs: 3_000 });
    const view = this.#nodes.view?.members ?? [];
    const isAtRest =
      this.#nodes.isWhole && view.every(({ replica }) => members.some((member) => member.replica === replica && member.log + member.pending === 0));
    return isAtRest ? JSON.stringify([this.#nodes.view?.epoch, members.map(({ replica, applied, writes }) => [replica, applied, writes])]) : undefined;
  }

  /** Tries until there is a result; a call that fails is tried again. */
  async #until<Result>(attempt: () => Promise<Result | undefined>): Promise<Result | undefined> {
    const deadline = monotonicMs() + RECOVERY_MS_MAX;
    while (monotonicMs() < deadline) {
      this.#options.signal?.throwIfAborted();
      const result = await attempt().catch(() => undefined);
      if (result !== undefined) return result;
      await sleep(POLL_MS);
    }
    return undefined;
  }

  async #wait(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#options.signal });
  }

  /** Ends everything that runs. */
  async close(): Promise<void> {
    await Promise.all([...this.#clients.map((client) => client.end()), this.#probe.end()]);
    await this.#mesh?.close();
    await this.#nodes?.close();
    await this.#playing.catch(() => undefined);
  }
}

interface Disturbed {
  readonly played: readonly PlayedFault[];
  readonly cuts: readonly StoreCut[];
  readonly recoveredMs: number;
}

type Judgement = Pick<ChaosRound, "violations" | "writes" | "lost">;

async function judge(evidence: Evidence): Promise<Judgement> {
  const worker = new Worker(new URL("./judge-main.js", import.meta.url), { workerData: evidence });
  return await new Promise((resolve, reject) => {
    worker.once("message", resolve).once("error", reject);
  });
}
