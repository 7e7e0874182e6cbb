// The one call for users: a history in, a verdict out.

import { counterexamplesOf, type Counterexample } from "./counterexample.js";
import type { LocalAnomaly } from "./facts.js";
import type { History } from "./history.js";
import { judge, type Criterion } from "./judge.js";

export interface Verdict {
  /** Whether nothing is broken. */
  readonly ok: boolean;
  /** Whether each criterion holds; undefined where it could not be told, because information flows in a circle or too many reads are stale. */
  readonly holds: Readonly<Record<Criterion, boolean | undefined>>;
  /** One for each criterion that is broken, of the fewest operations. */
  readonly counterexamples: readonly Counterexample[];
  /** How often single transactions show an anomaly. */
  readonly anomalies: Readonly<Partial<Record<LocalAnomaly, number>>>;
  readonly transactions: number;
  readonly operations: number;
  readonly sessions: number;
  readonly keys: number;
}

/** Judges a whole history. */
export function checkHistory(history: History): Verdict {
  const judgement = judge(history);
  const { holds, facts } = judgement;
  const anomalies: Partial<Record<LocalAnomaly, number>> = {};
  for (const { anomaly } of facts.problems) anomalies[anomaly] = (anomalies[anomaly] ?? 0) + 1;
  const isBroken = Object.values(holds).includes(false);
  return {
    ok: !isBroken,
    holds,
    counterexamples: isBroken ? counterexamplesOf(judgement) : [],
    anomalies,
    transactions: history.transactions - 1,
    operations: history.operations.kind.length,
    sessions: history.sessions.length,
    keys: history.keys.length,
  };
}
