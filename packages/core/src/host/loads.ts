// Misses: single-flight per key, all of a tick in one multi-get, and the care that what is loaded is not older than what the node
// already shows (design section 9).
//
// While a key is loaded, its entry stays in the cache: a placeholder, pinned by its counter, or the incomplete entry of a write. Writes that
// are applied meanwhile meet that entry and stay in it. So if the entry is still there when the row comes, the winner of both is
// the winner of everything; if it was evicted, a write may have come and gone unseen, and the key is loaded again.
//
// A key that has no value then may have a loader (read-through): it is asked next, for as long as the entry stands under the same stamp.
// A deletion that is applied meanwhile changes the stamp, and what was loaded before it is not shown.

import { ABSENT, INCOMPLETE, LOADED, TOMBSTONE } from "../cache/cache.js";
import { decodeUtf8 } from "../bytes/utf8.js";
import { MeshError } from "../errors.js";
import { LOAD_ATTEMPTS_MAX, LOAD_KEYS_MAX, LOADS_IN_FLIGHT_MAX } from "../limits.js";
import type { Node } from "../protocol/node.js";
import type { Loader } from "../read-through.js";
import type { Row, Store } from "../store.js";

/** Called when the key can be looked up, or with the reason why not. */
export type LoadWaiter = (error: MeshError | undefined) => void;

interface Load {
  readonly key: Uint8Array;
  readonly text: string;
  readonly waiters: LoadWaiter[];
  attempts: number;
  /** Somebody wants what the loader returns from now on, not what it was asked for before. */
  fresh: boolean;
}

/** What an entry stood for when its loader was asked. */
interface Stamp {
  readonly replica: number;
  readonly counter: number;
}

/** The dot of a placeholder: of no replica, and not evictable (Node). */
const PLACEHOLDER_COUNTER = 1;
const NOTHING = new Uint8Array(0);

export interface LoadsOptions {
  readonly node: Node;
  readonly store: Store;
  readonly loader?: Loader;
  /** Bounds a call of the store or the loader in time. */
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
  /** Keys that have no value and wait for their loader. */
  #unwritten: Load[] = [];
  #inFlight = 0;

  constructor(options: LoadsOptions) {
    this.#options = options;
  }

  /** Keys that are being loaded. */
  get length(): number {
    return this.#loads.size;
  }

