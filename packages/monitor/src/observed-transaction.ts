// A transaction of an observed session: the keys that it writes are noted, and written down under the version that the commit names.

import type { CallOptions, CommitOptions, Committed, Duration, Session, Transaction } from "@causalmesh/core";
import type { ObservedSession } from "./observed-session.js";

type Watch = <Result>(call: () => Promise<Result>, note: (result: Result) => void) => Promise<Result>;

export class ObservedTransaction implements Transaction {
  readonly session: Session;
  readonly #transaction: Transaction;
  readonly #observed: ObservedSession;
  readonly #watch: Watch;
  /** Whether the last change of a key deletes it. */
  readonly #changes = new Map<string, boolean>();
  /** Somebody else may commit it, with other writes. */
  #isOut = false;

  constructor(transaction: Transaction, session: ObservedSession, watch: Watch) {
    this.#transaction = transaction;
    this.#observed = session;
    this.session = session;
    this.#watch = watch;
  }

  get isOpen(): boolean {
    return this.#transaction.isOpen;
  }

  get<Value = unknown>(key: string, options?: CallOptions): Promise<Value | undefined> {
    return this.#transaction.get<Value>(key, options);
  }

  getMany<Value = unknown>(keys: readonly string[], options?: CallOptions): Promise<(Value | undefined)[]> {
    return this.#transaction.getMany<Value>(keys, options);
  }

  async set(key: string, value: unknown, options?: { readonly ttl?: Duration }): Promise<void> {
    await this.#transaction.set(key, value, options);
    this.#changes.set(key, false);
  }

  async setMany(entries: Iterable<readonly [key: string, value: unknown]>, options?: { readonly ttl?: Duration }): Promise<void> {
    const given = [...entries];
    await this.#transaction.setMany(given, options);
    for (const [key] of given) this.#changes.set(key, false);
  }

  async delete(key: string): Promise<void> {
    await this.#transaction.delete(key);
    this.#changes.set(key, true);
  }

  async deleteMany(keys: readonly string[]): Promise<void> {
    await this.#transaction.deleteMany(keys);
    for (const key of keys) this.#changes.set(key, true);
  }

  async commit(options?: CommitOptions): Promise<Committed> {
    const changes = [...this.#changes];
    return await this.#watch(
      () => this.#transaction.commit(options),
      ({ version }) => {
        if (version === undefined || this.#isOut) return;
        // A deletion is a write as others are: whoever sees it names its version.
        this.#observed.noteWrite(
          changes.map(([key]) => key),
          "w",
          version,
        );
      },
    );
  }

  rollback(): void {
    this.#transaction.rollback();
  }

  async token(): Promise<string> {
    this.#isOut = true;
    return await this.#transaction.token();
  }
}
