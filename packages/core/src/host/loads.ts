// Misses: single-flight per key, all of a tick in one multi-get, and the care that what is loaded is not older than what the node
// already shows (design section 9).
//
// While a key is loaded, its entry stays in the cache: a placeholder, pinned by its counter, or the incomplete entry of a write. Writes that
// are applied meanwhile meet that entry and stay in it. So if the entry is still there when the row comes, the winner of both is
// the winner of everything; if it was evicted, a write may have come and gone unseen, and the key is loaded again.
//
// A key that has no value then may have a loader (read-through): it is asked next, for as long as the entry stands under the same stamp.
// A deletion that is applied meanwhile changes the stamp, and what was loaded before it is not shown.

import { ABSENT, INCOMPLETE, LOADED, MERGED, SURE, TOMBSTONE } from "../cache/cache.js";
import { textCutter, type TextCutter } from "../bytes/utf8.js";
import { MeshError } from "../errors.js";
import { LOAD_ATTEMPTS_MAX, LOAD_KEYS_MAX, LOADS_IN_FLIGHT_MAX } from "../limits.js";
import type { Node } from "../protocol/node.js";
import type { Loader } from "../read-through.js";
import type { Row, Store } from "../store.js";

/** Called when the key can be looked up, or with the reason why not. */
export type LoadWaiter = (error: MeshError | undefined) => void;

/** A key that is being loaded. */
class Load {
  /** Where the key stands, its hash in the cache, and how the store knows it. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
  readonly hash: number;
  readonly text: string;
  readonly waiter: LoadWaiter;
  /** Whoever asked meanwhile. */
  others: LoadWaiter[] | undefined;
  attempts = 0;
  /** Somebody wants what the loader returns from now on, not what it was asked for before. */
  fresh = false;

  constructor(bytes: Uint8Array, start: number, length: number, hash: number, text: string, waiter: LoadWaiter) {
    this.bytes = bytes;
    this.start = start;
    this.length = length;
    this.hash = hash;
    this.text = text;
    this.waiter = waiter;
  }
}

/** What an entry stood for when its loader was asked. */
interface Stamp {
  readonly replica: number;
  readonly counter: number;
}

