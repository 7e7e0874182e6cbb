// Writes that are not answered yet, because their durability level has not been reached (design section 8). Own counters are
// reached in order at each level, so that each level is one queue.

import { timestampMs } from "../protocol/hybrid-clock.js";
import { Queue } from "../protocol/queue.js";
import type { Durations } from "./figures.js";

/** Levels that a write can wait for; `memory` needs no waiting. */
export const enum Level {
  Replicated = 1,
  Everywhere = 2,
  Stored = 3,
}

/** Whom the answer goes to. */
export interface Writer {
  /** Answers outside of the chunk that asked. */
  writtenLater(id: number, counter: number, timestamp: number): void;
}

interface Waiting {
  readonly writer: Writer;
  readonly id: number;
  readonly counter: number;
  readonly timestamp: number;
}

interface Condition {
  readonly holds: () => boolean;
  readonly answer: () => void;
}

export class Waiters {
  readonly #queues = [new Queue<Waiting>(), new Queue<Waiting>(), new Queue<Waiting>(), new Queue<Waiting>()];

  #conditions: Condition[] = [];

  get length(): number {
    return this.#queues.reduce((sum, queue) => sum + queue.length, this.#conditions.length);
  }

  add(level: Level, writer: Writer, id: number, counter: number, timestamp: number): void {
    this.#queues[level].push({ writer, id, counter, timestamp });
  }

  /** For what is no write of this node's own: answers when the condition holds, which is looked at with every step. */
  until(holds: () => boolean, answer: () => void): void {
    this.#conditions.push({ holds, answer });
  }

  /** Looks at the conditions. */
  look(): void {
    if (this.#conditions.length === 0) return;
    const met = this.#conditions.filter(({ holds }) => holds());
    this.#conditions = this.#conditions.filter((condition) => !met.includes(condition));
    for (const { answer } of met) answer();
  }

  /**
   * Answers all writes up to this counter that wait for the level. They count with the time that the oldest of them has waited: one look at the clock
   * for all that are answered together.
   */
  reached(level: Level, counter: number, nowMs: number, durations: Durations): void {
    const queue = this.#queues[level];
    const oldest = queue.peek();
    if (oldest === undefined || oldest.counter > counter) return;
    const before = queue.length;
    for (let head = queue.peek(); head !== undefined && head.counter <= counter; head = queue.peek()) {
      queue.shift();
      head.writer.writtenLater(head.id, head.counter, head.timestamp);
    }
    durations.observe(nowMs - timestampMs(oldest.timestamp), before - queue.length);
  }
}
