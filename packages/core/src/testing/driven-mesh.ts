// A mesh of production's nodes and clients that is driven step by step (driven-steps.ts), and says what has happened. Sessions are answered within the
// step in which they ask; what travels round the ring or to the store waits until a step says that it goes on. So a model of the protocol that has the
// same steps can be compared with it (driven-state.ts).
//
// Every key is asked for once at every node before the first step: from then on nothing is loaded from the store.

import { MeshClient } from "../client/mesh-client.js";
import { ClientSession } from "../client/session.js";
import type { Platform, Timer } from "../clock.js";
import { MemberNode } from "../embedded/member.js";
import { formMesh } from "../embedded/start-node.js";
import type { Host } from "../host/host.js";
import { Loads } from "../host/loads.js";
import { Membership } from "../host/membership.js";
import { Newcomer } from "../host/newcomer.js";
import { FLUSH_DELAY_MS } from "../limits.js";
import type { FlushBatch } from "../protocol/flush-order.js";
import { Node } from "../protocol/node.js";
import type { Segment } from "../protocol/segment.js";
import type { Vector } from "../protocol/vector.js";
import type { FlushedCounters } from "../store.js";
import { DrivenSessions } from "./driven-sessions.js";
import { writesIn } from "./driven-state.js";
import { addressOf, keyOf, type Deed, type DrivenStep, type SentWrite } from "./driven-steps.js";
import { ExploredSimulation } from "./explored-simulation.js";
import type { Mutation, Parts } from "./mutation.js";
import { WORLD_BEGINS_MS } from "./simulated-clock.js";
import { SimulatedStore, StoreContent } from "./simulated-store.js";
import { SimulatedNetwork } from "./simulated-transport.js";
import type { Settle } from "./simulation.js";

export interface DrivenSize {
  readonly nodes: number;
  readonly sessions: number;
  readonly keys: number;
}

/** The first is a program of its own, the second is in one process with all nodes. Sessions of one share what its connections have learnt. */
const CLIENTS = 2;
const QUIET = { suspectMsMin: Infinity, suspectMsMax: Infinity, takeOverMs: Infinity };
const LINK = { delayMs: 1, cutChance: 0, holdChance: 0, stallChance: 0, stallMs: 0 };
/** Of a cache, and of old versions: nothing is evicted. */
const BYTES = 256 * 1024;
/** What waits for a step: messages on the ring, the flusher's pause, and the store's work. */
const WAITS = new RegExp(`^ring n\\d+ → |^a timer of ${FLUSH_DELAY_MS} ms$| apply `);

/** Whatever does not wait for a step happens at once. */
class DrivenSimulation extends ExploredSimulation {
  override schedule(delayMs: number, task: () => void, label?: () => string): Timer {
    return super.schedule(delayMs > 0 && label !== undefined && WAITS.test(label()) ? delayMs : 0, task, label);
  }
}

export class DrivenMesh {
  readonly size: DrivenSize;
  readonly content = new StoreContent();
  readonly hosts: Host[] = [];
  sessions!: DrivenSessions;
  readonly #simulation: DrivenSimulation;
  readonly #network: SimulatedNetwork;
  readonly #parts: Parts;
  readonly #clocks: number[];
  readonly #linkBytes: number[];
  /** What has happened in this step. */
  #deeds: Deed[] = [];
  /** The nodes that were told what a session knows, and the writes that have come in. */
  readonly #told = new Set<number>();
  readonly #writes: SentWrite[] = [];
  #entropy = 0;
  /** Why a node has stopped. */
  #fatal: Error | undefined;

  constructor(size: DrivenSize, settle: Settle, mutation?: Mutation) {
    this.size = size;
    this.#simulation = new DrivenSimulation(settle);
    this.#network = new SimulatedNetwork(this.#simulation, { behaviour: () => LINK, breakChance: 0 });
    this.#clocks = Array.from({ length: size.nodes }, () => WORLD_BEGINS_MS);
    this.#linkBytes = Array.from({ length: size.nodes }, () => 0);
    this.content.onApply = () => this.#deeds.push({ did: "flush" });
    const parts = this.#watchedParts();
    this.#parts = { ...parts, ...mutation?.change(parts, { received: (replica) => this.#received(replica) }) };
  }