  /**
   * Loads a key that is not in the cache, is incomplete there, or was loaded too long ago: before now, where it is to be `fresh`. Copies
   * the bytes.
   */
  load(bytes: Uint8Array, start: number, end: number, waiter: LoadWaiter, fresh = false): void {
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
      if (fresh) running.fresh = true;
      return;
    }
    const load: Load = { key: bytes.slice(start, end), text, waiters: [waiter], attempts: 0, fresh: false };
    this.#loads.set(text, load);
    this.#enqueue(load);
  }

  #enqueue(load: Load): void {
    const { cache } = this.#options.node;
    const at = cache.find(load.key, 0, load.key.length);
    if (at === 0) this.#putPlaceholder(load);
    else if ((cache.flags(at) & LOADED) !== 0) this.#withdraw(load, at);
    this.#queued.push(load);
  }

  #putPlaceholder({ key }: Load): void {
    this.#options.node.cache.put(key, 0, key.length, NOTHING, 0, 0, ABSENT | INCOMPLETE, 0, 0, PLACEHOLDER_COUNTER, 0);
  }

  /** Puts what a loaded value stood in for in its place again. */
  #withdraw(load: Load, at: number): void {
    const { cache } = this.#options.node;
    const { key } = load;
    if (cache.replica(at) === 0) this.#putPlaceholder(load);
    else cache.put(key, 0, key.length, NOTHING, 0, 0, TOMBSTONE | INCOMPLETE, cache.timestamp(at), cache.replica(at), cache.counter(at), 0);
  }

  /** Sends off what a tick has collected. */
  flush(): void {
    const { store, loader } = this.#options;
    while (this.#queued.length > 0 && this.#inFlight < LOADS_IN_FLIGHT_MAX) {
      const batch = this.#queued.splice(0, LOAD_KEYS_MAX);
      void this.#fetch(batch, store.getMany(batch.map((load) => load.text)), "read", (load, row) => this.#loaded(load, row));
    }
    while (this.#unwritten.length > 0 && this.#inFlight < LOADS_IN_FLIGHT_MAX) {
      const batch = this.#unwritten.splice(0, LOAD_KEYS_MAX);
      const stamps = batch.map((load) => this.#askedFor(load));
      const values = loader!.load(batch.map((load) => load.text));
      void this.#fetch(batch, values, "load", (load, value, index) => this.#loadedThrough(load, value, stamps[index]));
    }
  }

  async #fetch<Result>(
    batch: readonly Load[],
    call: Promise<readonly Result[]>,
    what: string,
    loaded: (load: Load, result: Result, index: number) => void,
  ): Promise<void> {
    const { store, limited, beginStep, endStep, fatal } = this.#options;
    let results: readonly Result[] | undefined;
    let failure: MeshError | undefined;
    this.#inFlight += 1;
    try {
      results = await limited(call, what);
    } catch (error) {
      failure = error instanceof MeshError ? error : new MeshError("STORE_UNAVAILABLE", `${store.name} failed to ${what}`, { cause: error });
    }
    this.#inFlight -= 1;
    beginStep();
    try {
      batch.forEach((load, index) => (failure === undefined ? loaded(load, results![index], index) : this.#failed(load, failure)));
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
    else if (this.#merge(load, row, at)) this.#settle(load, undefined);
    else this.#unwritten.push(load);
  }

  /** The stamp of an entry whose loader is asked now; undefined where it was evicted. */
  #askedFor(load: Load): Stamp | undefined {
    const { cache } = this.#options.node;
    const at = cache.find(load.key, 0, load.key.length);
    load.fresh = false;
    return at === 0 ? undefined : { replica: cache.replica(at), counter: cache.counter(at) };
  }

  #loadedThrough(load: Load, value: Uint8Array | undefined, stamp: Stamp | undefined): void {
    const { node, loader } = this.#options;
    const { cache } = node;
    const { key } = load;
    const at = cache.find(key, 0, key.length);
    if (at === 0 || stamp === undefined) {
      this.#again(load);
      return;
    }
    const flags = cache.flags(at);
    if ((flags & (TOMBSTONE | ABSENT)) === 0) {
      // A value was written meanwhile. The store's row is older: it was merged before the loader was asked.
      cache.setFlags(at, flags & ~INCOMPLETE);
      this.#settle(load, undefined);
    } else if (load.fresh || cache.replica(at) !== stamp.replica || cache.counter(at) !== stamp.counter) this.#unwritten.push(load);
    else {
      const bytes = value ?? NOTHING;
      const counter = stamp.replica === 0 ? 0 : stamp.counter;
      const absence = stamp.replica === 0 ? ABSENT : TOMBSTONE;
      const state = LOADED | (value === undefined ? absence : 0);
      cache.put(key, 0, key.length, bytes, 0, bytes.length, state, cache.timestamp(at), stamp.replica, counter, node.clock.nowMs() + loader!.ttlMs);
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

  /** Makes the entry complete: the row, or what the cache has, whichever wins. False: there is no value, and a loader may have one. */
  #merge(load: Load, row: Row | undefined, at: number): boolean {
    const { node } = this.#options;
    const { cache } = node;
    const isPlaceholder = cache.replica(at) === 0;
    const isLoaded = this.#options.loader?.has(load.text) === true;
    if (row !== undefined && (isPlaceholder || node.wins(row.timestamp, row.replica, cache.timestamp(at), cache.replica(at)))) {
      const value = row.value ?? NOTHING;
      const flags = row.value !== null ? 0 : isLoaded ? TOMBSTONE | INCOMPLETE : TOMBSTONE;
      cache.put(load.key, 0, load.key.length, value, 0, value.length, flags, row.timestamp, row.replica, row.counter, row.expiresAt);
      return row.value !== null || !isLoaded;
    }
    if (isLoaded && (cache.flags(at) & (TOMBSTONE | ABSENT)) !== 0) return false;
    if (isPlaceholder) cache.put(load.key, 0, load.key.length, NOTHING, 0, 0, ABSENT, 0, 0, 0, 0);
    else cache.setFlags(at, cache.flags(at) & ~INCOMPLETE);
    return true;
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
