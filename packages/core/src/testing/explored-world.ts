// A small mesh of production's nodes and clients in a world without time (explored-simulation.ts), with sessions that follow programs. It can be told
// apart from other worlds by its state, and judged.

import { MeshClient } from "../client/mesh-client.js";
import { jsonCodec } from "../client/codec.js";
import type { ClientSession } from "../client/session.js";
import type { Platform } from "../clock.js";
import { encodeUtf8 } from "../bytes/utf8.js";
import { MemberNode } from "../embedded/member.js";
import { formMesh } from "../embedded/start-node.js";
import type { Host } from "../host/host.js";
import type { Durability, Session } from "../mesh.js";
import { EMPTY_VECTOR } from "../protocol/vector.js";
import { checkHistory } from "./checkers/check-history.js";
import type { Violation } from "./checkers/violation.js";
import { ExploredSimulation } from "./explored-simulation.js";
import type { Write } from "./history.js";
import type { Mutation, Parts } from "./mutation.js";
import { Recorder } from "./recorder.js";
import { SimulatedStore, StoreContent } from "./simulated-store.js";
import { SimulatedNetwork } from "./simulated-transport.js";
import type { Settle } from "./simulation.js";
import { watchedParts, type WatchedWorld } from "./watched.js";

/** What a session does at the node with this number, from 1, with the token of its step before. */
export type ExploredStep =
  | { readonly at: number; readonly write: readonly string[]; readonly durability?: Durability }
  | { readonly at: number; readonly read: readonly string[] }
  /** Reads at `at`, goes on at `commitAt`, reads again and writes there, and commits. */
  | { readonly at: number; readonly transact: readonly string[]; readonly commitAt: number; readonly write: readonly string[] }
  /** A node of this number joins. */
  | { readonly join: number };

export interface ExploredMesh {
  readonly nodes: number;
  /** One after the other, the steps of each session; sessions that hold the same program do not know of one another. */
  readonly programs: readonly (readonly ExploredStep[])[];
  readonly keys: readonly string[];
  /** Whether calls of the store take time, in which something else may happen. */
  readonly hasSlowStore?: boolean;
}

const QUIET = { suspectMsMin: Infinity, suspectMsMax: Infinity, takeOverMs: Infinity };
/** Of a cache, and of old versions: a world is made for every way. */
const BYTES = 64 * 1024;
const QUIET_LINK = { delayMs: 1, cutChance: 0, holdChance: 0, stallChance: 0, stallMs: 0 };

export class ExploredWorld implements WatchedWorld {
  readonly simulation: ExploredSimulation;
  readonly recorder = new Recorder(0);
  readonly expected = new Map<Session, Write>();
  readonly #mesh: ExploredMesh;
  readonly #content = new StoreContent();
  readonly #network: SimulatedNetwork;
  readonly #parts: Parts;
  readonly #nodes: MemberNode[] = [];
  readonly #clients: MeshClient[] = [];
  readonly #sessions: Session[] = [];
  /** What each program has been told so far. */
  readonly #told: string[][];
  #entropy = 0;

  constructor(mesh: ExploredMesh, mutation: Mutation | undefined, settle: Settle) {
    this.simulation = new ExploredSimulation(settle);
    this.#mesh = mesh;
    this.#told = mesh.programs.map(() => []);
    this.#network = new SimulatedNetwork(this.simulation, { behaviour: () => QUIET_LINK, breakChance: 0 });
    this.#content.onApply = (content) => this.recorder.stored(content, 0);
    const parts = watchedParts(this);
    this.#parts = { ...parts, ...mutation?.change(parts, { received: (replica) => this.#received(replica) }) };
  }

  get hosts(): readonly Host[] {
    // One that joins has none before it has its place.
    return this.#nodes.flatMap(({ host }) => (host as Host | undefined) ?? []);
  }

