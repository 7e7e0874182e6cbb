// A session of which the calls are written down, if it is observed. It asks what its user asks and answers what the mesh answers; reads of one key ask for the version too, and a write is
// named by `lastWrite`. Reads of several keys, counters, sets and `getOrSet` go through: of these nobody says which writes were seen.

import type { OperationLine } from "@causalmesh/checker";
import type { CallOptions, CommitOptions, Entry, MergeOptions, Session, Transaction, TransactionOptions, WriteOptions } from "@causalmesh/core";
import { ObservedTransaction } from "./observed-transaction.js";
import type { Observer, Trail } from "./observer.js";

export class ObservedSession implements Session {
  readonly #session: Session;
  readonly #observer: Observer;
  /** undefined where the session is not observed. */
  readonly #trail: Trail | undefined;
  readonly #namespace: string | undefined;

  constructor(session: Session, observer: Observer, trail: Trail | undefined, namespace: string | undefined) {
    this.#session = session;
    this.#observer = observer;
    this.#trail = trail;
    this.#namespace = namespace;
  }

  get node(): string {
    return this.#session.node;
  }

  get lastWrite(): string | undefined {
    return this.#session.lastWrite;
  }

  get waitedMs(): number {
    return this.#session.waitedMs;
  }

  // What is written down.

  async get<Value = unknown>(key: string, options?: CallOptions): Promise<Value | undefined> {
    if (this.#trail === undefined) return await this.#session.get<Value>(key, options);
    return (await this.getEntry<Value>(key, options)).value;
  }

  async has(key: string, options?: CallOptions): Promise<boolean> {
    if (this.#trail === undefined) return await this.#session.has(key, options);
    return (await this.getEntry(key, options)).hit;
  }

  async getEntry<Value = unknown>(key: string, options?: CallOptions): Promise<Entry<Value>> {
    return await this.#watch(
      () => this.#session.getEntry<Value>(key, options),
      ({ hit, version, node }) => {
        // What a loader has returned is no write, and has no version.
        if (!hit || version !== undefined) this.#note([["r", this.#keyName(key), version ?? null]], node);
      },
    );
  }

  async set(key: string, value: unknown, options?: WriteOptions): Promise<void> {
    await this.#write([key], "w", () => this.#session.set(key, value, options));
  }

  async delete(key: string, options?: WriteOptions): Promise<void> {
    await this.#write([key], "d", () => this.#session.delete(key, options));
  }

  async invalidate(key: string, options?: WriteOptions): Promise<void> {
    await this.#write([key], "d", () => this.#session.invalidate(key, options));
  }

  async setMany(entries: Iterable<readonly [key: string, value: unknown]>, options?: WriteOptions): Promise<void> {
    // An iterable may be read once only; what is none is for the mesh to refuse.
    const given = typeof entries?.[Symbol.iterator] === "function" ? [...entries] : entries;
    await this.#write(Array.isArray(given) ? given.map(([key]) => key) : [], "w", () => this.#session.setMany(given, options));
  }

  async deleteMany(keys: readonly string[], options?: WriteOptions): Promise<void> {
    await this.#write(keys, "d", () => this.#session.deleteMany(keys, options));
  }

  async #write(keys: readonly string[], kind: "w" | "d", call: () => Promise<void>): Promise<void> {
    const before = this.#session.lastWrite;
    await this.#watch(call, () => {
      const version = this.#session.lastWrite;
      if (version !== undefined && version !== before) this.noteWrite(keys, kind, version);
    });
  }

  /** Writes down a write of several keys that is known to have been made. */
  noteWrite(keys: Iterable<string>, kind: "w" | "d", version: string): void {
    this.#note(
      [...new Set(keys)].map((key): OperationLine => [kind, this.#keyName(key), version]),
      this.#session.node,
    );
  }

  #keyName(key: string): string {
    return this.#observer.nameOfKey(key, this.#namespace);
  }

  #note(ops: readonly OperationLine[], node: string): void {
    if (this.#trail !== undefined && ops.length > 0) this.#observer.write({ session: this.#trail.name, node, at: Date.now(), ops });
  }

  #watch<Result>(call: () => Promise<Result>, note: (result: Result) => void): Promise<Result> {
    return this.#trail === undefined ? call() : this.#trail.watch(call, note);
  }

  /** Of these it is not known what they saw, but calls that overlap with them are disturbed. */
  #through<Result>(call: () => Promise<Result>): Promise<Result> {
    return this.#watch(call, () => undefined);
  }

  // What is not.

  getMany<Value = unknown>(keys: readonly string[], options?: CallOptions): Promise<(Value | undefined)[]> {
    return this.#through(() => this.#session.getMany<Value>(keys, options));
  }

  getOrSet<Value>(key: string, factory: () => Value | Promise<Value>, options?: WriteOptions): Promise<Value> {
    return this.#through(() => this.#session.getOrSet(key, factory, options));
  }

  increment(key: string, by?: number, options?: MergeOptions): Promise<void> {
    return this.#through(() => this.#session.increment(key, by, options));
  }

  count(key: string, options?: CallOptions): Promise<number> {
    return this.#through(() => this.#session.count(key, options));
  }

  addMembers(key: string, members: readonly string[], options?: MergeOptions): Promise<void> {
    return this.#through(() => this.#session.addMembers(key, members, options));
  }

  removeMembers(key: string, members: readonly string[], options?: MergeOptions): Promise<void> {
    return this.#through(() => this.#session.removeMembers(key, members, options));
  }

  members(key: string, options?: CallOptions): Promise<string[]> {
    return this.#through(() => this.#session.members(key, options));
  }

  // Transactions: what they write. Their reads are of the past, and have no versions.

  transaction<Result>(work: (transaction: Transaction) => Promise<Result>, options?: TransactionOptions): Promise<Result> {
    return this.#session.transaction((transaction) => work(this.#observedTransaction(transaction)), options);
  }

  begin(options?: CommitOptions): Transaction {
    return this.#observedTransaction(this.#session.begin(options));
  }

  #observedTransaction(transaction: Transaction): Transaction {
    return this.#trail === undefined ? transaction : new ObservedTransaction(transaction, this, (call, note) => this.#watch(call, note));
  }

  // Where the session goes.

  async token(options?: CallOptions): Promise<string> {
    let isMarked = false;
    const token = await this.#watch(
      () => this.#session.token(options),
      (made) => {
        isMarked = true;
        this.#trail?.markToken(this.#observer.noteToken(made, true));
      },
    );
    if (!isMarked) this.#observer.noteToken(token, this.#trail !== undefined);
    return token;
  }

  fork(): Session {
    return new ObservedSession(this.#session.fork(), this.#observer, this.#trail?.fork(), this.#namespace);
  }

  join(other: Session | string): void {
    this.#session.join(other instanceof ObservedSession ? other.#session : other);
    if (other instanceof ObservedSession) this.#trail?.join(other.#trail === undefined ? [] : [other.#trail.name]);
    else this.#trail?.join(typeof other === "string" ? [this.#observer.nameOfTokenOf(other)] : []);
  }
}
