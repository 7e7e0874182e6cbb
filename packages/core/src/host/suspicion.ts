// How long a neighbour may be silent before it is suspected: as long as its silences so far make it likely, between two bounds. The idea is
// that of accrual failure detectors; the estimator is that of TCP's retransmission timer, which needs two numbers.

import { HEARTBEAT_MS, SUSPECT_MS_MAX, SUSPECT_MS_MIN, TAKE_OVER_MS } from "../limits.js";

export interface SuspicionBounds {
  readonly suspectMsMin: number;
  readonly suspectMsMax: number;
  /** Time in which a newcomer reaches nobody at all before it begins the mesh anew from its store: whatever others have beyond that is lost then. */
  readonly takeOverMs: number;
}

export const SUSPICION_DEFAULT: SuspicionBounds = { suspectMsMin: SUSPECT_MS_MIN, suspectMsMax: SUSPECT_MS_MAX, takeOverMs: TAKE_OVER_MS };

/** Deviations from the mean gap that are borne. */
const DEVIATIONS = 8;

export class Suspicion {
  readonly #bounds: SuspicionBounds;
  #heardAt: number;
  #gapMs = HEARTBEAT_MS;
  #deviationMs = HEARTBEAT_MS / 2;

  constructor(bounds: SuspicionBounds, now: number) {
    this.#bounds = bounds;
    this.#heardAt = now;
  }

  heard(now: number): void {
    const gapMs = now - this.#heardAt;
    this.#heardAt = now;
    this.#deviationMs += (Math.abs(gapMs - this.#gapMs) - this.#deviationMs) / 4;
    this.#gapMs += (gapMs - this.#gapMs) / 8;
  }

  /** Begins to wait anew, for somebody else or because this process did not run itself. */
  reset(now: number): void {
    this.#heardAt = now;
  }

  get limitMs(): number {
    const { suspectMsMin, suspectMsMax } = this.#bounds;
    return Math.min(suspectMsMax, Math.max(suspectMsMin, this.#gapMs + DEVIATIONS * this.#deviationMs));
  }

  suspects(now: number): boolean {
    return now - this.#heardAt > this.limitMs;
  }
}
