// The log: segments in the order in which this node made or received them, kept until they are applied, common and flushed.
// It is what a link sends from, at first and again after a reconnect, so nothing that has to be forwarded waits anywhere else.

import { Queue } from "./queue.js";
import type { Segment } from "./segment.js";

export class Log {
  readonly #segments = new Queue<Segment>();
  /** Bytes of all segments, and the writes in them. */
  bytes = 0;
  writes = 0;
  /** Bytes of the segments of each origin, by slot. */
  bytesOf: number[];
  /** Segments from this sequence number on are kept, whatever else: a newcomer has still to get them. */
  keptFrom = Infinity;

  constructor(slots: number) {
    this.bytesOf = new Array<number>(slots).fill(0);
  }

  get length(): number {
    return this.#segments.length;
  }

  /** Sequence number of the oldest segment, and the one that the next segment gets. */
  get start(): number {
    return this.#segments.base;
  }

  get end(): number {
    return this.#segments.end;
  }

  append(segment: Segment): void {
    this.#segments.push(segment);
    this.bytes += segment.bytes.length;
    this.writes += segment.last - segment.first + 1;
    this.bytesOf[segment.origin] += segment.bytes.length;
  }

  /** The segment with this sequence number; undefined where there is none yet or no more. */
  at(sequence: number): Segment | undefined {
    return this.#segments.at(sequence);
  }

  /** Every segment, from the oldest. */
  *segments(): Generator<Segment> {
    for (let sequence = this.start; sequence < this.end; sequence++) yield this.#segments.at(sequence)!;
  }

  /** Follows the segments into the slots of another ring. */
  reslot(slots: number): void {
    this.bytesOf = new Array<number>(slots).fill(0);
    for (const { origin, bytes } of this.segments()) if (origin >= 0) this.bytesOf[origin] += bytes.length;
  }

  /** Lets go of the oldest segments for which this holds, up to the first for which it does not. */
  prune(done: (segment: Segment) => boolean): void {
    for (let head = this.#segments.peek(); head !== undefined && this.start < this.keptFrom && done(head); head = this.#segments.peek()) {
      this.#segments.shift();
      this.bytes -= head.bytes.length;
      this.writes -= head.last - head.first + 1;
      if (head.origin >= 0) this.bytesOf[head.origin] -= head.bytes.length;
    }
  }
}
