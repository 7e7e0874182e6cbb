// Arbitration: concurrent writes have one order, by stamp, and nobody goes backwards in it. A read shows nothing that loses
// against a write of its causal past; and stamps grow along causality, so that no winner is what the loser had overwritten.
// Judged where stamps are known.

import type { Causality } from "../causality.js";
import { beats, type History, type Operation } from "../history.js";
import type { Violation } from "./violation.js";

export function checkArbitration(history: History, truth: Causality): Violation[] {
  return [...stampsAgainstCausality(history, truth), ...history.operations.flatMap((operation) => readsOfLosers(history, truth, operation))];
}

function stampsAgainstCausality(history: History, truth: Causality): Violation[] {
  const violations: Violation[] = [];
  for (const effect of history.writes) {
    for (const cause of history.writes) {
      if (effect.stamp === undefined || cause.stamp === undefined || !truth.precedes(cause.id, effect.id) || beats(effect.stamp, cause.stamp)) continue;
      const message = `write ${effect.id} follows write ${cause.id} and has not the later stamp`;
      violations.push({ rule: "arbitration", message, operations: [effect.operation, cause.operation] });
    }
  }
  return violations;
}

function readsOfLosers(history: History, truth: Causality, operation: Operation): Violation[] {
  if (operation.observed.length === 0) return [];
  const violations: Violation[] = [];
  const within = truth.withSeen(operation, operation.observed);
  for (const { key, write } of operation.observed) {
    const seen = write === undefined ? undefined : history.writes[write].stamp;
    if (seen === undefined) continue;
    const winner = truth.writesTo(key).find((other) => {
      const { stamp } = history.writes[other];
      return stamp !== undefined && within.has(other) && beats(stamp, seen);
    });
    if (winner === undefined) continue;
    const message = `#${operation.id} ${operation.session} at ${operation.node} reads ${key} and sees write ${write}, which loses against write ${winner} of its causal past`;
    violations.push({ rule: "arbitration", message, operations: [operation.id, history.writes[winner].operation] });
  }
  return violations;
}
