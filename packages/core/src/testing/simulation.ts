// The simulated world: virtual time, one event after another, and a trace of what happened. Clocks, network and store are
// made of its events (simulated-*.ts); it knows nothing of them.

import type { Timer } from "../clock.js";
import { EventQueue, type SimulatedEvent } from "./event-queue.js";
import { SeededRandom } from "./random.js";

/**
 * Resolves when every promise reaction that is due has run. The core has no platform to ask for that, so the runner hands
 * it in: on Node.js `() => new Promise((resolve) => process.nextTick(resolve))`, which the runtime calls only when the queue
 * of reactions is empty. (A fixed number of awaited turns would be too few for some chain of promises, one day.)
 */
export type Settle = () => Promise<void>;

/** Ends a run that would not end by itself: no run of the simulator comes near it. */
const EVENTS_MAX = 2_000_000;

/** A run that cannot go on: nothing is scheduled and something is still waited for, or events never end. */
export class SimulationStalled extends Error {
  constructor(message: string) {
    super(message);
    this.name = "SimulationStalled";
  }
}

export class Simulation {
  readonly random: SeededRandom;
  /** Lines of what happened, if `traced`. */
  readonly trace: string[] = [];
  readonly traced: boolean;
  /** Events handled so far. */
  events = 0;
  #time = 0;
  #sequence = 0;
  readonly #queue = new EventQueue();
  readonly #settle: Settle;
  readonly #eventsMax: number;

  /** `eventsMax`: for worlds in which more happens than in those of the simulator. */
  constructor(seed: number, settle: Settle, traced = false, eventsMax = EVENTS_MAX) {
    this.random = new SeededRandom(seed);
    this.#settle = settle;
    this.traced = traced;
    this.#eventsMax = eventsMax;
  }

  /** Virtual milliseconds since the world began. */
  get time(): number {
    return this.#time;
  }

  /** Calls `task` at `delayMs` from now, after everything that is scheduled for the same moment already. `_label` says what would happen. */
  schedule(delayMs: number, task: () => void, _label?: () => string): Timer {
    const event: SimulatedEvent = { time: this.#time + Math.max(0, delayMs), sequence: this.#sequence++, task };
    this.#queue.push(event);
    return {
      cancel: () => {
        event.task = undefined;
      },
    };
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.schedule(ms, resolve));
  }

  /** Notes a line with the time. The line is a function, so that untraced runs do not pay for it. */
  note(line: () => string): void {
    if (this.traced) this.trace.push(`${this.#time.toFixed(3).padStart(10)}  ${line()}`);
  }

  /** Runs events, and after each everything that its promises set off, until `outcome` settles; then settles likewise. */
  async run<Outcome>(outcome: Promise<Outcome>): Promise<Outcome> {
    let settled = false;
    const watched = outcome.finally(() => {
      settled = true;
    });
    // Whoever awaits `watched` below gets the rejection; until then it must not count as unhandled.
    watched.catch(() => {});
    await this.#settle();
    while (!settled) {
      this.#step();
      await this.#settle();
    }
    return watched;
  }

  #step(): void {
    let event = this.#queue.pop();
    while (event !== undefined && event.task === undefined) event = this.#queue.pop();
    if (event === undefined) throw new SimulationStalled(`nothing is left to happen at ${this.#time} ms, and the run has not ended`);
    if (++this.events > this.#eventsMax) throw new SimulationStalled(`${this.#eventsMax} events have happened and the run has not ended`);
    this.#time = event.time;
    event.task!();
  }
}
