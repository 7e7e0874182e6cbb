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

/** One run of a program, which may be killed: nothing that it has scheduled happens then. */
export interface Life {
  alive: boolean;
}

export class SimulatedClock implements Clock {
  readonly #simulation: Simulation;
  readonly #life: Life;
  readonly #drift: number;
  #offsetMs: number;

  constructor(simulation: Simulation, options: SimulatedClockOptions, life: Life = { alive: true }) {
    this.#simulation = simulation;
    this.#life = life;
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
    return this.#simulation.schedule(ms, () => this.#run(task));
  }

  soon(task: () => void): void {
    this.#simulation.schedule(0, () => this.#run(task));
  }

  defer(task: () => void): void {
    this.#simulation.schedule(0, () => this.#run(task));
  }

  #run(task: () => void): void {
    if (this.#life.alive) task();
  }

  /** Sets the wall clock forward, or back by a negative amount. */
  jump(ms: number): void {
    this.#offsetMs += ms;
  }
}
