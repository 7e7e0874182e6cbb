// The order in which this node applied writes, cut where it was causally closed: what is flushed, and what is not yet.
//
// The first member of the ring flushes for all, in its own order of application; the others keep theirs, so that any of them can
// take over. A prefix of that order up to a cut is closed (I2), so the store never shows an effect without its cause (I6).
// The alternative, each origin flushing its own writes once the rest of their vector is flushed, was given up: under mixed load
// every write depends on the newest of the other origins, so the flushers wait for each other and a batch shrinks to a few rows.

import { decodeUtf8 } from "../bytes/utf8.js";
import { FLUSH_BYTES_MAX, FLUSH_ROWS_MAX } from "../limits.js";
import type { Row } from "../store.js";
import { Queue } from "./queue.js";
import { within, type Ring } from "./ring.js";
import { CHANGE_DELETES, walkSegment, type ChangeVisitor, type Segment, type SegmentCursor } from "./segment.js";

/** Writes of one segment that were applied together. */
interface Run {
  readonly segment: Segment;
  readonly from: SegmentCursor;
  /** Counter of the last of them. */
  readonly upTo: number;
}

/** A moment at which what had been applied was closed. */
interface Cut {
  /** Sequence number behind its last run. */
  readonly runsEnd: number;
  readonly applied: readonly number[];
}

/** One call of the store's `apply`. */
export interface FlushBatch {
  /** The winner per key among the writes of the batch. */
  readonly rows: readonly Row[];
  /** What is flushed when the call has succeeded, in ring order. */
  readonly applied: readonly number[];
}

export class FlushOrder {
  readonly #ring: Ring;
  readonly #runs = new Queue<Run>();
  readonly #cuts = new Queue<Cut>();

  constructor(ring: Ring) {
    this.#ring = ring;
  }

  get isEmpty(): boolean {
    return this.#cuts.length === 0;
  }

  /** Notes that writes were applied; `cut` follows when the step is done. */
  applied(segment: Segment, from: SegmentCursor, upTo: number): void {
    this.#runs.push({ segment, from, upTo });
  }

  cut(applied: readonly number[]): void {
    const last = this.#cuts.length === 0 ? this.#runs.base : this.#cuts.at(this.#cuts.end - 1)!.runsEnd;
    if (this.#runs.end > last) this.#cuts.push({ runsEnd: this.#runs.end, applied: applied.slice() });
  }

  /** The oldest cuts that fit into one batch, at least one; undefined where nothing is left. They stay until `flushed`. */
  batch(): FlushBatch | undefined {
    const collector = new WinnerCollector(this.#ring);
    let applied: readonly number[] | undefined;
    for (let sequence = this.#cuts.base; sequence < this.#cuts.end; sequence++) {
      const cut = this.#cuts.at(sequence)!;
      const from = sequence === this.#cuts.base ? this.#runs.base : this.#cuts.at(sequence - 1)!.runsEnd;
      for (let run = from; run < cut.runsEnd; run++) collector.collect(this.#runs.at(run)!);
      applied = cut.applied;
      if (collector.rows.size >= FLUSH_ROWS_MAX || collector.bytes >= FLUSH_BYTES_MAX) break;
    }
    return applied === undefined ? undefined : { rows: [...collector.rows.values()], applied };
  }

  /** Lets go of what is flushed now. */
  flushed(flushed: readonly number[]): void {
    for (let cut = this.#cuts.peek(); cut !== undefined && within(cut.applied, flushed); cut = this.#cuts.peek()) {
      while (this.#runs.base < cut.runsEnd) this.#runs.shift();
      this.#cuts.shift();
    }
  }
}

/** Turns runs into rows, the winner per key. */
class WinnerCollector implements ChangeVisitor {
  readonly rows = new Map<string, Row>();
  bytes = 0;
  readonly #ring: Ring;
  #replica = 0;

  constructor(ring: Ring) {
    this.#ring = ring;
  }

  collect(run: Run): void {
    this.#replica = this.#ring.replicas[run.segment.origin];
    walkSegment(run.segment, run.from, run.upTo, this);
  }

  change(
    bytes: Uint8Array,
    keyAt: number,
    keyLength: number,
    valueAt: number,
    valueLength: number,
    flags: number,
    timestamp: number,
    counter: number,
    expiresAt: number,
  ): void {
    const key = decodeUtf8(bytes, keyAt, keyAt + keyLength);
    const before = this.rows.get(key);
    if (before !== undefined && (before.timestamp > timestamp || (before.timestamp === timestamp && before.replica >= this.#replica))) return;
    // The value is not copied: segments never change, and the store gives the bytes back when its promise settles.
    const value = (flags & CHANGE_DELETES) !== 0 ? null : bytes.subarray(valueAt, valueAt + valueLength);
    this.rows.set(key, { key, value, timestamp, replica: this.#replica, counter, expiresAt });
    this.bytes += keyLength + valueLength;
  }
}
