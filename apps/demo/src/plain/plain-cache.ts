// A cache node without a promise, as they are usually built: each node caches what it has read or written; a write goes to the store and into this
// node's cache, and the other nodes are told to forget the key by a message that arrives later. It is careful where care is cheap: a value that was
// invalidated while it was being loaded is not kept.

import type { Row, Store } from "@causalmesh/core";

/** Invalidations travel in batches, as through a message broker that is polled: this often. */
export const INVALIDATION_INTERVAL_MS = 50;

export class PlainCache {
  readonly #store: Store;
  readonly #replica: number;
  readonly #publish: (keys: readonly string[]) => void;
  readonly #values = new Map<string, unknown>();
  readonly #loading = new Map<string, Promise<unknown>>();
  #outdated = new Set<string>();
  #counter = 0;
  #timestamp = 0;

  constructor(store: Store, replica: number, publish: (keys: readonly string[]) => void) {
    this.#store = store;
    this.#replica = replica;
    this.#publish = publish;
    setInterval(() => this.#tell(), INVALIDATION_INTERVAL_MS).unref();
  }

  get entries(): number {
    return this.#values.size;
  }

  async getMany(keys: readonly string[]): Promise<unknown[]> {
    return await Promise.all(keys.map((key) => (this.#values.has(key) ? this.#values.get(key) : this.#load(key))));
  }

  #load(key: string): Promise<unknown> {
    let loading = this.#loading.get(key);
    if (loading === undefined) {
      loading = this.#fetch(key, () => this.#loading.get(key) === loading);
      this.#loading.set(key, loading);
    }
    return loading;
  }

  async #fetch(key: string, isCurrent: () => boolean): Promise<unknown> {
    const [row] = await this.#store.getMany([key]);
    const value: unknown = row === undefined || row.value === null ? undefined : JSON.parse(new TextDecoder().decode(row.value));
    if (isCurrent()) {
      this.#loading.delete(key);
      this.#values.set(key, value);
    }
    return value;
  }

  async set(entries: readonly (readonly [key: string, value: unknown])[]): Promise<void> {
    // The store keeps the row with the later stamp; one clock per machine is as good as it gets without coordination.
    this.#timestamp = Math.max(this.#timestamp + 1, Date.now() * 1000);
    const rows = entries.map(([key, value]): Row => {
      this.#counter += 1;
      return {
        key,
        value: new TextEncoder().encode(JSON.stringify(value)),
        timestamp: this.#timestamp,
        replica: this.#replica,
        counter: this.#counter,
        expiresAt: 0,
      };
    });
    await this.#store.apply(rows, []);
    for (const [key, value] of entries) {
      this.#loading.delete(key);
      this.#values.set(key, value);
      this.#outdated.add(key);
    }
  }

  #tell(): void {
    if (this.#outdated.size === 0) return;
    this.#publish([...this.#outdated]);
    this.#outdated = new Set();
  }

  /** Another node has written these keys. */
  forget(keys: readonly string[]): void {
    for (const key of keys) {
      this.#values.delete(key);
      this.#loading.delete(key);
    }
  }
}
