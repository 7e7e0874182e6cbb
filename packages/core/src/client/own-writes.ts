// The session's own writes that the node where it goes on may not show yet (design section 4): their values, which reads are
// compared with, and WV, which the session's next writes follow.

import { timestampMs } from "../protocol/hybrid-clock.js";
import { counterOf, EMPTY_VECTOR, join, raised, vectorOf, type Vector } from "../protocol/vector.js";
import { MeshError } from "../errors.js";
import { OWN_WRITES_BYTES_MAX } from "../limits.js";
import type { Change } from "./call.js";
import type { OwnChange, OwnWrite } from "./context.js";

/** The node, as far as this file knows it, that answered a write: what that write follows, and where it was made. */
export interface Origin {
  readonly replica: number;
  readonly issued: Vector;
}

/** What a link knows of those who have left. */
export interface Settled {
  hasSettled(replica: number): boolean;
}

/** The newest own change of a key, with its write. */
export interface OwnVersion {
  readonly write: OwnWrite;
  readonly change: OwnChange;
}

/** A session has few own writes at a time, mostly one: then a look through them costs less than a Map. */
const LOOKED_THROUGH_MAX = 8;

export class OwnWrites {
  /** The only place where the writes below were made, as long as there is only one. */
  madeAt: Origin | undefined;
  #written: Vector = EMPTY_VECTOR;
  // The newest vector that is not joined into #written yet: most writes are dropped before anybody asks for it.
  #issued: Vector = EMPTY_VECTOR;
  #replica = 0;
  #counter = 0;
  /** The counter of the write that was added last; 0 before the first. */
  #lastCounter = 0;
  #writes: OwnWrite[] = [];
  /** The newest change of each key, kept once there are more writes than a look through all of them is worth. */
  #index: Map<string, OwnVersion> | undefined;
  #bytes = 0;
  /** Most sessions never lose a write, and a set for each would cost more than the rest of this object. */
  #lost: Set<OwnWrite> | undefined;
  /** The applied vector for which writes were dropped last. */
  #droppedFor: Vector = EMPTY_VECTOR;

  get isEmpty(): boolean {
    return this.#writes.length === 0;
  }

  /** Of keys and values. */
  get bytes(): number {
    return this.#bytes;
  }

  get writes(): readonly OwnWrite[] {
    return this.#writes;
  }

  /** WV: the join of the vectors of these writes. */
  get written(): Vector {
    if (this.#counter > 0) {
      this.#written = join(this.#written, raised(this.#issued, this.#replica, this.#counter));
      this.#counter = 0;
    }
    return this.#written;
  }

  /** The name of the write that was added last, whether it is still kept or not. */
  get lastMade(): string | undefined {
    return this.#lastCounter === 0 ? undefined : `${this.#replica}:${this.#lastCounter}`;
  }