  #received(replica: number): Vector {
    const { node } = this.hosts[replica - 1];
    return node.ring.vector(node.received);
  }

  /** The classes of production, with ears. */
  #watchedParts(): Parts {
    const did = (deed: Deed): unknown => this.#deeds.push(deed);
    const told = this.#told;
    const writes = this.#writes;
    const WatchedNode = class extends Node {
      override learn(visible: Vector, written: Vector, time: number): void {
        told.add(this.replica - 1);
        super.learn(visible, written, time);
      }
      override receive(segment: Segment): void {
        writes.push(...writesIn(segment));
        super.receive(segment);
      }
      override learnCommon(common: readonly number[], flushed: readonly number[]): void {
        did({ did: "receive", node: this.ring.predecessor, writes: writes.splice(0) });
        super.learnCommon(common, flushed);
      }
      override flushBatch(): FlushBatch | undefined {
        const batch = super.flushBatch();
        if (batch !== undefined) did({ did: "collect", node: this.replica - 1 });
        return batch;
      }
      override learnStored(stored: FlushedCounters): void {
        did({ did: "stored", node: this.replica - 1 });
        super.learnStored(stored);
      }
    };
    return { Node: WatchedNode, Loads, Membership, Newcomer, Session: ClientSession };
  }

  /** Begins the mesh; then steps may be taken. */
  async start(): Promise<void> {
    const simulation = this.#simulation;
    const clients = await simulation.run(this.#begin());
    await simulation.rest();
    await simulation.atOnce(this.#meet(clients));
    this.sessions = new DrivenSessions(this.size.sessions, clients, this.#told);
    this.#noteSent(() => undefined);
  }

  async #begin(): Promise<MeshClient[]> {
    const addresses = Array.from({ length: this.size.nodes }, (_, node) => addressOf(node));
    const { members } = await formMesh(this.#storeOf("founder"), addresses, this.#platform(0));
    for (const [node, { address, replica }] of members.entries()) {
      const transport = this.#network.transport(`ring ${address}`);
      const parts = { store: this.#storeOf(address), transport, platform: this.#platform(node), suspicion: QUIET };
      const onFatal = (error: Error): void => void (this.#fatal = error);
      const member = new MemberNode({ ...parts, address, replica, cacheBytes: BYTES, snapshotBytes: BYTES, onFatal }, this.#parts);
      await member.start();
      this.hosts.push(member.host);
    }
    return Array.from({ length: CLIENTS }, (_, client) => {
      const local = client === 0 ? undefined : new Map(this.hosts.map((host) => [host.address, host]));
      const parts = { addresses, local, transport: this.#network.transport(clientName(client)), platform: this.#platform(0) };
      return new MeshClient({ ...parts, retryWrites: false, durability: "memory" }, this.#parts);
    });
  }

  /** Every client meets every node, and every node looks up every key. */
  async #meet(clients: readonly MeshClient[]): Promise<void> {
    const keys = Array.from({ length: this.size.keys }, (_, key) => keyOf(key));
    for (const client of clients) {
      await client.ready();
      for (let node = 0; node < this.size.nodes; node++) await client.session(undefined, { node: addressOf(node) }).getMany(keys);
    }
  }

  #storeOf(name: string): SimulatedStore {
    return new SimulatedStore(this.#simulation, this.content, { name: `the store of ${name}`, delayMs: 1, failureChance: 0 });
  }

  #platform(node: number): Platform {
    const now = (): number => this.#clocks[node];
    return {
      clock: { ...this.#simulation.clock(), now, monotonic: () => now() - WORLD_BEGINS_MS },
      random: () => 0,
      entropy: (count) => new Uint8Array(count).fill(++this.#entropy),
    };
  }

  /** Takes the step and says what has happened; nothing, where it means nothing now. Throws what a node or a client has failed with. */
  async take(step: DrivenStep): Promise<readonly Deed[]> {
    this.#deeds = [];
    await this.#take(step);
    if (this.#fatal !== undefined) throw this.#fatal;
    this.#noteSent((node) => this.#deeds.push({ did: "send", node }));
    return this.#deeds;
  }

  #noteSent(sent: (node: number) => void): void {
    this.hosts.forEach(({ neighbours }, node) => {
      if (neighbours.linkBytes !== this.#linkBytes[node]) sent(node);
      this.#linkBytes[node] = neighbours.linkBytes;
    });
  }

  async #take(step: DrivenStep): Promise<void> {
    const simulation = this.#simulation;
    const asks = async (deeds: Promise<Deed[]>): Promise<unknown> => this.#deeds.push(...(await simulation.atOnce(deeds)));
    switch (step.step) {
      case "ask":
        await asks(this.sessions.ask(step.node, step.requests));
        return;
      case "transact":
        await asks(this.sessions.transact(step.session, step.node, step.read, step.packed));
        return;
      case "commit":
        await asks(this.sessions.commit(step.session, step.node, step.write));
        return;
      case "rollback":
        this.#deeds.push(...this.sessions.rollback(step.session));
        return;
      case "join":
        await asks(this.sessions.join(step.session, step.other));
        return;
      case "deliver":
        await simulation.happenFirst((label) => label.startsWith(`ring ${addressOf(step.node)} → `));
        return;
      case "break":
        return await this.#break(step.node);
      case "hangUp":
        this.#network.breakLinks(clientName(step.client), addressOf(step.node));
        return await simulation.atOnce(Promise.resolve());
      case "store":
        return await this.#store(step.fails);
      case "pass":
        this.#clocks[step.node] += step.ms;
        return;
      case "forget":
        this.hosts[step.node].node.cache.versions.clear();
    }
  }

  /** A call that begins now may fail, after it had its effect or before. One that fails again would wait for longer than anything does here. */
  async #store(fails: boolean): Promise<void> {
    this.content.isAway = fails && this.hosts[0].flusher.failures === 0;
    await this.#simulation.happenFirst((label) => !label.startsWith("ring "));
    this.content.isAway = false;
  }

  /** Only a connection that stands breaks: attempts to connect are not the model's business. */
  async #break(node: number): Promise<void> {
    if (this.size.nodes === 1 || !this.hosts[node].neighbours.isLinked) return;
    this.#network.breakLinks(`ring ${addressOf(node)}`, addressOf((node + 1) % this.size.nodes));
    this.#deeds.push({ did: "break", node });
    await this.#simulation.atOnce(Promise.resolve());
  }
}

function clientName(client: number): string {
  return `client ${client + 1}`;
}
