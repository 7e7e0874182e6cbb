// Rounds of: roaming workflows on a mesh of processes, all of which are killed at once at some moment, or now and then one, and the others end in order; then the store is judged, the next mesh is formed on it, and
// sessions from before go on there or are told that they cannot. The next round's workflows run on that mesh.

import { setTimeout as sleep } from "node:timers/promises";
import { inspectToken, MeshError, readView, type Durability, type Mesh, type Store } from "@causalmesh/core";
import { SeededRandom, type Violation } from "@causalmesh/core/testing";
import { connect } from "@causalmesh/transport-tcp";
import { openStore } from "./database.js";
import { MeshProcesses } from "./node-process.js";
import { Recording, valueOf, type StoreCut } from "./recording.js";
import { Workflow, type HeldToken } from "./workflow.js";

export interface CrashOptions {
  /** The database, with its address. */
  readonly url: string;
  readonly rounds: number;
  /** Of the first round; each following one has the next. */
  readonly seed: number;
  /** Told of each round when it is over. */
  readonly report?: (round: RoundReport) => void;
}

export interface RoundReport {
  readonly seed: number;
  readonly nodes: number;
  /** Whether one node was killed, and the others ended in order; otherwise all were killed. */
  readonly lostOne: boolean;
  readonly killedAfterMs: number;
  /** Calls that were answered, and writes among all calls. */
  readonly answered: number;
  readonly writes: number;
  /** Rows and cuts of the store that were judged. */
  readonly rows: number;
  readonly cuts: number;
  /** Tokens from before that went on, and that were told that they cannot. */
  readonly tokens: number;
  readonly lost: number;
  readonly violations: readonly Violation[];
}

export interface CrashReport {
  readonly rounds: readonly RoundReport[];
  /** Rounds whose rows another round has changed. */
  readonly disturbed: readonly string[];
}

const NODES_MAX = 3;
const CLIENTS = 2;
const WORKFLOWS_MAX = 6;
const KEYS_MAX = 12;
/** How often one node alone is lost, where there are others: those take a while to give up on it. */
const LOSE_ONE_CHANCE = 0.2;
const LOST_MS_MAX = 150;
const KILL_MS_MIN = 5;
const KILL_MS_MAX = 700;
const SAMPLE_MS = 25;
const CALL_TIMEOUT_MS = 3_000;
/** Time for what a killed node had sent to the database to be over there. */
const SETTLE_TIMEOUT_MS = 10_000;

export async function crashRounds({ url, rounds, seed, report }: CrashOptions): Promise<CrashReport> {
  const store = openStore(url);
  let processes: MeshProcesses | undefined;
  const reports: RoundReport[] = [];
  const sealed = new Map<string, string>();
  try {
    processes = await MeshProcesses.start(store, url, new SeededRandom(seed).int(1, NODES_MAX));
    for (let number = 0; number < rounds; number++) {
      const round = new Round(url, store, seed + number, processes);
      await round.crash();
      processes = await round.recover();
      const finished = await round.judge();
      sealed.set(round.prefix, JSON.stringify(finished.last));
      reports.push(finished.report);
      report?.(finished.report);
    }
    return { rounds: reports, disturbed: await disturbed(store, sealed) };
  } finally {
    await processes?.kill();
    await store.close();
  }
}

async function disturbed(store: Store, sealed: ReadonlyMap<string, string>): Promise<string[]> {
  const changed: string[] = [];
  for (const [prefix, rows] of sealed) {
    const page = await store.scan(prefix, undefined, KEYS_MAX + 1);
    if (JSON.stringify(page.rows) !== rows) changed.push(prefix);
  }
  return changed;
}

class Round {
  readonly prefix: string;
  readonly #url: string;
  readonly #store: Store;
  readonly #seed: number;
  readonly #random: SeededRandom;
  readonly #recording: Recording;
  #processes: MeshProcesses;
  #workflows: Workflow[] = [];
  #afterCrash!: StoreCut;
  readonly #counts = { nodes: 0, lostOne: false, killedAfterMs: 0, answered: 0, cuts: 0, tokens: 0, lost: 0 };

