// Causal order: a read never returns what its causal past has overwritten, never "absent" where the past holds a value, and
// never a value that nobody wrote to that key.

import { mayReadAsAbsent, type Causality } from "../causality.js";
import type { History, Observation, Operation } from "../history.js";
import type { Violation } from "./violation.js";

export function checkCausalOrder(history: History, truth: Causality): Violation[] {
  const violations: Violation[] = [];
  for (const operation of history.operations) {
    for (const observation of operation.observed) {
      const violation = inventedValue(history, operation, observation) ?? overwrittenValue(history, truth, operation, observation);
      if (violation !== undefined) violations.push(violation);
    }
  }
  return violations;
}

function inventedValue(history: History, operation: Operation, { key, write, absent }: Observation): Violation | undefined {
  if (write === undefined) return undefined;
  const source = history.writes[write];
  const problem = !source.keys.includes(key)
    ? `which was written to ${source.keys.join(", ")}`
    : source.outcome === "refused"
      ? "which was refused and must not have happened"
      : source.deletion && !absent
        ? "which deleted it"
        : absent && !mayReadAsAbsent(source, operation.untilMs)
          ? "as absent, which it neither deleted nor let expire"
          : undefined;
  if (problem === undefined) return undefined;
  const message = `#${operation.id} ${operation.session} reads ${key} and sees write ${write}, ${problem}`;
  return { rule: "causal order", message, operations: [operation.id, source.operation] };
}

function overwrittenValue(history: History, truth: Causality, operation: Operation, observation: Observation): Violation | undefined {
  // What the value itself brings along counts too: its own past may hold a later write to the key only if stamps go wrong.
  const missed = truth.missed(operation, observation, truth.withSeen(operation, [observation]));
  if (missed === undefined) return undefined;
  const seen = observation.write === undefined ? "nothing" : `write ${observation.write}`;
  const message = `#${operation.id} ${operation.session} at ${operation.node} reads ${observation.key} and sees ${seen}, but write ${missed} is in its causal past`;
  return { rule: "causal order", message, operations: [operation.id, history.writes[missed].operation] };
}
