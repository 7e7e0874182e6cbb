// Cuts: the values of one multi-key read come from one causally closed cut. What any of them depends on, the others must not
// be older than; so a write of several keys is seen in all of them or in none.

import type { Causality } from "../causality.js";
import type { History } from "../history.js";
import type { Violation } from "./violation.js";

export function checkReadCuts(history: History, truth: Causality): Violation[] {
  const violations: Violation[] = [];
  for (const operation of history.operations) {
    if (operation.observed.length < 2) continue;
    const within = truth.withSeen(operation, operation.observed);
    for (const observation of operation.observed) {
      const missed = truth.missed(operation, observation, within);
      if (missed === undefined) continue;
      const values = operation.observed.map(({ key, write }) => `${key}=${write ?? "nothing"}`).join(" ");
      const message = `#${operation.id} ${operation.session} at ${operation.node} reads ${values} at once: ${observation.key} lacks write ${missed}`;
      violations.push({ rule: "read cut", message, operations: [operation.id, history.writes[missed].operation] });
    }
  }
  return violations;
}
