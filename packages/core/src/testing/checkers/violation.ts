// What a checker reports.

import type { Causality } from "../causality.js";
import type { History } from "../history.js";

export interface Violation {
  /** The promise that was broken, by its name. */
  readonly rule: string;
  readonly message: string;
  /** The operations that show it, by number. */
  readonly operations: readonly number[];
}

/** Judges a finished run. Checkers stand outside the nodes: they get the history and the ground truth, and nothing else. */
export type Checker = (history: History, truth: Causality) => Violation[];
