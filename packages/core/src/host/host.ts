// The host: drives one node with a Store, a Transport and a Clock. It owns the connections, the misses, the flushing and who waits
// for what; what any of it means is the node's business (protocol/node.ts).
//
// A step is: `beginStep` brings the time, inputs follow, `tick` settles the node, sends the successor what is new, answers who waited,
// starts loads and flushes, in this order. Batches of the ring tick at once; requests of clients tick once for all connections that
// the event loop served, so that their writes share a segment.

import { ABSENT, INCOMPLETE, LOADED, TOMBSTONE } from "../cache/cache.js";
import { decodeUtf8, encodeUtf8Into } from "../bytes/utf8.js";
import type { Platform } from "../clock.js";
import { MeshError } from "../errors.js";
import { CACHE_BYTES_DEFAULT, CLOSE_TIMEOUT_MS, KEY_BYTES_MAX, STORE_TIMEOUT_MS_DEFAULT } from "../limits.js";
import type { MemberStatus } from "../mesh.js";
import type { Loader } from "../read-through.js";
import { Node } from "../protocol/node.js";
import type { View } from "../protocol/view.js";
import { covers, vectorRecord, type Vector } from "../protocol/vector.js";
import type { Store } from "../store.js";
import type { Connection, ConnectionEvents, Listener, Transport } from "../transport.js";
import { Acceptor } from "./acceptor.js";
import { Flusher } from "./flusher.js";
import { Loads, type LoadsOptions } from "./loads.js";
import { MISSED, NO_ENTRY } from "./peek.js";
import { RingLink } from "./ring-link.js";
import { Waiters, Level } from "./waiters.js";
import type { ClientPort } from "./client-port.js";

export interface HostOptions {
  readonly view: View;
  readonly replica: number;
  /** Where to listen, if that is not the member's address. */
  readonly listen?: string;
  readonly store: Store;
  readonly transport: Transport;
  readonly platform: Platform;
  readonly secret?: string;
  readonly cacheBytes?: number;
  readonly cacheEntries?: number;
  readonly readThrough?: Loader;
  /** A bug of ours, or of the store or transport: the node has stopped answering. */
  readonly onFatal?: (error: Error) => void;
  /** Something that an operator may want to know and that the node has coped with. */
  readonly onWarning?: (message: string) => void;
}

/** The classes that a host is made of; tests put others in their place. */
export interface HostParts {
  readonly Node: typeof Node;
  readonly Loads: new (options: LoadsOptions) => Loads;
}

export class Host {
  readonly node: Node;
  readonly store: Store;
  readonly transport: Transport;
  readonly platform: Platform;
  readonly secret: string | undefined;
  readonly loads: Loads;
  readonly waiters = new Waiters();
  readonly connections = new Set<Acceptor>();
  /** It has drained, and takes no link of a predecessor any more. */
  isEnding = false;
  reads = 0;
  hits = 0;
  writes = 0;
  readonly #options: HostOptions;
  readonly #flusher: Flusher;
  readonly #link: RingLink | undefined;
  readonly #dirty = new Set<{ flush(): void }>();
  #predecessor: Acceptor | undefined;
  #listener: Listener | undefined;
  #tickPending = false;
  #draining: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  /** Why the store does not have everything. */
  #undrained: MeshError | undefined;
  #closed = false;
  #failed = false;

