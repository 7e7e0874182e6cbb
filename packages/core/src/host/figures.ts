// What a node counts for its operator beside its vectors. Nothing here is touched by an operation that is answered at once: a hit costs less
// than a look at the clock.

import type { MeshErrorCode } from "../errors.js";
import type { DurationName, DurationSummary } from "../mesh.js";

/** Upper bounds of the buckets, in milliseconds: the grain is that of the node's clock. */
export const DURATION_BOUNDS_MS: readonly number[] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];

export class Durations {
  /** One for each bound, and one for what is longer. Not cumulative. */
  readonly #counts = new Array<number>(DURATION_BOUNDS_MS.length + 1).fill(0);
  #sumMs = 0;

  observe(ms: number, times = 1): void {
    const bucket = DURATION_BOUNDS_MS.findIndex((bound) => ms <= bound);
    this.#counts[bucket < 0 ? DURATION_BOUNDS_MS.length : bucket] += times;
    this.#sumMs += Math.max(0, ms) * times;
  }

  summary(): DurationSummary {
    const counts = this.#counts.slice();
    return { boundsMs: DURATION_BOUNDS_MS, counts, sumMs: this.#sumMs };
  }
}

export class Figures {
  /** Requests that this node could not answer, since their session has seen more than it has received. */
  sessionWaits = 0;
  readonly #errors = new Map<MeshErrorCode, number>();
  readonly durations: Readonly<Record<DurationName, Durations>> = { write: new Durations(), load: new Durations(), flush: new Durations() };

  failed(code: MeshErrorCode): void {
    this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1);
  }

  get errors(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#errors);
  }
}
