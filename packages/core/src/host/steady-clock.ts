// The wall clock without its jumps: timestamps of a clock that was set hours ahead would win every conflict for hours, and a node whose clock
// was set back would take everybody else's for wrong.

import type { Clock } from "../clock.js";
import { CLOCK_JUMP_MS_MAX } from "../limits.js";

export class SteadyClock {
  readonly #clock: Clock;
  readonly #jumped: (ms: number) => void;
  /** How far the wall clock is ahead of the monotonic one, its jumps left out. */
  #offsetMs: number;
  /** The jump that was reported last. */
  #jumpMs = 0;

  constructor(clock: Clock, jumped: (ms: number) => void) {
    this.#clock = clock;
    this.#jumped = jumped;
    this.#offsetMs = clock.now() - clock.monotonic();
  }

  /** Tells `tick` the time by which this node goes, and the wall clock's. */
  read(tick: (nowMs: number, wallMs: number) => void): void {
    const wallMs = this.#clock.now();
    const monotonicMs = this.#clock.monotonic();
    const offMs = wallMs - monotonicMs - this.#offsetMs;
    if (Math.abs(offMs) <= CLOCK_JUMP_MS_MAX) {
      this.#offsetMs += offMs;
      tick(wallMs, wallMs);
      return;
    }
    tick(monotonicMs + this.#offsetMs, wallMs);
    if (Math.abs(offMs - this.#jumpMs) <= CLOCK_JUMP_MS_MAX) return;
    this.#jumpMs = offMs;
    this.#jumped(offMs);
  }
}