  newest(key: string): OwnVersion | undefined {
    if (this.#index !== undefined) return this.#index.get(key);
    let newest: OwnVersion | undefined;
    for (const write of this.#writes) {
      for (const change of write.changes) {
        if (change.key === key && (newest === undefined || isNewer(write, newest.write))) newest = { write, change };
      }
    }
    return newest;
  }

  /** The writes of a key, in the order made. */
  on(key: string): OwnWrite[] {
    return this.#writes.filter(({ changes }) => changes.some((change) => change.key === key));
  }

  /** Throws OVERLOADED where more own writes are in flight than a session can carry. */
  checkRoom(): void {
    if (this.#bytes <= OWN_WRITES_BYTES_MAX) return;
    throw new MeshError(
      "OVERLOADED",
      `this session has ${this.#bytes} bytes of writes that are not readable everywhere yet; wait, or write with durability "everywhere"`,
      { retryAfterMs: 50 },
    );
  }

  /** Notes a write that its origin has just answered, and takes over the changes. */
  add(origin: Origin, counter: number, timestamp: number, changes: readonly Change[]): void {
    const { replica, issued } = origin;
    for (const change of changes) if (change.ttlMs > 0) change.expiresAt = timestampMs(timestamp) + change.ttlMs;
    if (this.#issued !== issued || this.#replica !== replica) this.#written = this.written;
    this.#issued = issued;
    this.#replica = replica;
    this.#counter = counter;
    this.#lastCounter = counter;
    this.madeAt = this.#writes.length === 0 || this.madeAt === origin ? origin : undefined;
    this.#keep({ replica, counter, timestamp, changes });
  }

  /** Notes a write that came with a token or another session; `vector` is what it and others of that session follow. */
  restore(write: OwnWrite, vector: Vector): void {
    this.#written = join(this.written, vector);
    this.madeAt = undefined;
    if (!this.#has(write)) this.#keep(write);
  }

  #keep(write: OwnWrite): void {
    this.#droppedFor = EMPTY_VECTOR;
    this.#writes.push(write);
    this.#bytes += bytesOf(write);
    if (this.#index !== undefined) enter(this.#index, write);
    else if (this.#writes.length > LOOKED_THROUGH_MAX) this.#index = indexOf(this.#writes);
  }

  #has({ replica, counter }: OwnWrite): boolean {
    for (let index = this.#writes.length - 1; index >= 0; index--) {
      const known = this.#writes[index];
      if (known.replica === replica && known.counter === counter) return true;
    }
    return false;
  }

  /**
   * Drops the writes that are within `applied`: they are closed there, so their whole vector is (I2). `link` knows of which replicas that
   * have left everything is shown without being named any more.
   */
  drop(applied: Vector, link: Settled | undefined): void {
    if (this.#writes.length === 0 || this.#droppedFor === applied) return;
    if (link !== undefined) this.#droppedFor = applied;
    this.#keepOnly(
      (write) =>
        counterOf(applied, write.replica) < write.counter && (link === undefined || !link.hasSettled(write.replica) || this.#lost?.has(write) === true),
    );
  }

  // Writes that died with their nodes (design section 7).

  /** Takes note of final counters: what lies beyond them is to be made again, and the other writes need not follow it. */
  lose(finals: ReadonlyMap<number, number>): void {
    const { replicas, counters } = this.written;
    this.#written = vectorOf(replicas.map((replica, index) => [replica, Math.min(counters[index], finals.get(replica) ?? Infinity)]));
    this.#issued = EMPTY_VECTOR;
    this.madeAt = undefined;
    for (const write of this.#writes) if (write.counter > (finals.get(write.replica) ?? Infinity)) (this.#lost ??= new Set()).add(write);
  }

  /** The oldest write that is to be made again. */
  get firstLost(): OwnWrite | undefined {
    return this.#lost === undefined ? undefined : this.#writes.find((write) => this.#lost!.has(write));
  }

  /** It was made again. */
  remade(write: OwnWrite): void {
    this.#lost?.delete(write);
    this.#keepOnly((one) => one !== write);
  }

  /** What could not be made again is named as before, so that the next node says again that it is lost. */
  relapse(): void {
    for (const { replica, counter } of this.#lost ?? []) this.#written = raised(this.written, replica, counter);
    this.#lost = undefined;
  }

  #keepOnly(isKept: (write: OwnWrite) => boolean): void {
    const before = this.#writes;
    const kept = before.filter(isKept);
    if (kept.length === before.length) return;
    if (kept.length === 0) {
      this.#clear();
      return;
    }
    this.#writes = kept;
    this.#bytes = kept.reduce((sum, write) => sum + bytesOf(write), 0);
    this.#index = kept.length > LOOKED_THROUGH_MAX ? indexOf(kept) : undefined;
  }

  #clear(): void {
    this.#writes = [];
    this.#index = undefined;
    this.#bytes = 0;
    this.#written = EMPTY_VECTOR;
    this.#counter = 0;
    this.madeAt = undefined;
  }
}

function bytesOf({ changes }: OwnWrite): number {
  let bytes = 0;
  for (const { key, value } of changes) bytes += key.length + (value?.length ?? 0);
  return bytes;
}

function indexOf(writes: readonly OwnWrite[]): Map<string, OwnVersion> {
  const index = new Map<string, OwnVersion>();
  for (const write of writes) enter(index, write);
  return index;
}

function enter(index: Map<string, OwnVersion>, write: OwnWrite): void {
  for (const change of write.changes) {
    const before = index.get(change.key);
    if (before === undefined || isNewer(write, before.write)) index.set(change.key, { write, change });
  }
}

function isNewer(write: OwnWrite, than: OwnWrite): boolean {
  return write.timestamp > than.timestamp || (write.timestamp === than.timestamp && write.replica > than.replica);
}
