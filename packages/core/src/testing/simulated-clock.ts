// One participant's clock in a simulated world. Wall clocks differ and drift and jump, as real ones do; what they may never
// do is decide correctness. The monotonic clock is the world's time.

import type { Clock, Timer } from "../clock.js";
import type { Simulation } from "./simulation.js";

export interface SimulatedClockOptions {
  /** Milliseconds by which `now` is ahead of the world's time, at first. */
  readonly offsetMs: number;
  /** Milliseconds that the wall clock gains in each of the world's; 0.001 is a bad quartz. */
  readonly drift: number;
}

/** 2026-01-01T00:00:00Z: when simulated worlds begin. */
export const WORLD_BEGINS_MS = 1_767_225_600_000;

export class SimulatedClock implements Clock {
  readonly #simulation: Simulation;
  readonly #drift: number;
  #offsetMs: number;

  constructor(simulation: Simulation, options: SimulatedClockOptions) {
    this.#simulation = simulation;
    this.#offsetMs = options.offsetMs;
    this.#drift = options.drift;
  }

  now(): number {
    const elapsed = this.#simulation.time * (1 + this.#drift);
    return Math.floor(WORLD_BEGINS_MS + this.#offsetMs + elapsed);
  }

  monotonic(): number {
    return this.#simulation.time;
  }

  after(ms: number, task: () => void): Timer {
    return this.#simulation.schedule(ms, task);
  }

  soon(task: () => void): void {
    this.#simulation.schedule(0, task);
  }

  defer(task: () => void): void {
    this.#simulation.schedule(0, task);
  }

  /** Sets the wall clock forward, or back by a negative amount. */
  jump(ms: number): void {
    this.#offsetMs += ms;
  }
}
