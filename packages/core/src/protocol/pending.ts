// Pending writes: received and not yet applied, per origin in counter order. What may be applied when is the node's business.

import { Queue } from "./queue.js";
import type { Segment } from "./segment.js";

export class Pending {
  /** Writes in all segments, the applied ones of a segment that is partly applied left out. */
  writes = 0;
  #origins: readonly Queue<Segment>[];

  constructor(slots: number) {
    this.#origins = Array.from({ length: slots }, () => new Queue<Segment>());
  }

  /** Moves to the slots of another ring: `before` gives the slot that each had, or -1. */
  reslot(before: readonly number[]): void {
    this.#origins = before.map((slot) => (slot < 0 ? new Queue<Segment>() : this.#origins[slot]));
  }

  append(segment: Segment): void {
    this.#origins[segment.origin].push(segment);
    this.writes += segment.last - segment.cursor.counter + 1;
  }

  /** Of all that is pending, the segment with the oldest writes. */
  oldest(): Segment | undefined {
    let oldest: Segment | undefined;
    for (const queue of this.#origins) {
      const head = queue.peek();
      if (head !== undefined && (oldest === undefined || head.newest < oldest.newest)) oldest = head;
    }
    return oldest;
  }

  /** The oldest segment of an origin that is not applied to its end. */
  head(origin: number): Segment | undefined {
    return this.#origins[origin].peek();
  }

  /** Says that so many more writes of the head have been applied, and whether they were its last. */
  applied(origin: number, writes: number, isEnd: boolean): void {
    this.writes -= writes;
    if (isEnd) this.#origins[origin].shift();
  }

  /** The segment of one pending write; undefined where it is not pending. */
  segmentOf(origin: number, counter: number): Segment | undefined {
    const queue = this.#origins[origin];
    for (let sequence = queue.base; sequence < queue.end; sequence++) {
      const segment = queue.at(sequence)!;
      if (segment.last >= counter) return segment;
    }
    return undefined;
  }

  /** The vector of one pending write by slot, its own entry included; undefined where it is not pending. */
  vectorOf(origin: number, counter: number): number[] | undefined {
    const vector = this.segmentOf(origin, counter)?.vector.slice();
    if (vector !== undefined) vector[origin] = counter;
    return vector;
  }

  /** Whether all pending writes within `wanted` find what they follow, there or in `applied`. */
  isClosed(wanted: readonly number[], applied: readonly number[]): boolean {
    return this.#origins.every((queue, origin) => {
      for (let sequence = queue.base; sequence < queue.end; sequence++) {
        const { first, vector } = queue.at(sequence)!;
        if (first > wanted[origin]) break;
        if (vector.some((counter, index) => counter > wanted[index] && counter > applied[index])) return false;
      }
      return true;
    });
  }
}
