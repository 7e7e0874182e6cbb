// The calls of one node to its store: bounded in time, timed, and watched, so that an operator is told once that the store fails, and once that
// it is back.

import type { Clock } from "../clock.js";
import { MeshError } from "../errors.js";
import { STORE_TIMEOUT_MS_DEFAULT } from "../limits.js";
import type { NodeEvent } from "../mesh.js";
import type { Figures } from "./figures.js";

/** Failures that say nothing about the store. */
const NOT_THE_STORES: ReadonlySet<string> = new Set(["NODE_BEHIND", "CLOSED", "ABORTED"]);

/** What a loader (read-through) is asked; it is bounded in time as the store is, and is not the store. */
const LOADERS = "load";

export interface StoreCallsOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly figures: Figures;
  readonly onEvent: (event: NodeEvent) => void;
}

export class StoreCalls {
  readonly #options: StoreCallsOptions;
  /** A store may well be read and take no writes. One that takes writes is well. */
  #takesNoWrites = false;
  #isUnreadable = false;
  #failingSince = 0;

  constructor(options: StoreCallsOptions) {
    this.#options = options;
  }

  /** Whether it does not do what it is asked, as far as the last calls have shown. */
  get isFailing(): boolean {
    return this.#takesNoWrites || this.#isUnreadable;
  }

  /** Bounds a call in time. `what` is what the store was to do, as a message says it. */
  async limited<Value>(call: Promise<Value>, what: string): Promise<Value> {
    const { clock, figures } = this.#options;
    const begin = clock.monotonic();
    try {
      const value = await this.#bounded(call, what);
      this.#succeeded(what);
      return value;
    } catch (error) {
      this.#failed(what, error);
      throw error;
    } finally {
      const ms = clock.monotonic() - begin;
      if (what === "read") figures.durations.load.observe(ms);
      else if (what === "flush") figures.durations.flush.observe(ms);
    }
  }

  #bounded<Value>(call: Promise<Value>, what: string): Promise<Value> {
    const { clock, name } = this.#options;
    return new Promise<Value>((resolve, reject) => {
      const timer = clock.after(STORE_TIMEOUT_MS_DEFAULT, () =>
        reject(new MeshError("STORE_UNAVAILABLE", `${name} did not ${what} within ${STORE_TIMEOUT_MS_DEFAULT} ms; check that it runs`)),
      );
      call.then(
        (value) => {
          timer.cancel();
          resolve(value);
        },
        (error: unknown) => {
          timer.cancel();
          reject(error as Error);
        },
      );
    });
  }

  #succeeded(what: string): void {
    if (what === LOADERS) return;
    if (!this.isFailing) return;
    this.#isUnreadable = false;
    if (what === "flush") this.#takesNoWrites = false;
    if (this.isFailing) return;
    this.#options.onEvent({ type: "store-recovered", afterMs: Math.round(this.#options.clock.monotonic() - this.#failingSince) });
  }

  #failed(what: string, error: unknown): void {
    if (what === LOADERS || (error instanceof MeshError && NOT_THE_STORES.has(error.code))) return;
    const isFirst = !this.isFailing;
    if (what === "flush") this.#takesNoWrites = true;
    else this.#isUnreadable = true;
    if (!isFirst) return;
    this.#failingSince = this.#options.clock.monotonic();
    this.#options.onEvent({ type: "store-failing", what, error: error instanceof Error ? error : new Error(String(error)) });
  }
}
