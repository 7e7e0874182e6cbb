// A simulated world without time: whatever may happen next, may. Events on their way are told apart by what they would do, so that a world can be
// compared with another, and a chooser says which of them happens.

import type { Clock, Timer } from "../clock.js";
import { Simulation, SimulationStalled, type Settle } from "./simulation.js";
import { WORLD_BEGINS_MS } from "./simulated-clock.js";

/** An event that may happen next. */
interface Enabled {
  readonly task: () => void;
  /** What would happen; differs wherever the event does. */
  readonly label: () => string;
}

/** Timers up to here only put work off until later in the same moment; longer ones watch over what does not happen here. */
const SHORT_MS = 20;

export class ExploredSimulation extends Simulation {
  readonly #settles: Settle;
  /** Whether an event was scheduled that nobody can tell from another one: worlds that differ may have looked the same since. */
  hasNameless = false;
  #enabled: Enabled[] = [];
  #deferred: (() => void)[] = [];

  constructor(settle: Settle) {
    super(1, settle);
    this.#settles = settle;
  }

  /** What takes no time happens at once; everything else may happen whenever it likes. */
  override schedule(delayMs: number, task: () => void, label?: () => string): Timer {
    if (delayMs === 0) {
      this.#deferred.push(task);
      return { cancel: () => (this.#deferred = this.#deferred.filter((one) => one !== task)) };
    }
    if (label === undefined) this.hasNameless = true;
    const event = { task, label: label ?? ((): string => "something") };
    this.#enabled.push(event);
    return { cancel: () => (this.#enabled = this.#enabled.filter((one) => one !== event)) };
  }

  get enabled(): number {
    return this.#enabled.length;
  }

  /** What may happen next, in an order that does not depend on how the world came here. */
  labels(): string[] {
    return this.#enabled.map(({ label }) => label()).sort();
  }

  /** Lets one of the enabled events happen, counted in the order of `labels`, and everything that follows from it at once. Returns its label. */
  async happen(choice: number): Promise<string> {
    const ordered = this.#enabled.map((event) => ({ event, label: event.label() })).sort((a, b) => (a.label < b.label ? -1 : a.label > b.label ? 1 : 0));
    const { event, label } = ordered[choice];
    await this.#happen(event);
    return label;
  }

  /** Lets the event happen that was scheduled first among those with such a label. False: there is none. */
  async happenFirst(isMeant: (label: string) => boolean): Promise<boolean> {
    const event = this.#enabled.find(({ label }) => isMeant(label()));
    if (event === undefined) return false;
    await this.#happen(event);
    return true;
  }

  /** The outcome of what takes no time. Throws SimulationStalled where it waits for an event. */
  async atOnce<Outcome>(outcome: Promise<Outcome>): Promise<Outcome> {
    let isSettled = false;
    const watched = outcome.finally(() => (isSettled = true));
    watched.catch(() => {});
    await this.#come();
    if (!isSettled) throw new SimulationStalled(`this waits for one of ${JSON.stringify(this.labels())}`);
    return watched;
  }

  async #happen(event: Enabled): Promise<void> {
    this.#enabled = this.#enabled.filter((one) => one !== event);
    event.task();
    await this.#come();
  }

  async #come(): Promise<void> {
    await this.#settles();
    for (let task = this.#deferred.shift(); task !== undefined; task = this.#deferred.shift()) {
      task();
      await this.#settles();
    }
  }

  /** One after another in the order of scheduling, until the outcome is there. */
  override async run<Outcome>(outcome: Promise<Outcome>): Promise<Outcome> {
    let isSettled = false;
    const watched = outcome.finally(() => (isSettled = true));
    watched.catch(() => {});
    await this.#come();
    while (!isSettled) {
      if (this.#enabled.length === 0) throw new SimulationStalled("nothing is left to happen, and the run has not ended");
      await this.#happen(this.#enabled[0]);
    }
    return watched;
  }

  /** Lets everything happen that is on its way, in the order of scheduling. */
  async rest(): Promise<void> {
    await this.#come();
    while (this.#enabled.length > 0) await this.#happen(this.#enabled[0]);
  }

  /** A clock that stands still. */
  clock(): Clock {
    return {
      now: () => WORLD_BEGINS_MS,
      monotonic: () => 0,
      after: (ms, task) => (ms <= SHORT_MS ? this.schedule(ms, task, () => `a timer of ${ms} ms`) : { cancel: () => undefined }),
      soon: (task) => void this.#deferred.push(task),
      defer: (task) => void this.#deferred.push(task),
    };
  }
}
