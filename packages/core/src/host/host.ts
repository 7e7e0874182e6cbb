// The host: drives one node with a Store, a Transport and a Clock. It owns the connections, the misses, the flushing and who waits
// for what; what any of it means is the node's business (protocol/node.ts).
//
// A step is: `beginStep` brings the time, inputs follow, `tick` settles the node, sends the successor what is new, answers who waited,
// starts loads and flushes, in this order. Batches of the ring tick at once; requests of clients tick once for all connections that
// the event loop served, so that their writes share a segment.

import type { Gone } from "../cache/versions.js";
import { decodeUtf8 } from "../bytes/utf8.js";
import type { Platform } from "../clock.js";
import { MeshError } from "../errors.js";
import { CACHE_BYTES_DEFAULT, CLOCK_AHEAD_MS_MAX } from "../limits.js";
import type { MemberStatus, NodeEvent, SecretSource } from "../mesh.js";
import type { Loader } from "../read-through.js";
import { timestampAt } from "../protocol/hybrid-clock.js";
import { Node } from "../protocol/node.js";
import type { View } from "../protocol/view.js";
import type { Vector } from "../protocol/vector.js";
import type { Store } from "../store.js";
import type { Connection, ConnectionEvents, Listener, Transport } from "../transport.js";
import { Acceptor } from "./acceptor.js";
import { Ending } from "./ending.js";
import { Figures } from "./figures.js";
import { Flusher } from "./flusher.js";
import { Loads, type LoadsOptions } from "./loads.js";
import { Membership } from "./membership.js";
import { Newcomer } from "./newcomer.js";
import { readLocally } from "./local-read.js";
import { MISSED } from "./peek.js";
import { Neighbours } from "./neighbours.js";
import { statusOf, viewEvent } from "./status.js";
import { SteadyClock } from "./steady-clock.js";
import { Strangers } from "./strangers.js";
import { StoreCalls } from "./store-calls.js";
import { SUSPICION_DEFAULT, type SuspicionBounds } from "./suspicion.js";
import { Waiters, Level } from "./waiters.js";
import type { Base } from "../wire/messages.js";
import { Secrets } from "../wire/secrets.js";
import type { ClientPort } from "./client-port.js";

export interface HostOptions {
  readonly view: View;
  readonly replica: number;
  /** Where to listen, if that is not the member's address. */
  readonly listen?: string;
  readonly store: Store;
  readonly transport: Transport;
  readonly platform: Platform;
  readonly secret?: SecretSource;
  readonly cacheBytes?: number;
  readonly cacheEntries?: number;
  readonly snapshotRetentionMs?: number;
  readonly snapshotBytes?: number;
  readonly readThrough?: Loader;
  /** It has just joined: its predecessor hands over what the mesh has before it serves anybody. */
  readonly joins?: boolean;
  /** When a silent successor is suspected; by default as limits.ts says. */
  readonly suspicion?: SuspicionBounds;
  /** The mesh goes on without this node, which has stopped answering; by default that is fatal. */
  readonly onExpelled?: (error: MeshError) => void;
  /** A newcomer, which has stopped, has met nobody who has what the mesh had in this epoch. */
  readonly onAlone?: (epoch: number) => void;
  /** A bug of ours, or of the store or transport: the node has stopped answering. */
  readonly onFatal?: (error: Error) => void;
  /** Something that an operator may want to know and that the node has coped with. */
  readonly onWarning?: (message: string) => void;
  readonly onEvent?: (event: NodeEvent) => void;
  /** An operator asks the node to leave; without it, it is said that this is not possible. */
  readonly onDrain?: () => void;
}

/** The classes that a host is made of; tests put others in their place. */
export interface HostParts {
  readonly Node: typeof Node;
  readonly Loads: new (options: LoadsOptions) => Loads;
  readonly Membership: typeof Membership;
  readonly Newcomer: typeof Newcomer;
}

export class Host {
  readonly node: Node;
  readonly store: Store;
  readonly transport: Transport;
  readonly platform: Platform;
  readonly secrets: Secrets;
  readonly loads: Loads;
  readonly waiters = new Waiters();
  readonly connections = new Set<Acceptor>();
  readonly strangers: Strangers;
  readonly membership: Membership;
  readonly suspicionBounds: SuspicionBounds;
  /** It has drained, and takes no link of a predecessor any more. */
  isEnding = false;
  isExpelled = false;
  readonly newcomer: Newcomer;
  readonly flusher: Flusher;
  readonly #ending = new Ending(this);
  readonly neighbours = new Neighbours(this);
  readonly figures = new Figures();
  readonly storeCalls: StoreCalls;
  readonly cacheBytesMax: number;
  reads = 0;
  hits = 0;
  writes = 0;
  /** Transactions that were given up here, by why the version that they needed was not there. */
  readonly aborts: Record<Gone, number> = { retention: 0, memory: 0, evicted: 0 };
  readonly #options: HostOptions;
  readonly #clock: SteadyClock;
  readonly #setTime = (nowMs: number, wallMs: number): void => this.node.clock.tick(nowMs, wallMs);
  readonly #dirty = new Set<{ flush(): void }>();
  #listener: Listener | undefined;
  #tickPending = false;
  #closed = false;
  #failed = false;