  constructor(options: HostOptions, parts: HostParts = { Node, Loads }) {
    this.#options = options;
    this.store = options.store;
    this.transport = options.transport;
    this.platform = options.platform;
    this.secret = options.secret;
    const loader = options.readThrough;
    this.node = new parts.Node(options.view, options.replica, {
      cacheBytes: options.cacheBytes ?? CACHE_BYTES_DEFAULT,
      cacheEntries: options.cacheEntries,
      hashSeed: Math.floor(options.platform.random() * 2 ** 32),
      isLoaded: loader === undefined ? undefined : (bytes, start, length) => loader.has(decodeUtf8(bytes, start, start + length)),
    });
    const { node, store, platform } = this;
    const limited = <Value>(call: Promise<Value>, what: string): Promise<Value> => this.#limited(call, what);
    this.loads = new parts.Loads({
      node,
      store,
      loader,
      limited,
      beginStep: () => this.beginStep(),
      endStep: () => this.tick(),
      fatal: (error) => this.fatal(error),
    });
    this.#flusher = new Flusher({ node, store, platform, limited, flushed: () => this.tick(), fenced: (error) => this.fatal(error) });
    this.#link = node.ring.size > 1 ? new RingLink(this) : undefined;
    this.beginStep();
  }

  get replica(): number {
    return this.node.replica;
  }

  get address(): string {
    return this.node.view.members[this.node.ring.self].address;
  }

  /** Whether it takes no requests any more. */
  get isClosing(): boolean {
    return this.#draining !== undefined;
  }

  /** Listens at its member's address and begins to connect to its successor. Rejects with ADDRESS_… codes. */
  async start(): Promise<void> {
    this.#listener = await this.transport.listen(this.#options.listen ?? this.address, (connection) => this.#accept(connection));
    void this.#link?.connect();
  }

