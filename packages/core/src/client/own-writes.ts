// The session's own writes that the node where it goes on may not show yet (design section 4): their values, which reads are
// compared with, and WV, which the session's next writes follow.

import { timestampMs } from "../protocol/hybrid-clock.js";
import { counterOf, EMPTY_VECTOR, join, type Vector } from "../protocol/vector.js";
import { MeshError } from "../errors.js";
import { OWN_WRITES_BYTES_MAX } from "../limits.js";
import type { Change } from "./call.js";
import type { OwnChange, OwnWrite } from "./context.js";

/** The newest own change of a key, with its write. */
export interface OwnVersion {
  readonly write: OwnWrite;
  readonly change: OwnChange;
}

export class OwnWrites {
  /** WV: the join of the vectors of the writes below. */
  written: Vector = EMPTY_VECTOR;
  #writes: OwnWrite[] = [];
  readonly #newest = new Map<string, OwnVersion>();
  #bytes = 0;
  /** The applied vector for which writes were dropped last. */
  #droppedFor: Vector = EMPTY_VECTOR;

  get isEmpty(): boolean {
    return this.#writes.length === 0;
  }

  get writes(): readonly OwnWrite[] {
    return this.#writes;
  }

  newest(key: string): OwnVersion | undefined {
    return this.#newest.get(key);
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

  /** Notes a write that was answered; `vector` is what it follows, its own dot included. */
  add(replica: number, counter: number, timestamp: number, changes: readonly Change[], vector: Vector): void {
    const at = timestampMs(timestamp);
    this.restore(
      {
        replica,
        counter,
        timestamp,
        changes: changes.map(({ key, value, ttlMs }) => ({ key, value, expiresAt: ttlMs > 0 ? at + ttlMs : 0 })),
      },
      vector,
    );
  }

  /** Notes a write that came with a token or another session. */
  restore(write: OwnWrite, vector: Vector): void {
    this.written = join(this.written, vector);
    if (this.#has(write)) return;
    this.#writes.push(write);
    for (const change of write.changes) {
      this.#bytes += change.key.length + (change.value?.length ?? 0);
      const before = this.#newest.get(change.key);
      if (before === undefined || isNewer(write, before.write)) this.#newest.set(change.key, { write, change });
    }
  }

  #has({ replica, counter }: OwnWrite): boolean {
    for (let index = this.#writes.length - 1; index >= 0; index--) {
      const known = this.#writes[index];
      if (known.replica === replica && known.counter === counter) return true;
    }
    return false;
  }

  /** Drops the writes that are within `applied`: they are closed there, so their whole vector is (I2). */
  drop(applied: Vector): void {
    if (this.#writes.length === 0 || this.#droppedFor === applied) return;
    this.#droppedFor = applied;
    if (this.#writes.every(({ replica, counter }) => counterOf(applied, replica) >= counter)) {
      this.#clear();
      return;
    }
    const kept = this.#writes.filter(({ replica, counter }) => counterOf(applied, replica) < counter);
    if (kept.length === this.#writes.length) return;
    const writes = this.#writes.filter((write) => !kept.includes(write));
    this.#writes = kept;
    for (const write of writes) this.#forget(write);
  }

  #clear(): void {
    this.#writes = [];
    this.#newest.clear();
    this.#bytes = 0;
    this.written = EMPTY_VECTOR;
  }

  #forget(write: OwnWrite): void {
    for (const change of write.changes) {
      this.#bytes -= change.key.length + (change.value?.length ?? 0);
      if (this.#newest.get(change.key)?.write === write) this.#newest.delete(change.key);
    }
  }
}

function isNewer(write: OwnWrite, than: OwnWrite): boolean {
  return write.timestamp > than.timestamp || (write.timestamp === than.timestamp && write.replica > than.replica);
}
