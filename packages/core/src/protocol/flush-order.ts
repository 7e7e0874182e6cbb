// The order in which this node applied writes, cut where it was causally closed: what is flushed, and what is not yet.
//
// The first member of the ring flushes for all, in its own order of application; the others keep theirs, so that any of them can
// take over. A prefix of that order up to a cut is closed (I2), so the store never shows an effect without its cause (I6).
// The alternative, each origin flushing its own writes once the rest of their vector is flushed, was given up: under mixed load
// every write depends on the newest of the other origins, so the flushers wait for each other and a batch shrinks to a few rows.

import { decodeUtf8 } from "../bytes/utf8.js";
import { FLUSH_BYTES_MAX, FLUSH_ROWS_MAX } from "../limits.js";
import type { FlushedCounters, Row } from "../store.js";
import { staysInRing } from "./own-keys.js";
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
  applied: readonly number[];
}

/** One call of the store's `apply`. */
export interface FlushBatch {
  /** The winner per key among the writes of the batch. */
  readonly rows: readonly Row[];
  /** What is flushed when the call has succeeded. */
  readonly flushed: FlushedCounters;
}

export class FlushOrder {
  #ring: Ring;
  readonly #runs = new Queue<Run>();
  readonly #cuts = new Queue<Cut>();
  #collector: WinnerCollector | undefined;
  /** Sequence number of the cut behind the batch that was given last. */
  #batchEnd = 0;

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
    const collector = this.#collect(this.#cuts.base);
    this.#batchEnd = collector.end;
    const { rows, applied } = collector;
    if (applied === undefined) return undefined;
    const { replicas, counters } = this.#ring.vector(applied);
    return { rows: [...rows.values()], flushed: replicas.map((replica, index) => [replica, counters[index]] as const) };
  }

  /** Collects ahead what `batch` gives once the one that it gave last is flushed, so that the store need not wait for it. */
  prepare(): void {
    this.#collect(Math.max(this.#cuts.base, this.#batchEnd));
  }

  /** What was collected from this cut on, and what has come since. */
  #collect(start: number): WinnerCollector {
    if (this.#collector?.start !== start) this.#collector = new WinnerCollector(start);
    const collector = this.#collector;
    while (collector.end < this.#cuts.end && !collector.isFull) {
      const { runsEnd, applied } = this.#cuts.at(collector.end)!;
      const from = collector.end === this.#cuts.base ? this.#runs.base : this.#cuts.at(collector.end - 1)!.runsEnd;
      for (let run = from; run < runsEnd; run++) collector.collect(this.#runs.at(run)!);
      collector.endCut(applied);
    }
    return collector;
  }

  /** The segments of which something is to be flushed. */
  *segments(): Generator<Segment> {
    for (let run = this.#runs.base; run < this.#runs.end; run++) yield this.#runs.at(run)!.segment;
  }

  /** Moves to the slots of another ring. */
  reslot(ring: Ring): void {
    for (let sequence = this.#cuts.base; sequence < this.#cuts.end; sequence++) {
      const cut = this.#cuts.at(sequence)!;
      cut.applied = ring.carry(cut.applied, this.#ring);
    }
    this.#ring = ring;
    this.#collector = undefined;
  }

  /** Lets go of what is flushed now. */
  flushed(flushed: readonly number[]): void {
    for (let cut = this.#cuts.peek(); cut !== undefined && within(cut.applied, flushed); cut = this.#cuts.peek()) {
      while (this.#runs.base < cut.runsEnd) this.#runs.shift();
      this.#cuts.shift();
    }
  }
}

/** Turns the runs of successive cuts into rows, the winner per key. */
class WinnerCollector implements ChangeVisitor {
  /** Sequence numbers of the first cut and of the one behind the last. */
  readonly start: number;
  end: number;
  readonly rows = new Map<string, Row>();
  /** What is flushed with them; undefined where nothing was collected. */
  applied: readonly number[] | undefined;
  #bytes = 0;
  #replica = 0;

  constructor(start: number) {
    this.start = start;
    this.end = start;
  }

  get isFull(): boolean {
    return this.rows.size >= FLUSH_ROWS_MAX || this.#bytes >= FLUSH_BYTES_MAX;
  }

  /** The runs of one more cut are collected. */
  endCut(applied: readonly number[]): void {
    this.applied = applied;
    this.end += 1;
  }

  collect(run: Run): void {
    this.#replica = run.segment.replica;
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
    if (staysInRing(bytes, keyAt, keyLength)) return;
    const key = decodeUtf8(bytes, keyAt, keyAt + keyLength);
    const before = this.rows.get(key);
    if (before !== undefined && (before.timestamp > timestamp || (before.timestamp === timestamp && before.replica >= this.#replica))) return;
    // The value is not copied: segments never change, and the store gives the bytes back when its promise settles.
    const value = (flags & CHANGE_DELETES) !== 0 ? null : bytes.subarray(valueAt, valueAt + valueLength);
    this.rows.set(key, { key, value, timestamp, replica: this.#replica, counter, expiresAt });
    this.#bytes += keyLength + valueLength;
  }
}
