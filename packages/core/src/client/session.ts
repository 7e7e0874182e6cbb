// A session as its user holds it: the causal context of one workflow (design section 4), and the calls that are made with it. What
// the calls have in common with those of other sessions, links, fail-over and deadlines, is in mesh-client.ts.

import { MeshError } from "../errors.js";
import { backoffMs } from "../host/backoff.js";
import { MISSED, NO_ENTRY } from "../host/peek.js";
import { TOKEN_OWN_BYTES_AIM, TOKEN_WAIT_MS_DEFAULT } from "../limits.js";
import type {
  CallOptions,
  Codec,
  CommitOptions,
  Entry,
  MergeOptions,
  Session,
  SessionOptions,
  Transaction,
  TransactionOptions,
  WriteOptions,
} from "../mesh.js";
import { timestampMs } from "../protocol/hybrid-clock.js";
import { covers, EMPTY_VECTOR, join, type Vector } from "../protocol/vector.js";
import { PLAIN_READ, VERSIONED_READ, FRESH_READ, type Call, type Caller, type Change, type ReadFlags } from "./call.js";
import { GetCall, GetManyCall, WriteCall, type Version } from "./calls.js";
import { changeOf, changesOf, checkCount, checkSize, deletion, storedKeys } from "./changes.js";
import type { OwnWrite, SessionContext } from "./context.js";
import { durabilityLevel } from "./durability.js";
import { checkNamespace, storedKey } from "./keys.js";
import type { Link } from "./link.js";
import { LostWrites } from "./lost-writes.js";
import type { MeshClient } from "./mesh-client.js";
import { SessionMerges } from "./merges.js";
import type { OpenTransaction } from "./open-transaction.js";
import { OwnWrites, type OwnVersion } from "./own-writes.js";
import type { Peer } from "./peer.js";
import { runTransaction } from "./run-transaction.js";
import { ClientTransaction } from "./transaction.js";
import { waitForOwnWrites } from "./token-wait.js";

export class ClientSession implements Session, Caller {
  readonly mesh: MeshClient;
  readonly #options: SessionOptions;
  readonly #durability: number;
  readonly namespace: string | undefined;
  readonly codec: Codec;
  peer: Peer;
  /** DV. */
  #visible: Vector = EMPTY_VECTOR;
  #time = 0;
  #waitedMs = 0;
  #transaction: ClientTransaction | undefined;
  /** Made when the first own write is lost. */
  #lost: LostWrites | undefined;
  /** Writes on their way. */
  writing = 0;
  protected readonly own = new OwnWrites();
  readonly merges = this.mergesOf(this.own);

  constructor(mesh: MeshClient, peer: Peer, contexts: readonly SessionContext[], options: SessionOptions) {
    this.mesh = mesh;
    this.codec = mesh.codec;
    this.peer = peer;
    this.#options = options;
    this.#durability = durabilityLevel(options.durability ?? mesh.durability);
    this.namespace = options.namespace === undefined ? mesh.namespace : checkNamespace(options.namespace);
    for (const context of contexts) this.#learn(context);
  }

  /** The latest hybrid timestamp seen. */
  get time(): number {
    return this.#time;
  }

  get node(): string {
    return this.peer.address;
  }

  get lastWrite(): string | undefined {
    return this.own.lastMade;
  }

  // The context.

  /** Takes over what another session knows: vectors join, own writes are united. */
  #learn(context: SessionContext): void {
    this.#visible = join(this.#visible, context.visible);
    if (context.time > this.#time) this.#time = context.time;
    for (const write of context.own) this.own.restore(write, context.written);
  }

