// All checkers by name, and one call for all of them.

import { Causality } from "../causality.js";
import type { History } from "../history.js";
import { checkArbitration } from "./arbitration.js";
import { checkCausalOrder } from "./causal-order.js";
import { checkConvergence } from "./convergence.js";
import { checkDurability } from "./durability.js";
import { checkReadCuts } from "./read-cuts.js";
import { checkSessionGuarantees } from "./session-guarantees.js";
import { checkStoreCut } from "./store-cut.js";
import { checkVectors } from "./vectors.js";
import { checkTransactions } from "./transactions.js";
import type { Checker, Violation } from "./violation.js";

/** In the order in which their reports are most telling. */
export const CHECKERS: readonly Checker[] = [
  checkSessionGuarantees,
  checkReadCuts,
  checkTransactions,
  checkCausalOrder,
  checkArbitration,
  checkStoreCut,
  checkVectors,
  checkConvergence,
  checkDurability,
  (history) => history.failures.map((message) => ({ rule: ruleOf(message), message, operations: [] })),
];

/** A node that stops says which of its invariants broke. */
function ruleOf(failure: string): string {
  const invariant = /\bI[1-6]\b/.exec(failure);
  return invariant === null ? "no call fails" : `invariant ${invariant[0]}`;
}

export function checkHistory(history: History): Violation[] {
  const truth = new Causality(history);
  return CHECKERS.flatMap((checker) => checker(history, truth));
}