  constructor(url: string, store: Store, seed: number, processes: MeshProcesses) {
    this.#url = url;
    this.#store = store;
    this.#seed = seed;
    this.#random = new SeededRandom(seed);
    this.#processes = processes;
    // A store may have been through rounds of this seed before.
    this.prefix = `${seed} ${Date.now()} `;
    this.#recording = new Recording(this.prefix, this.#random.int(3, KEYS_MAX));
  }

  /** Runs workflows, kills every node in the middle of it, and notes what the store holds then. */
  async crash(): Promise<void> {
    const { addresses } = this.#processes;
    const meshes = await connectClients(addresses);
    const random = this.#random;
    this.#workflows = Array.from({ length: random.int(2, WORKFLOWS_MAX) }, (_, index) => {
      const options = { recording: this.#recording, meshes, addresses, pauseMsMax: random.magnitude(1, 20), paddingBytesMax: random.magnitude(1, 4_000) };
      return new Workflow({ ...options, name: `w${index + 1}`, random: random.split() });
    });
    this.#counts.nodes = addresses.length;
    this.#counts.lostOne = addresses.length > 1 && random.chance(LOSE_ONE_CHANCE);
    this.#counts.killedAfterMs = Math.round(random.magnitude(KILL_MS_MIN, KILL_MS_MAX));
    const running = this.#workflows.map((workflow) => workflow.run());
    await this.#sampleFor(this.#counts.killedAfterMs);
    const ended = this.#counts.lostOne ? this.#processes.loseOne(random.int(0, addresses.length - 1)) : this.#processes.kill();
    // The workflows go on for a while at nodes that end.
    if (this.#counts.lostOne) await sleep(random.between(0, LOST_MS_MAX));
    else await ended;
    for (const workflow of this.#workflows) workflow.stop();
    await Promise.all([ended, ...running]);
    await Promise.all(meshes.map((mesh) => mesh.close()));
    for (const failure of this.#processes.failures) this.#recording.fail(failure);
    this.#counts.answered = this.#workflows.reduce((sum, { answered }) => sum + answered, 0);
    this.#afterCrash = await this.#settled();
    // Where the others went on without it, what they have kept of it is final; what is lost with a whole mesh is judged by the levels.
    if (this.#counts.lostOne) this.#recording.kept((await readView(this.#store))!.departed.map(({ replica, final }) => [replica, final]));
  }

  /** Judges what the store holds while it changes: each cut on its way counts. */
  async #sampleFor(ms: number): Promise<void> {
    const until = performance.now() + ms;
    for (let left = ms; left > 0; left = until - performance.now()) {
      await sleep(Math.min(left, SAMPLE_MS));
      const cut = left > SAMPLE_MS ? await this.#recording.cut(this.#store) : undefined;
      if (cut !== undefined) this.#note(cut);
    }
  }

  #note(cut: StoreCut): void {
    this.#counts.cuts += 1;
    this.#recording.stored(cut);
  }

  async #settled(): Promise<StoreCut> {
    const deadline = performance.now() + SETTLE_TIMEOUT_MS;
    for (;;) {
      const cut = await this.#recording.cut(this.#store);
      if (cut !== undefined) {
        this.#note(cut);
        return cut;
      }
      if (performance.now() > deadline) throw new Error("the store goes on changing although no node runs");
    }
  }

