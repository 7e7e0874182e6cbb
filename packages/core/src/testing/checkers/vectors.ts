// Vectors tell the truth: the vector of a write covers every write of its causal past. The rest of the protocol believes them (I2), and a vector that
// leaves something out may do harm only in a later view, so they are judged directly.

import type { Causality } from "../causality.js";
import type { History } from "../history.js";
import type { Violation } from "./violation.js";

export function checkVectors(history: History, truth: Causality): Violation[] {
  const violations: Violation[] = [];
  for (const effect of history.writes) {
    if (effect.follows === undefined) continue;
    for (const cause of history.writes) {
      if (cause.stamp === undefined || !truth.precedes(cause.id, effect.id)) continue;
      const { replica, counter } = cause.stamp;
      // Of a replica that has left, and has no entry any more, every node shows everything.
      const followed = effect.follows[replica];
      if (followed === undefined ? history.finals.has(replica) : followed >= counter) continue;
      const message = `the vector of write ${effect.id}, ${JSON.stringify(effect.follows)}, leaves out write ${cause.id} (${replica}:${counter}), which it follows`;
      violations.push({ rule: "vectors (I2)", message, operations: [effect.operation, cause.operation] });
    }
  }
  return violations;
}
