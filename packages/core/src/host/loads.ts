// Misses: single-flight per key, all of a tick in one multi-get, and the care that what is loaded is not older than what the node
// already shows (design section 9).
//
// While a key is loaded, its entry stays in the cache: a placeholder, pinned by its counter, or the incomplete entry of a write. Writes that
// are applied meanwhile meet that entry and stay in it. So if the entry is still there when the row comes, the winner of both is
// the winner of everything; if it was evicted, a write may have come and gone unseen, and the key is loaded again.

import { ABSENT, INCOMPLETE, TOMBSTONE } from "../cache/cache.js";
import { decodeUtf8 } from "../bytes/utf8.js";
import { MeshError } from "../errors.js";
import { LOAD_ATTEMPTS_MAX, LOAD_KEYS_MAX, LOADS_IN_FLIGHT_MAX } from "../limits.js";
import type { Node } from "../protocol/node.js";
import type { Row, Store } from "../store.js";

/** Called when the key can be looked up, or with the reason why not. */
export type LoadWaiter = (error: MeshError | undefined) => void;

interface Load {
  readonly key: Uint8Array;
  readonly text: string;
  readonly waiters: LoadWaiter[];
  attempts: number;
}

/** The dot of a placeholder: of no replica, and not evictable (Node). */
const PLACEHOLDER_COUNTER = 1;
const NOTHING = new Uint8Array(0);

export interface LoadsOptions {
  readonly node: Node;
  readonly store: Store;
  /** Bounds a store call in time. */
  readonly limited: <Value>(call: Promise<Value>, what: string) => Promise<Value>;
  /** Begins a step of the node (it needs the time). */
  readonly beginStep: () => void;
  /** Ends it: something may have changed. */
  readonly endStep: () => void;
  /** A broken invariant. */
  readonly fatal: (error: unknown) => void;
}

export class Loads {
  readonly #options: LoadsOptions;
  readonly #loads = new Map<string, Load>();
  #queued: Load[] = [];
  #inFlight = 0;

  constructor(options: LoadsOptions) {
    this.#options = options;
  }

  /** Keys that are being loaded. */
  get length(): number {
    return this.#loads.size;
  }

  /** Loads a key that is not in the cache, or is incomplete there. Copies the bytes. */
  load(bytes: Uint8Array, start: number, end: number, waiter: LoadWaiter): void {
    let text: string;
    try {
      text = decodeUtf8(bytes, start, end);
    } catch {
      waiter(new MeshError("KEY_INVALID", "the key is not UTF-8"));
      return;
    }
    const running = this.#loads.get(text);
    if (running !== undefined) {
      running.waiters.push(waiter);
      return;
    }
    const load: Load = { key: bytes.slice(start, end), text, waiters: [waiter], attempts: 0 };
    this.#loads.set(text, load);
    this.#enqueue(load);
  }

  #enqueue(load: Load): void {
    const { cache } = this.#options.node;
    if (cache.find(load.key, 0, load.key.length) === 0) {
      cache.put(load.key, 0, load.key.length, NOTHING, 0, 0, ABSENT | INCOMPLETE, 0, 0, PLACEHOLDER_COUNTER, 0);
    }
    this.#queued.push(load);
  }

  /** Sends off what a tick has collected. */
  flush(): void {
    while (this.#queued.length > 0 && this.#inFlight < LOADS_IN_FLIGHT_MAX) {
      const batch = this.#queued.splice(0, LOAD_KEYS_MAX);
      this.#inFlight += 1;
      void this.#fetch(batch);
    }
  }

  async #fetch(batch: readonly Load[]): Promise<void> {
    const { store, limited, beginStep, endStep, fatal } = this.#options;
    let rows: readonly (Row | undefined)[] | undefined;
    let failure: MeshError | undefined;
    try {
      rows = await limited(store.getMany(batch.map((load) => load.text)), "read");
    } catch (error) {
      failure = error instanceof MeshError ? error : new MeshError("STORE_UNAVAILABLE", `${store.name} failed to read`, { cause: error });
    }
    this.#inFlight -= 1;
    beginStep();
    try {
      batch.forEach((load, index) => (failure === undefined ? this.#loaded(load, rows![index]) : this.#failed(load, failure)));
    } catch (error) {
      fatal(error);
      return;
    }
    endStep();
  }

  #loaded(load: Load, row: Row | undefined): void {
    const { node } = this.#options;
    const refusal = row === undefined ? undefined : this.#refusal(row);
    if (refusal !== undefined) {
      this.#failed(load, refusal);
      return;
    }
    const at = node.cache.find(load.key, 0, load.key.length);
    if (at === 0) this.#again(load);
    else {
      this.#merge(load, row, at);
      this.#settle(load, undefined);
    }
  }

  /** Why a row cannot be shown here, if it cannot: what stands in a store is from outside, and may cost this read, never the node. */
  #refusal(row: Row): MeshError | undefined {
    const { node } = this.#options;
    try {
      if (this.admits(row)) return undefined;
    } catch (error) {
      if (error instanceof MeshError) return error;
      throw error;
    }
    return new MeshError("NODE_BEHIND", `node ${node.replica} found a write in the store that it never received; another node has it`);
  }

  /** ⚑ A row may be shown when its write is part of what this node shows; a row that was never received says that the node is behind. */
  protected admits(row: Row): boolean {
    const { node } = this.#options;
    // A row that is already in the store binds this clock too: what is written after reading it has to win over it.
    node.clock.observe(row.timestamp);
    return node.integrateDot(row.replica, row.counter);
  }

  /** Makes the entry complete: the row, or what the cache has, whichever wins. */
  #merge(load: Load, row: Row | undefined, at: number): void {
    const { node } = this.#options;
    const { cache } = node;
    const isPlaceholder = cache.replica(at) === 0;
    if (row !== undefined && (isPlaceholder || node.wins(row.timestamp, row.replica, cache.timestamp(at), cache.replica(at)))) {
      const value = row.value ?? NOTHING;
      const flags = row.value === null ? TOMBSTONE : 0;
      cache.put(load.key, 0, load.key.length, value, 0, value.length, flags, row.timestamp, row.replica, row.counter, row.expiresAt);
    } else if (isPlaceholder) cache.put(load.key, 0, load.key.length, NOTHING, 0, 0, ABSENT, 0, 0, 0, 0);
    else cache.setFlags(at, cache.flags(at) & ~INCOMPLETE);
  }

  #again(load: Load): void {
    load.attempts += 1;
    if (load.attempts < LOAD_ATTEMPTS_MAX) this.#enqueue(load);
    else this.#failed(load, new MeshError("OVERLOADED", "the cache is too small for the keys in use; give the node more cacheBytes"));
  }

  #failed(load: Load, error: MeshError): void {
    const { cache } = this.#options.node;
    const at = cache.find(load.key, 0, load.key.length);
    if (at !== 0 && cache.replica(at) === 0) cache.remove(load.key, 0, load.key.length);
    this.#settle(load, error);
  }

  #settle(load: Load, error: MeshError | undefined): void {
    this.#loads.delete(load.text);
    for (const waiter of load.waiters) waiter(error);
  }
}
