// Judges lines as they come, with bounded memory: a window of the newest operations goes to the checker, the older half of it is forgotten when all was right, and all of it when
// something was not. Whatever is judged is a part of what happened, so a verdict against it is one against the whole: this file owns the window, window.ts what a part is.

import { checkHistory, checkLine, storyOf, type HistoryLine, type Story } from "@causalmesh/checker";
import { MeshError } from "@causalmesh/core";
import { historyOf, partialHistory, sizeOf } from "./window.js";

/** Operations of a window: the checker takes some tenths of a second for them, and a few tens of megabytes. */
export const WINDOW_OPERATIONS_DEFAULT = 20_000;
const WINDOW_OPERATIONS_MIN = 100;

export interface MonitorOptions {
  /** What is kept at most: operations, and one for each session that a session goes on from. Default 20 000, at least 100. */
  readonly windowOperations?: number;
  /**
   * Whether it is known that no key of the mesh is ever deleted, expires or comes from a loader. Then a read that found no write where the session's past has one is a violation
   * too; otherwise nothing is concluded from such reads.
   */
  readonly nothingVanishes?: boolean;
  /** Takes what is wrong, when a window is judged. */
  readonly onFinding: (finding: Finding) => void;
}

/** Something that was told to sessions and may not have been. */
export interface Finding {
  readonly story: Story;
  /** What was judged; a history on its own, in which the same is found again. */
  readonly lines: readonly HistoryLine[];
}

export interface MonitorNumbers {
  /** Operations that were judged, each counted once. */
  readonly judged: number;
  /** Operations of lines that were too long for the window. */
  readonly dropped: number;
  /** What is in the window: operations, and one for each session that a session goes on from. */
  readonly kept: number;
  readonly windows: number;
  /** By anomaly. */
  readonly violations: Readonly<Record<string, number>>;
}

/** A judge of what goes on: `add` takes lines of histories, of as many programs as there are, those of one session in their order; what is wrong goes to `onFinding`. */
export class Monitor {
  readonly #operationsMax: number;
  readonly #nothingVanishes: boolean;
  readonly #onFinding: (finding: Finding) => void;
  #lines: HistoryLine[] = [];
  #kept = 0;
  /** Operations of those lines that have not been judged yet. */
  #unjudged = 0;
  #taken = 0;
  #judged = 0;
  #dropped = 0;
  #windows = 0;
  readonly #violations: Record<string, number> = {};

  /** Throws OPTION_INVALID. */
  constructor({ windowOperations = WINDOW_OPERATIONS_DEFAULT, nothingVanishes = false, onFinding }: MonitorOptions) {
    if (!Number.isSafeInteger(windowOperations) || windowOperations < WINDOW_OPERATIONS_MIN)
      throw new MeshError("OPTION_INVALID", `windowOperations is ${String(windowOperations)}; give a whole number from ${WINDOW_OPERATIONS_MIN} on`);
    this.#operationsMax = windowOperations;
    this.#nothingVanishes = nothingVanishes;
    this.#onFinding = onFinding;
  }

  get numbers(): MonitorNumbers {
    return { judged: this.#judged, dropped: this.#dropped, kept: this.#kept, windows: this.#windows, violations: { ...this.#violations } };
  }

  /** Takes a line of a history, and judges when the window is full. Throws VALUE_INVALID where it is none. */
  add(line: unknown): void {
    this.#taken += 1;
    const checked = checkLine(line, this.#taken);
    if ("history" in checked) return;
    const size = sizeOf(checked);
    const half = this.#operationsMax / 2;
    if (size > half) {
      this.#dropped += size;
      return;
    }
    if (this.#kept + size > this.#operationsMax) this.judge();
    this.#lines.push(checked);
    this.#kept += size;
    if ("ops" in checked) this.#unjudged += checked.ops.length;
  }

  /** Judges what the window has, unless nothing has come since the last time. */
  judge(): void {
    const findings = this.#unjudged > 0 ? this.#findings() : [];
    // What broke something would break it again with every window that has it.
    this.#forget(findings.length > 0 ? 0 : this.#operationsMax / 2);
    for (const finding of findings) {
      const { anomaly } = finding.story;
      this.#violations[anomaly] = (this.#violations[anomaly] ?? 0) + 1;
      this.#onFinding(finding);
    }
  }

  #findings(): Finding[] {
    const lines = partialHistory(this.#lines, this.#nothingVanishes);
    this.#windows += 1;
    this.#judged += this.#unjudged;
    this.#unjudged = 0;
    return checkHistory(historyOf(lines)).counterexamples.map((counterexample) => ({ story: storyOf(counterexample), lines }));
  }

  /** Forgets the oldest lines, until so many operations are left at most. */
  #forget(left: number): void {
    let forgotten = 0;
    while (this.#kept > left) this.#kept -= sizeOf(this.#lines[forgotten++]);
    this.#lines = this.#lines.slice(forgotten);
  }
}