/** The dot of a placeholder: of no replica, and not evictable (Node). */
const PLACEHOLDER_COUNTER = 1;
const NOTHING = new Uint8Array(0);
const NO_ROW = { value: null, timestamp: 0, replica: 0, counter: 0, expiresAt: 0 };

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
   * Loads keys that are not in the cache, are incomplete there, or were loaded too long ago: before now, where they are to be `fresh`.
   * `places` names them, three numbers for each: where it begins in the bytes, its length and its hash. The bytes must stay as they are until
   * the waiter was called, which happens once for each key.
   */
  load(bytes: Uint8Array, places: readonly number[], waiter: LoadWaiter, fresh = false): void {
    const textOf = textCutter(bytes);
    for (let at = 0; at < places.length; at += 3) this.#load(bytes, places[at], places[at + 1], places[at + 2], textOf, waiter, fresh);
  }

  #load(bytes: Uint8Array, start: number, length: number, hash: number, textOf: TextCutter, waiter: LoadWaiter, fresh: boolean): void {
    let text: string;
    try {
      text = textOf(start, start + length);
    } catch {
      waiter(new MeshError("KEY_INVALID", "the key is not UTF-8"));
      return;
    }
    const running = this.#loads.get(text);
    if (running !== undefined) {
      (running.others ??= []).push(waiter);
      if (fresh) running.fresh = true;
      return;
    }
    const load = new Load(bytes, start, length, hash, text, waiter);
    this.#loads.set(text, load);
    this.#enqueue(load);
  }

  #find({ bytes, start, length, hash }: Load): number {
    return this.#options.node.cache.find(bytes, start, length, hash);
  }

  /** Puts an entry of this key into the cache. */
  #put(load: Load, value: Uint8Array, flags: number, timestamp: number, replica: number, counter: number, expiresAt: number): void {
    const { bytes, start, length, hash } = load;
    this.#options.node.cache.put(bytes, start, length, value, 0, value.length, flags, timestamp, replica, counter, expiresAt, hash);
  }

  #enqueue(load: Load): void {
    const { cache } = this.#options.node;
    const at = this.#find(load);
    if (at === 0) this.#putPlaceholder(load);
    else if ((cache.flags(at) & LOADED) !== 0) this.#withdraw(load, at);
    this.#queued.push(load);
  }

  #putPlaceholder(load: Load): void {
    this.#put(load, NOTHING, ABSENT | INCOMPLETE, 0, 0, PLACEHOLDER_COUNTER, 0);
  }

  /** Puts what a loaded value stood in for in its place again. */
  #withdraw(load: Load, at: number): void {
    const { cache } = this.#options.node;
    if (cache.replica(at) === 0) this.#putPlaceholder(load);
    else this.#put(load, NOTHING, TOMBSTONE | INCOMPLETE | MERGED | SURE, cache.timestamp(at), cache.replica(at), cache.counter(at), 0);
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
      for (let index = 0; index < batch.length; index++) {
        if (failure === undefined) loaded(batch[index], results![index], index);
        else this.#failed(batch[index], failure);
      }
    } catch (error) {
      fatal(error);
      return;
    }
    endStep();
  }

  #loaded(load: Load, row: Row | undefined): void {
    const refusal = row === undefined ? undefined : this.#refusal(row);
    if (refusal !== undefined) {
      this.#failed(load, refusal);
      return;
    }
    const at = this.#find(load);
    if (at === 0) this.#again(load);
    else if (this.#merge(load, row, at)) this.#settle(load, undefined);
    else this.#unwritten.push(load);
  }

  /** The stamp of an entry whose loader is asked now; undefined where it was evicted. */
  #askedFor(load: Load): Stamp | undefined {
    const { cache } = this.#options.node;
    const at = this.#find(load);
    load.fresh = false;
    return at === 0 ? undefined : { replica: cache.replica(at), counter: cache.counter(at) };
  }

  #loadedThrough(load: Load, value: Uint8Array | undefined, stamp: Stamp | undefined): void {
    const { node, loader } = this.#options;
    const { cache } = node;
    const at = this.#find(load);
    if (at === 0 || stamp === undefined) {
      this.#again(load);
      return;
    }
    const flags = cache.flags(at);
    if ((flags & (TOMBSTONE | ABSENT)) === 0) {
      // A value was written meanwhile. The store's row is older: it was merged before the loader was asked.
      cache.setFlags(at, flags & ~(INCOMPLETE | MERGED | SURE));
      this.#settle(load, undefined);
    } else if (load.fresh || cache.replica(at) !== stamp.replica || cache.counter(at) !== stamp.counter) this.#unwritten.push(load);
    else {
      const counter = stamp.replica === 0 ? 0 : stamp.counter;
      const absence = stamp.replica === 0 ? ABSENT : TOMBSTONE;
      const state = LOADED | (value === undefined ? absence : 0);
      this.#put(load, value ?? NOTHING, state, cache.timestamp(at), stamp.replica, counter, node.clock.nowMs() + loader!.ttlMs);
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
      // A snapshot may hold what the row wins over.
      if (!isPlaceholder) cache.keep(at, load.hash, 0, 0);
      const flags = row.value !== null ? 0 : isLoaded ? TOMBSTONE | INCOMPLETE : TOMBSTONE;
      this.#put(load, row.value ?? NOTHING, flags, row.timestamp, row.replica, row.counter, row.expiresAt);
      return row.value !== null || !isLoaded;
    }
    if (isLoaded && (cache.flags(at) & (TOMBSTONE | ABSENT)) !== 0) return false;
    if (isPlaceholder) this.#put(load, NOTHING, ABSENT, 0, 0, 0, 0);
    else {
      if (this.#isNext(row, at)) this.#keepRow(load, row, at);
      cache.setFlags(at, cache.flags(at) & ~(INCOMPLETE | MERGED | SURE));
    }
    return true;
  }

  /** Whether the row was the winner until the entry took its place: no other write came between. */
  #isNext(row: Row | undefined, at: number): boolean {
    const { cache } = this.#options.node;
    if ((cache.flags(at) & (INCOMPLETE | MERGED)) !== INCOMPLETE) return false;
    return row === undefined || row.replica !== cache.replica(at) || row.counter !== cache.counter(at);
  }

  /** Keeps for snapshots what the store had before the entry was written. */
  #keepRow({ bytes, start, length, hash }: Load, row: Row | undefined, at: number): void {
    const { cache } = this.#options.node;
    if (!cache.versions.isOn) return;
    const { value, timestamp, replica, counter, expiresAt } = row ?? NO_ROW;
    const flags = row === undefined ? ABSENT : value === null ? TOMBSTONE : 0;
    const bytesOf = value ?? NOTHING;
    const { versions } = cache;
    versions.keep(hash, bytes, start, length, bytesOf, 0, bytesOf.length, flags, timestamp, replica, counter, expiresAt, cache.replica(at), cache.counter(at));
  }

  #again(load: Load): void {
    load.attempts += 1;
    if (load.attempts < LOAD_ATTEMPTS_MAX) this.#enqueue(load);
    else this.#failed(load, new MeshError("OVERLOADED", "the cache is too small for the keys in use; give the node more cacheBytes"));
  }

  #failed(load: Load, error: MeshError): void {
    const { cache } = this.#options.node;
    const at = this.#find(load);
    if (at !== 0 && cache.replica(at) === 0) cache.remove(load.bytes, load.start, load.length);
    this.#settle(load, error);
  }

  #settle(load: Load, error: MeshError | undefined): void {
    this.#loads.delete(load.text);
    load.waiter(error);
    if (load.others !== undefined) for (const waiter of load.others) waiter(error);
  }
}
