// The four session guarantees, each by its own definition and name. Causal order implies them all; a report that says which one
// broke is what a person understands first.

import type { Causality } from "../causality.js";
import type { History, Observation, Operation } from "../history.js";
import { WriteSet } from "../write-set.js";
import type { Violation } from "./violation.js";

export type Guarantee = "read your writes" | "monotonic reads" | "writes follow reads" | "monotonic writes";

export function checkSessionGuarantees(history: History, truth: Causality): Violation[] {
  const violations: Violation[] = [];
  for (const operation of history.operations) {
    if (operation.observed.length === 0) continue;
    for (const [guarantee, required] of requirements(history, truth, operation.id)) {
      for (const observation of operation.observed) {
        // "Absent" is judged against the whole of what is required; a value only against what overwrote it.
        const missed = truth.missed(operation, observation, required);
        if (missed !== undefined) violations.push(violation(guarantee, history, operation, observation, missed));
      }
    }
  }
  return violations;
}

/** For each guarantee, the writes that a read by this operation must not be older than. */
function requirements(history: History, truth: Causality, operation: number): [Guarantee, WriteSet][] {
  const written = truth.ownWritesBefore(operation);
  const read = truth.ownReadsBefore(operation);
  const readByWriters = WriteSet.empty(history.writes.length);
  const writtenByWriters = WriteSet.empty(history.writes.length);
  for (const { id, operation: writing } of history.writes) {
    if (!read.has(id)) continue;
    readByWriters.addAll(truth.ownReadsBefore(writing));
    writtenByWriters.addAll(truth.ownWritesBefore(writing));
  }
  return [
    ["read your writes", written],
    ["monotonic reads", read],
    ["writes follow reads", readByWriters],
    ["monotonic writes", writtenByWriters],
  ];
}

function violation(rule: Guarantee, history: History, operation: Operation, observation: Observation, missed: number): Violation {
  const seen = observation.write === undefined ? "nothing" : `write ${observation.write}`;
  const message = `#${operation.id} ${operation.session} at ${operation.node} reads ${observation.key} and sees ${seen}, older than write ${missed}`;
  return { rule, message, operations: [operation.id, history.writes[missed].operation] };
}