  #accept(connection: Connection): ConnectionEvents {
    const acceptor = new Acceptor(this, connection);
    this.connections.add(acceptor);
    return acceptor;
  }

  /**
   * Looks up a hit without a request, for a session in the same process: its place in the cache, NO_ENTRY where there is no value, or
   * MISSED where the node has to be asked (the key is not in memory, or the session has seen more than is applied here). The session
   * is at `appliedVector` then.
   */
  peek(key: string, visible: Vector, time: number): number {
    const { node } = this;
    const { cache } = node;
    const applied = node.appliedVector();
    if (this.#closed || (visible !== applied && !covers(applied, visible))) return MISSED;
    const length = encodeUtf8Into(key, PEEK_KEY, 0);
    const at = cache.find(PEEK_KEY, 0, length);
    if (at === 0) return MISSED;
    const flags = cache.flags(at);
    if ((flags & (INCOMPLETE | LOADED)) !== 0) return MISSED;
    this.reads += 1;
    this.hits += 1;
    cache.touch(at);
    if ((flags & (TOMBSTONE | ABSENT)) !== 0) return NO_ENTRY;
    const expiresAt = cache.expiresAt(at);
    if (expiresAt !== 0) {
      this.beginStep();
      if (time > node.clock.latest) return MISSED;
      if (expiresAt <= node.clock.nowMs()) {
        // What was judged expired must stay so for this session elsewhere: its time is the node's from now on.
        node.clock.next();
        return NO_ENTRY;
      }
    }
    return at;
  }

  /** Brings the time, once per step. */
  beginStep(): void {
    this.node.clock.tick(this.platform.clock.now());
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
      this.#link?.pump();
      this.#answerWaiters();
      this.loads.flush();
      this.#flusher.kick();
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
    if (this.#link === undefined) waiters.reached(Level.Replicated, node.flushed[self]);
    else waiters.reached(Level.Replicated, this.#link.acknowledged?.[self] ?? 0);
    waiters.reached(Level.Everywhere, node.common[self]);
    waiters.reached(Level.Stored, node.flushed[self]);
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

  /** A new link from the predecessor replaces its old one. */
  predecessorConnected(acceptor: Acceptor): void {
    this.#predecessor?.close();
    this.#predecessor = acceptor;
  }

  /** A connection was refused or broke the format. */
  refused(remote: string, error: MeshError): void {
    this.#options.onWarning?.(`${remote} was disconnected: ${error.code}: ${error.message}`);
  }

  /** Stops the node: what it holds is not to be trusted any more. */
  fatal(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#end();
    this.#options.onFatal?.(error instanceof Error ? error : new Error(String(error)));
  }

  async #limited<Value>(call: Promise<Value>, what: string): Promise<Value> {
    const { clock } = this.platform;
    return await new Promise<Value>((resolve, reject) => {
      const timer = clock.after(STORE_TIMEOUT_MS_DEFAULT, () =>
        reject(new MeshError("STORE_UNAVAILABLE", `${this.store.name} did not ${what} within ${STORE_TIMEOUT_MS_DEFAULT} ms; check that it runs`)),
      );
      call.then(
        (value) => {
          timer.cancel();
          resolve(value);
        },
        (error: unknown) => {
          timer.cancel();
          reject(error as Error);
        },
      );
    });
  }

  status(): MemberStatus {
    const { node } = this;
    const record = (counters: readonly number[]): Record<string, number> => vectorRecord(node.ring.vector(counters));
    return {
      replica: node.replica,
      address: this.address,
      received: record(node.received),
      common: record(node.common),
      applied: record(node.applied),
      flushed: record(node.flushed),
      pending: node.pendingWrites,
      log: node.log.writes,
      logBytes: node.log.bytes,
      cacheEntries: node.cache.count,
      cacheBytes: node.cache.bytes,
      evictions: node.cache.evictions,
      reads: this.reads,
      hits: this.hits,
      writes: this.writes,
      linkBytes: this.#link?.bytesSent ?? 0,
      clockMs: this.platform.clock.now(),
    };
  }

  /**
   * Takes no more requests, and waits until what it has is readable everywhere and in the store, or will not get there. Until `close` it
   * goes on passing on what others have. Nodes that end together drain before any of them closes.
   */
  drain(): Promise<void> {
    return (this.#draining ??= this.#drain());
  }

  /**
   * Drains, and ends. It listens until then, so that nobody takes the store for free. Rejects with the store's error where that did not
   * take everything in time: those writes end with this node.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    await this.drain();
    this.#disconnect();
    if (!this.#failed) await this.#flushReceived();
    await this.#listener?.close();
    this.#end();
    if (this.#undrained !== undefined) throw this.#undrained;
  }

  async #drain(): Promise<void> {
    const { clock } = this.platform;
    const deadline = clock.monotonic() + CLOSE_TIMEOUT_MS;
    let connectedAt = clock.monotonic();
    while (!this.#failed && clock.monotonic() < deadline) {
      this.beginStep();
      this.tick();
      this.#undrained = await this.#flusher.drain();
      if (this.#undrained?.retryable === false) return;
      if (this.#undrained === undefined) {
        if (this.node.log.length === 0 && this.waiters.length === 0) return;
        if (this.#link === undefined || this.#link.connected) connectedAt = clock.monotonic();
        else if (this.node.pendingWrites === 0 || clock.monotonic() - connectedAt > LINK_RETURNS_MS) return;
      }
      await new Promise<void>((resolve) => clock.after(CLOSE_POLL_MS, resolve, true));
    }
  }

  /**
   * Flushes what could not go round any more: the successor has ended too, or is gone. What this node has received is closed, since each
   * write follows on its way all that it depends on; so the store stays a causal cut (I6). Nobody is served from it here: the node ends.
   */
  async #flushReceived(): Promise<void> {
    this.beginStep();
    this.node.seal();
    this.node.integrate(this.node.received);
    this.#undrained = await this.#flusher.drain();
  }

  /** Nothing that came in from now on would be flushed, and what the node takes for common from now on is not what the others may. */
  #disconnect(): void {
    this.isEnding = true;
    this.#link?.close();
    for (const connection of this.connections) connection.close();
  }

  #end(): void {
    this.#closed = true;
    this.#flusher.stop();
    this.#disconnect();
    if (this.#failed) void this.#listener?.close();
  }
}

/** Where `peek` encodes its key: three bytes per code unit are enough for any key. */
const PEEK_KEY = new Uint8Array(KEY_BYTES_MAX * 3);
/** Grain of `close`. */
const CLOSE_POLL_MS = 10;
/** Time in which a successor that is only out of reach comes back. */
const LINK_RETURNS_MS = 500;