  #received(replica: number) {
    const host = this.hosts.find((one) => one.replica === replica);
    return host === undefined ? EMPTY_VECTOR : host.node.ring.vector(host.node.received);
  }

  mayNotBeBehind(replica: number): boolean {
    return this.hosts.some((host) => host.replica === replica && host.isComplete && host.node.view.epoch === this.#content.registry?.epoch);
  }

  isComplete(replica: number): boolean {
    return this.hosts.some((host) => host.replica === replica && host.isComplete);
  }

  /** What any member shows, every member of its view has received. */
  checkI1(): void {
    const hosts = this.hosts.filter(({ isComplete, node }) => isComplete && node.view.epoch === this.#content.registry?.epoch);
    for (const { node: showing } of hosts) {
      for (const { node: receiving } of hosts) {
        const lacks = showing.ring.replicas.some((replica, slot) => showing.applied[slot] > (receiving.received[receiving.ring.indexOf(replica)] ?? Infinity));
        if (lacks) this.recorder.history.failures.push(`I1: node ${showing.replica} shows what node ${receiving.replica} has not received`);
      }
    }
  }

  /** Begins the mesh, with a client for each program, and lets everything settle; then the first steps may happen. */
  async start(): Promise<void> {
    const { simulation } = this;
    await simulation.run(this.#begin());
    await simulation.rest();
    for (const index of this.#mesh.programs.keys()) this.#offer(index, 0);
  }

  async #begin(): Promise<void> {
    const addresses = Array.from({ length: this.#mesh.nodes }, (_, index) => addressOf(index + 1));
    const { members } = await formMesh(this.#store("founder"), addresses, this.#platform());
    for (const { address, replica } of members) await this.#member(address, replica).start();
    for (const index of this.#mesh.programs.keys()) {
      const client = new MeshClient(
        { addresses, transport: this.#network.transport(`p${index}`), platform: this.#platform(), retryWrites: false, timeoutMs: 1_000_000 },
        this.#parts,
      );
      await client.ready();
      this.#clients.push(client);
      this.#sessions.push(client.session());
      this.recorder.history.begin(`p${index}`);
    }
  }

  #member(address: string, replica?: number): MemberNode {
    const parts = { store: this.#store(address), transport: this.#network.transport(address), platform: this.#platform(), suspicion: QUIET };
    const options = { ...parts, address, replica, cacheBytes: BYTES, snapshotBytes: BYTES };
    const onFatal = (error: Error): void => void this.recorder.history.failures.push(`${address} stopped: ${error.message}`);
    const node = new MemberNode({ ...options, onFatal }, this.#parts);
    this.#nodes.push(node);
    return node;
  }

  #store(name: string): SimulatedStore {
    return new SimulatedStore(this.simulation, this.#content, {
      name: `the store of ${name}`,
      delayMs: this.#mesh.hasSlowStore === true ? 1 : 0,
      failureChance: 0,
    });
  }

  #platform(): Platform {
    return { clock: this.simulation.clock(), random: () => 0, entropy: (count) => new Uint8Array(count).fill(++this.#entropy) };
  }

  // Programs.

  #offer(index: number, at: number): void {
    const step = this.#mesh.programs[index][at];
    if (step === undefined) return;
    const take = async (): Promise<void> => {
      try {
        await this.#step(index, step);
      } catch (error) {
        this.recorder.history.failures.push(`p${index} in step ${at}: ${String(error)}`);
      }
      this.#offer(index, at + 1);
    };
    this.simulation.schedule(
      1,
      () => void take(),
      () => `p${index} takes step ${at}`,
    );
  }

  async #step(index: number, step: ExploredStep): Promise<void> {
    if ("join" in step) {
      await this.#member(addressOf(step.join)).start();
      return;
    }
    const node = addressOf(step.at);
    const label = `p${index}`;
    this.#sessions[index] = this.#clients[index].session(await this.#sessions[index].token(), { node });
    if ("transact" in step) await this.#transact(index, label, step);
    else if ("write" in step) await this.#write(index, label, node, step.write, step.durability ?? "memory");
    else this.#read(index, label, node, step.read, await this.#sessions[index].getMany(step.read));
  }

  async #write(index: number, label: string, node: string, keys: readonly string[], durability: Durability): Promise<void> {
    const session = this.#sessions[index];
    const write = this.recorder.open(label, node, keys, 0, { durability });
    this.expected.set(session, write);
    const value = this.recorder.valueOf(write);
    await session.setMany(
      keys.map((key) => [key, value] as const),
      { durability },
    );
    this.recorder.close(write, "done", 0);
    this.#told[index].push(`${write.stamp?.replica}:${write.stamp?.counter}`);
  }

  #read(index: number, label: string, node: string, keys: readonly string[], values: readonly unknown[]): number {
    const observed = keys.map((key, at) => this.recorder.observe(key, values[at]));
    this.#told[index].push(JSON.stringify(observed.map(({ write }) => write ?? null)));
    return this.recorder.history.read(label, node, observed).id;
  }

  async #transact(index: number, label: string, { at, transact, commitAt, write: keys }: Extract<ExploredStep, { transact: unknown }>): Promise<void> {
    const { recorder } = this;
    const { history } = recorder;
    const record = { session: label, reads: [] as number[], commits: [] };
    history.transactions.push(record);
    const first = this.#sessions[index].begin();
    record.reads.push(this.#read(index, label, addressOf(at), transact, await first.getMany(transact)));
    const transaction = this.#clients[index].transaction(await first.token(), { node: addressOf(commitAt) });
    record.reads.push(this.#read(index, label, addressOf(commitAt), transact, await transaction.getMany(transact)));
    const write = history.declareWrite();
    const value = recorder.valueOf(write);
    await transaction.setMany(keys.map((key) => [key, value] as const));
    history.beginWrite(write, label, addressOf(commitAt), keys, 0);
    this.expected.set(transaction.session, write);
    await transaction.commit({ durability: "memory" });
    recorder.close(write, "done", 0);
    this.#told[index].push(`${write.stamp?.replica}:${write.stamp?.counter}`);
    this.#sessions[index] = transaction.session;
  }

  // Comparing and judging.

  /** Equal for worlds in which the same may happen. */
  state(): string {
    const sessions = this.#sessions.map((session) => (session as ClientSession).context());
    const rows = [...this.#content.rows]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, { timestamp, replica, counter }]) => [key, timestamp, replica, counter]);
    const nodes = this.hosts.map((host) => this.#nodeState(host));
    return JSON.stringify([nodes, rows, [...this.#content.flushed].sort(([a], [b]) => a - b), sessions, this.#told, this.simulation.labels()]);
  }

  #nodeState({ node, isComplete, waiters, loads, neighbours }: Host): unknown {
    const log = [...node.log.segments()].map(({ replica, first, last }) => [replica, first, last]);
    const { epoch } = node.view;
    const { received, common, applied, flushed, issued } = node;
    const cached = this.#mesh.keys.map((key) => this.#cached(node, key));
    return [
      epoch,
      isComplete,
      received,
      common,
      applied,
      flushed,
      issued,
      node.clock.latest,
      log,
      waiters.length,
      loads.length,
      neighbours.isLinked,
      neighbours.replicated,
      cached,
    ];
  }

  #cached({ cache }: Host["node"], key: string): unknown {
    const bytes = encodeUtf8(key);
    const at = cache.find(bytes, 0, bytes.length);
    return at === 0 ? 0 : [cache.flags(at), cache.replica(at), cache.counter(at), cache.timestamp(at)];
  }

  /** What the checkers find in what has happened so far; at the end also whether the nodes and the store agree. */
  violations(isEnd: boolean): Violation[] {
    this.checkI1();
    if (isEnd) this.#checkRest();
    return checkHistory(this.recorder.finish((bytes) => jsonCodec.decode(bytes)));
  }

  #checkRest(): void {
    const { failures } = this.recorder.history;
    this.#mesh.programs.forEach((program, index) => {
      const told = program.filter((step) => !("join" in step)).length;
      if (this.#told[index].length < told) failures.push(`p${index} waits for an answer that never comes`);
    });
    const stored = new Map([...this.#content.rows].map(([key, { replica, counter }]) => [key, `${replica}:${counter}`]));
    for (const { node } of this.hosts) {
      if (node.pendingWrites > 0 || node.log.length > 0)
        failures.push(`node ${node.replica} is at rest with ${node.pendingWrites} pending writes and ${node.log.length} in its log`);
      for (const key of this.#mesh.keys) {
        const cached = this.#cached(node, key);
        const shown = Array.isArray(cached) && cached[1] !== 0 ? `${cached[1]}:${cached[2]}` : undefined;
        if (shown !== undefined && shown !== stored.get(key))
          failures.push(`at rest node ${node.replica} has ${shown} of ${key}, the store ${stored.get(key)}`);
      }
    }
  }
}

function addressOf(number: number): string {
  return `n${number}`;
}