  contextFor(link: Link): SessionContext | undefined {
    const { own } = this;
    const isKnown = link.knows(this.#visible, this.#time) && (own.isEmpty || own.madeAt === link || link.knowsWritten(own.written));
    return isKnown ? undefined : this.context();
  }

  context(): SessionContext {
    return { visible: this.#visible, written: this.own.written, time: this.#time, own: this.own.writes };
  }

  /** ⚑ What was answered is at the node's applied vector; that is what the session has seen now, never what the node has received. */
  protected seen(link: Link): Vector {
    return link.applied;
  }

  /**
   * Follows the node that has just answered a call that was sent in this view of the link. Own writes are dropped only here, after the answer
   * was compared with them.
   */
  follow(link: Link, view: number): void {
    const applied = this.seen(link);
    // What the node was told of in an earlier view it may have judged by that view.
    const isCurrent = view === link.view;
    if (this.#visible !== applied)
      this.#visible = (isCurrent ? link.covers(this.#visible) : covers(applied, this.#visible)) ? applied : join(this.#visible, applied);
    if (link.time > this.#time) this.#time = link.time;
    if (!this.own.isEmpty) this.own.drop(link.applied, isCurrent ? link : undefined);
  }

  wrote(link: Link, counter: number, timestamp: number, changes: readonly Change[], view: number): void {
    // The node has made this timestamp, so it need not be told of it.
    if (timestamp > link.time) link.time = timestamp;
    this.own.add(link, counter, timestamp, changes);
    if (timestamp > this.#time) this.#time = timestamp;
    this.follow(link, view);
  }

  /** Takes note of a write of this session's transaction that was made before; what it follows is there where the node does not show it yet. */
  met(link: Link, write: OwnWrite, follows: Vector, view: number): void {
    if (write.changes.length > 0) this.own.restore(write, follows);
    if (write.timestamp > this.#time) this.#time = write.timestamp;
    this.follow(link, view);
  }

  lostWrites(call: Call, finals: ReadonlyMap<number, number>): void {
    this.#lost ??= new LostWrites(this, this.own, this.#durability, (made) => this.mesh.submit(made, this.peer, undefined));
    this.#lost.before(call, finals);
  }

  moved(from: Peer, to: Peer): void {
    if (this.peer === from) this.peer = to;
  }

  /** ⚑ The winner of the node's version and the session's own; the own one may have lost already. */
  protected ownWins(own: OwnVersion, version: Version): boolean {
    const { timestamp, replica } = own.write;
    return timestamp > version.timestamp || (timestamp === version.timestamp && replica >= version.replica);
  }

  /**
   * The own change that a read of this key has to return instead of the node's version, if there is one. Where a loader was asked for what
   * the session has deleted, after that, its answer is the newer one.
   */
  ownVersion(key: string, version: Version, fromLoader: boolean): OwnVersion | undefined {
    return this.winner(this.own.newest(key), version, fromLoader);
  }

  winner(own: OwnVersion | undefined, version: Version, fromLoader: boolean): OwnVersion | undefined {
    if (own === undefined || (fromLoader && own.change.value === null)) return undefined;
    return this.ownWins(own, version) ? own : undefined;
  }

  #readManyFlags(keys: readonly string[]): ReadFlags {
    if (this.own.isEmpty) return PLAIN_READ;
    return keys.some((key) => this.own.newest(key)?.change.value === null) ? FRESH_READ : VERSIONED_READ;
  }

  #readFlags(own: OwnVersion | undefined): ReadFlags {
    return own === undefined ? PLAIN_READ : own.change.value === null ? FRESH_READ : VERSIONED_READ;
  }

  ownValue(own: OwnVersion): Uint8Array | undefined {
    const { value, expiresAt } = own.change;
    const now = Math.max(this.mesh.platform.clock.now(), timestampMs(this.#time));
    return value === null || (expiresAt !== 0 && expiresAt <= now) ? undefined : value;
  }

  // Reads.

  get<Value = unknown>(key: string, options?: CallOptions): Promise<Value | undefined> {
    try {
      const stored = this.#key(key);
      const { local } = this.peer;
      if (local !== undefined && this.own.isEmpty && options === undefined) {
        const peeked = this.#peek(local, stored);
        if (peeked !== NOT_THERE) return Promise.resolve(peeked as Value | undefined);
      }
      return new Promise((resolve, reject) => {
        const call = new GetCall(this, this.deadline(options), stored, this.#readFlags(this.own.newest(stored)), resolve, reject, false);
        this.mesh.submit(call, this.peer, options?.signal);
      });
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /** Reads a hit of a node in this process without a request. */
  #peek(local: NonNullable<Peer["local"]>, stored: string): unknown {
    const at = local.peek(stored, this.#visible, this.#time);
    if (at === MISSED) return NOT_THERE;
    this.#visible = local.node.appliedVector();
    const now = local.node.clock.latest;
    if (now > this.#time) this.#time = now;
    return at === NO_ENTRY ? undefined : local.node.cache.read(at, this.mesh.decode);
  }

  async getEntry<Value = unknown>(key: string, options?: CallOptions): Promise<Entry<Value>> {
    const stored = this.#key(key);
    return await this.#call<Entry<Value>>(options, (deadline, resolve, reject) => {
      const flags = this.own.newest(stored)?.change.value === null ? FRESH_READ : VERSIONED_READ;
      return new GetCall(this, deadline, stored, flags, resolve as (value: unknown) => void, reject, true);
    });
  }

  async has(key: string, options?: CallOptions): Promise<boolean> {
    return (await this.getEntry(key, options)).hit;
  }

  async getMany<Value = unknown>(keys: readonly string[], options?: CallOptions): Promise<(Value | undefined)[]> {
    const stored = storedKeys(this.namespace, keys, "getMany");
    if (stored.length === 0) return [];
    return await this.#call<(Value | undefined)[]>(options, (deadline, resolve, reject) => {
      return new GetManyCall(this, deadline, stored, this.#readManyFlags(stored), resolve as (value: unknown) => void, reject);
    });
  }

  // Writes.

  set(key: string, value: unknown, options?: WriteOptions): Promise<void> {
    // Not async: that would be two more promises per write.
    try {
      return this.#write([changeOf(this, key, value, options?.ttl)], options);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  async delete(key: string, options?: WriteOptions): Promise<void> {
    await this.#write([deletion(this.#key(key))], options);
  }

  async invalidate(key: string, options?: WriteOptions): Promise<void> {
    await this.delete(key, options);
  }

  async setMany(entries: Iterable<readonly [key: string, value: unknown]>, options?: WriteOptions): Promise<void> {
    await this.#write(changesOf(this, entries, options?.ttl), options);
  }

  async deleteMany(keys: readonly string[], options?: WriteOptions): Promise<void> {
    const stored = new Set(storedKeys(this.namespace, keys, "deleteMany"));
    await this.#write([...stored].map(deletion), options);
  }

  // Values that merge.

  protected mergesOf(own: OwnWrites): SessionMerges {
    return new SessionMerges(this, own);
  }

  async increment(key: string, by: number = 1, options?: MergeOptions): Promise<void> {
    await this.merges.increment(key, by, options);
  }

  async count(key: string, options?: CallOptions): Promise<number> {
    return await this.merges.count(key, options);
  }

  async addMembers(key: string, members: readonly string[], options?: MergeOptions): Promise<void> {
    await this.merges.addMembers(key, members, options);
  }

  async removeMembers(key: string, members: readonly string[], options?: MergeOptions): Promise<void> {
    await this.merges.removeMembers(key, members, options);
  }

  async members(key: string, options?: CallOptions): Promise<string[]> {
    return await this.merges.members(key, options);
  }

  async getOrSet<Value>(key: string, factory: () => Value | Promise<Value>, options?: WriteOptions): Promise<Value> {
    const found = await this.getEntry<Value>(key, options);
    if (found.hit) return found.value as Value;
    // Whoever shares the factory's value follows the session that wrote it: the value is an effect of all that this one had seen.
    const made = await this.mesh.once(this.#key(key), async () => {
      const value = await factory();
      await this.set(key, value, options);
      return { value, context: this.context() };
    });
    this.#learn(made.context);
    return made.value as Value;
  }

  #key(key: unknown): string {
    return storedKey(this.namespace, key);
  }

  /** Throws, or returns a promise that rejects. */
  #write(changes: readonly Change[], options: WriteOptions | undefined): Promise<void> {
    this.checkFree();
    checkCount(changes.length);
    if (changes.length === 0) return Promise.resolve();
    checkSize(changes);
    this.own.checkRoom();
    const durability = this.durabilityOf(options);
    return new Promise((resolve, reject) => {
      const call = new WriteCall(this, this.deadline(options), 0, durability, changes, this.mesh.retryWrites, resolve, reject);
      this.mesh.submit(call, this.peer, options?.signal);
    });
  }

  durabilityOf(options: CommitOptions | undefined): number {
    return options?.durability === undefined ? this.#durability : durabilityLevel(options.durability);
  }

  deadline(options: CallOptions | undefined): number {
    return this.mesh.deadline(options?.timeoutMs ?? this.#options.timeoutMs);
  }

  #call<Value>(
    options: CallOptions | undefined,
    make: (deadline: number, resolve: (value: Value) => void, reject: (error: Error) => void) => GetCall | GetManyCall,
  ): Promise<Value> {
    return new Promise<Value>((resolve, reject) => {
      this.mesh.submit(make(this.deadline(options), resolve as (value: unknown) => void, reject), this.peer, options?.signal);
    });
  }

  // Transactions.

  async transaction<Result>(work: (transaction: Transaction) => Promise<Result>, options: TransactionOptions = {}): Promise<Result> {
    const { clock, random } = this.mesh.platform;
    const pause = (attempt: number): Promise<void> => new Promise((resolve) => clock.after(backoffMs(attempt, random), resolve, true));
    return await runTransaction((rest) => this.begin(rest), work, options, pause);
  }

  begin(options: CommitOptions = {}): ClientTransaction {
    this.checkFree();
    if (options.durability !== undefined) durabilityLevel(options.durability);
    return (this.#transaction = this.transactionFrom(options));
  }

  /** Goes on with the transaction of a token. */
  resume(from: OpenTransaction): ClientTransaction {
    return (this.#transaction = this.transactionFrom({}, from));
  }

  protected transactionFrom(options: CommitOptions, from?: OpenTransaction): ClientTransaction {
    return new ClientTransaction(this, options, from);
  }

  ended(transaction: ClientTransaction): void {
    if (this.#transaction === transaction) this.#transaction = undefined;
  }

  /** Throws TRANSACTION_OPEN. */
  checkFree(): void {
    if (this.#transaction === undefined) return;
    throw new MeshError(
      "TRANSACTION_OPEN",
      "this session has an open transaction: write and go on by the transaction's own methods, and commit it or roll it back before the session is used for that; a fork is free",
    );
  }

  // Roaming.

  get waitedMs(): number {
    return this.#waitedMs;
  }

  async token(options?: CallOptions): Promise<string> {
    this.checkFree();
    if (this.writing > 0) throw new MeshError("SESSION_BUSY", WRITE_UNDER_WAY);
    this.#waitedMs = 0;
    if (this.own.bytes > TOKEN_OWN_BYTES_AIM) {
      // A call that asks for nothing: its answer says what can be read at the node.
      const ask = (timeoutMs: number): Promise<unknown> =>
        this.#call<unknown[]>({ timeoutMs, signal: options?.signal }, (deadline, resolve, reject) => {
          return new GetManyCall(this, deadline, [], PLAIN_READ, resolve as (value: unknown) => void, reject);
        });
      this.#waitedMs = await waitForOwnWrites(this.own, ask, this.mesh.platform.clock, options?.timeoutMs ?? TOKEN_WAIT_MS_DEFAULT);
    }
    return await this.mesh.pack(this.context());
  }

  join(other: Session | string): void {
    if (typeof other === "string") this.#learn(this.mesh.unpack(other));
    else if (other instanceof ClientSession && other.mesh === this.mesh) this.#learn(other.context());
    else throw new MeshError("OPTION_INVALID", "join takes a session of the same mesh object, or a token: join the token of a session of another one");
  }

  fork(): Session {
    return this.mesh.sessionOf([this.context()], { ...this.#options, node: this.peer.address });
  }
}

const WRITE_UNDER_WAY = "a write of this session is under way, which its token would lack: await it first; parallel branches have a fork each";

/** Says that `#peek` found nothing that it may answer. */
const NOT_THERE = Symbol("not there");