  /** The next mesh on the store: it shows what the store holds, and sessions from before go on or are told why not. */
  async recover(): Promise<MeshProcesses> {
    this.#processes = await MeshProcesses.start(this.#store, this.#url, this.#random.int(1, NODES_MAX));
    const meshes = await connectClients(this.#processes.addresses);
    try {
      // What a killed node had sent may have come into the store until the new mesh took it over.
      this.#afterCrash = await this.#settled();
      for (const address of this.#processes.addresses) await this.#expected(`${address}, anew`, this.#readAnew(meshes[0], address));
      const tokens = (await Promise.all(this.#workflows.map((workflow) => workflow.tokens()))).flat();
      for (const token of tokens) await this.#expected(token.label, this.#goOn(this.#random.pick(meshes), token));
    } finally {
      await Promise.all(meshes.map((mesh) => mesh.close()));
    }
    return this.#processes;
  }

  /** No fault is left that would excuse a failure. */
  async #expected(what: string, call: Promise<void>): Promise<void> {
    try {
      await call;
    } catch (error) {
      this.#recording.fail(`${what}: ${(error as { code?: string }).code}: ${(error as Error).message}`);
    }
  }

  /** Somebody without a past sees the rows of the store, all of them. */
  async #readAnew(mesh: Mesh, node: string): Promise<void> {
    const { keys } = this.#recording;
    const rows = new Map(this.#recording.stored(this.#afterCrash).map((row) => [row.key, row.write]));
    const values = await mesh.session(undefined, { node }).getMany(keys);
    for (const { key, write } of this.#recording.read(this.#recording.begin("anew"), node, keys, values)) {
      const row = rows.get(key);
      const isDeleted = row !== undefined && this.#recording.history.writes[row].deletion;
      if (write !== (isDeleted ? undefined : row)) this.#recording.fail(`${node} shows write ${write} at ${key}, the store has write ${row}`);
    }
  }

  async #goOn(mesh: Mesh, { label, token }: HeldToken): Promise<void> {
    const recording = this.#recording;
    const node = this.#random.pick(this.#processes.addresses);
    const session = mesh.session(token, { node });
    try {
      const values = await session.getMany(recording.keys);
      recording.read(label, node, recording.keys, values);
    } catch (error) {
      if (!(error instanceof MeshError) || error.code !== "CAUSAL_PAST_LOST") throw error;
      this.#counts.lost += 1;
      if (isCovered(token, this.#afterCrash)) recording.fail(`${label} was told that its past is lost, and the store has all of it`);
      return;
    }
    this.#counts.tokens += 1;
    // It also writes, so that the mesh is known to serve; `stored`, since this mesh will be killed too.
    const write = recording.open(label, node, [this.#random.pick(recording.keys)]);
    await session.set(write.keys[0], valueOf(write, 0), { durability: "stored" });
    recording.close(write, "done");
    recording.acknowledged(label, "stored");
  }

  /** The levels that outlive what happened in this round (docs/durability.md). */
  #survivors(): Durability[] {
    const { lostOne, nodes } = this.#counts;
    if (lostOne) return ["replicated", "everywhere", "stored"];
    return nodes === 1 ? ["replicated", "stored"] : ["stored"];
  }

  async judge(): Promise<{ report: RoundReport; last: StoreCut["rows"] }> {
    const last = await this.#settled();
    const violations = this.#recording.violations(last, this.#survivors());
    const { writes } = this.#recording.history;
    return { report: { seed: this.#seed, ...this.#counts, writes: writes.length, rows: last.rows.length, violations }, last: last.rows };
  }
}

async function connectClients(nodes: readonly string[]): Promise<Mesh[]> {
  return await Promise.all(Array.from({ length: CLIENTS }, () => connect({ nodes, retryWrites: false, timeoutMs: CALL_TIMEOUT_MS })));
}

/** Whether the store has every write that the token names. */
function isCovered(token: string, { flushed }: StoreCut): boolean {
  const counters = new Map(flushed);
  const { visible, written, own } = inspectToken(token);
  const names = [...Object.entries(visible), ...Object.entries(written), ...own.map(({ write }) => write.split(":"))];
  return names.every(([replica, counter]) => Number(counter) <= (counters.get(Number(replica)) ?? 0));
}