  constructor(options: HostOptions, parts: HostParts = { Node, Loads, Membership, Newcomer }) {
    this.#options = options;
    this.store = options.store;
    this.transport = options.transport;
    this.platform = options.platform;
    this.secrets = new Secrets(options.secret, options.onWarning);
    this.strangers = new Strangers(options.platform.clock, options.onWarning);
    this.#clock = new SteadyClock(options.platform.clock, (ms) =>
      options.onWarning?.(`the clock of this machine was set ${Math.abs(ms)} ms ${ms > 0 ? "ahead" : "back"}; the node goes on by the time that it had`),
    );
    const loader = options.readThrough;
    this.cacheBytesMax = options.cacheBytes ?? CACHE_BYTES_DEFAULT;
    this.node = new parts.Node(options.view, options.replica, {
      cacheBytes: this.cacheBytesMax,
      cacheEntries: options.cacheEntries,
      snapshotRetentionMs: options.snapshotRetentionMs,
      snapshotBytes: options.snapshotBytes,
      hashSeed: Math.floor(options.platform.random() * 2 ** 32),
      isLoaded: loader === undefined ? undefined : (bytes, start, length) => loader.has(decodeUtf8(bytes, start, start + length)),
    });
    const { node, store, platform, figures } = this;
    this.storeCalls = new StoreCalls({ name: store.name, clock: platform.clock, figures, onEvent: (event) => options.onEvent?.(event) });
    const limited = <Value>(call: Promise<Value>, what: string): Promise<Value> => this.limited(call, what);
    this.newcomer = new parts.Newcomer(node, options.joins === true, platform.clock.monotonic());
    this.suspicionBounds = options.suspicion ?? SUSPICION_DEFAULT;
    this.membership = new parts.Membership(this);
    this.loads = new parts.Loads({
      node,
      store,
      loader,
      limited,
      beginStep: () => this.beginStep(),
      endStep: () => this.tick(),
      fatal: (error) => this.fatal(error),
    });
    this.flusher = new Flusher({ node, store, platform, limited, flushed: () => this.tick(), fenced: () => void this.membership.refresh() });
    this.beginStep();
    // Of a mesh that was here before, by clocks that were at most so far ahead.
    if (options.view.departed.length > 0) node.cache.noteUnseen(timestampAt(node.clock.wallMs + CLOCK_AHEAD_MS_MAX));
  }

  get replica(): number {
    return this.node.replica;
  }

  get address(): string {
    return this.node.view.members[this.node.ring.self].address;
  }

  get onDrain(): (() => void) | undefined {
    return this.#options.onDrain;
  }

  get isClosing(): boolean {
    return this.#ending.hasBegun;
  }

  /** Listens at its member's address and begins to connect to its successor. Rejects with ADDRESS_… codes. */
  async start(): Promise<void> {
    this.#listener = await this.transport.listen(this.#options.listen ?? this.address, (connection) => this.#accept(connection));
    this.neighbours.relink();
    this.membership.start();
  }

  /** Goes on in a later view, of which this node is a member. */
  install(view: View): void {
    if (this.#closed) return;
    const { node } = this;
    const before = node.view.members;
    this.beginStep();
    try {
      if (this.isComplete) node.install(view);
      else this.newcomer.enter(view);
    } catch (error) {
      return error instanceof MeshError && error.code === "NODE_BEHIND" ? this.expel(error.message) : this.fatal(error);
    }
    this.neighbours.dismissPredecessor(`is in epoch ${view.epoch} now`);
    this.neighbours.hearPredecessor();
    if (node.ring.members === 1 && !this.isComplete) return this.foundAlone();
    this.neighbours.relink();
    for (const connection of this.connections) connection.viewChanged();
    this.#options.onEvent?.(viewEvent(before, view));
    this.tick();
  }

  /** Begins with what the predecessor tells a newcomer. */
  begin(base: Base): void {
    try {
      this.newcomer.begin(base, this.platform.clock.monotonic());
    } catch (error) {
      // The node before it is what the mesh goes by: the clock that is wrong is this one's.
      if (!(error instanceof MeshError && error.code === "CLOCK_SKEW")) throw error;
      return this.fatal(error);
    }
    this.neighbours.relink();
  }

  get isComplete(): boolean {
    return this.newcomer.isComplete;
  }

  /** The mesh goes on without this node: it stops answering. */
  expel(reason: string): void {
    if (this.isExpelled || this.#failed || this.#closed) return;
    this.isExpelled = true;
    const error = new MeshError("NODE_BEHIND", `${reason}; start the node anew, so that it joins under another replica id`, { retryable: false });
    const { onExpelled } = this.#options;
    if (onExpelled === undefined) this.fatal(error);
    else this.#endFor(() => onExpelled(error));
  }

  /** Nobody is left who could hand over what the mesh has: it is down, and a newcomer begins it anew with its store. */
  foundAlone(): void {
    const { onAlone } = this.#options;
    if (this.isExpelled || this.#failed || this.#closed || onAlone === undefined) return;
    this.isExpelled = true;
    this.#endFor(() => onAlone(this.node.view.epoch));
  }

  #endFor(next: () => void): void {
    this.#failed = true;
    void this.end().then(next);
  }

  #accept(connection: Connection): ConnectionEvents {
    const acceptor = new Acceptor(this, connection);
    this.connections.add(acceptor);
    this.strangers.came(acceptor);
    return acceptor;
  }

  /** Looks up a hit without a request, for a session in the same process (local-read.ts). */
  peek(key: string, visible: Vector, time: number): number {
    return this.#closed ? MISSED : readLocally(this, key, visible, time);
  }

  /** Brings the time, once per step. */
  beginStep(): void {
    this.#clock.read(this.#setTime);
  }

  tickSoon(): void {
    if (this.#tickPending || this.#closed) return;
    this.#tickPending = true;
    this.platform.clock.defer(() => {
      this.#tickPending = false;
      this.beginStep();
      this.tick();
    });
  }

  /** Ends a step. */
  tick(): void {
    if (this.#failed) return;
    try {
      const { node } = this;
      node.settle();
      this.neighbours.pump();
      this.#answerWaiters();
      this.loads.flush();
      this.flusher.kick();
      this.#flushDirty();
    } catch (error) {
      this.fatal(error);
    }
  }

  #flushDirty(): void {
    if (this.#dirty.size === 0) return;
    for (const connection of this.#dirty) connection.flush();
    this.#dirty.clear();
  }

  #answerWaiters(): void {
    const { node, waiters } = this;
    if (waiters.length === 0) return;
    const { self } = node.ring;
    const nowMs = node.clock.nowMs();
    const { write } = this.figures.durations;
    waiters.reached(Level.Replicated, this.neighbours.replicated, nowMs, write);
    waiters.reached(Level.Everywhere, this.neighbours.everywhere(self), nowMs, write);
    waiters.reached(Level.Stored, node.flushed[self], nowMs, write);
    waiters.look();
  }

  /** The successor has acknowledged something. */
  acknowledged(): void {
    this.#answerWaiters();
    this.#flushDirty();
  }

  /** A write was made: answers it at once at level `memory`, otherwise when its level is reached. */
  wrote(level: Level, port: ClientPort, id: number, counter: number, timestamp: number): void {
    if ((level as number) === 0) port.written(id, counter, timestamp);
    else this.waiters.add(level, port, id, counter, timestamp);
    this.tickSoon();
  }

  /** A client's chunk is read: what it asked of the store is sent off with the next tick. */
  clientChunkEnd(): void {
    if (this.loads.length > 0) this.tickSoon();
  }

  /** An answer was given outside of a chunk of its connection. */
  answered(connection: { flush(): void }): void {
    this.#dirty.add(connection);
  }

  /** Tells the operator. */
  warn(message: string): void {
    this.#options.onWarning?.(message);
  }

  /** Stops the node: what it holds is not to be trusted any more. */
  fatal(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    void this.end();
    this.#options.onFatal?.(error instanceof Error ? error : new Error(String(error)));
  }

  /** Bounds a call of the store in time, and watches it. */
  limited<Value>(call: Promise<Value>, what: string): Promise<Value> {
    return this.storeCalls.limited(call, what);
  }

  status(): MemberStatus {
    this.beginStep();
    return statusOf(this);
  }

  // The end (ending.ts).

  drain(): Promise<void> {
    return this.#ending.drain();
  }

  close(): Promise<void> {
    return this.#ending.close();
  }

  leave(graceMs: number): Promise<void> {
    return this.#ending.leave(graceMs);
  }

  get hasFailed(): boolean {
    return this.#failed;
  }

  /** Nothing that came in from now on would be flushed, and what the node takes for common from now on is not what the others may. */
  disconnect(): void {
    this.isEnding = true;
    this.neighbours.close();
    for (const connection of this.connections) connection.close();
  }

  async end(): Promise<void> {
    this.#stop();
    await this.#listener?.close();
  }

  #stop(): void {
    this.#closed = true;
    this.membership.end();
    this.flusher.stop();
    this.disconnect();
  }
}
