// What a violation of a level is called, by the circle that shows it in the smallest part of the history.

import { BY_CONCLUSION, BY_STAMP, type Edge } from "./graph.js";
import type { Judgement } from "./judge.js";
import type { Level } from "./levels.js";

/**
 * - `circular information flow`: transactions follow each other in a circle (Adya's G1c).
 * - `observed transaction vanishes`: a transaction saw a write of another one and then, in the same transaction, what that one had overwritten (OTV).
 * - `fractured read`: a transaction saw one part of another one, and of another part what was there before.
 * - `unrepeatable read`: a transaction saw two writes to one key.
 * - `causality violation`: a read misses a write of its causal past, and saw what that one had overwritten; no session guarantee alone forbids it.
 * - `conflicting orders`: concurrent writes were seen in different orders by different sessions: there is no one winner.
 * - `arbitration violation`: a read saw a write that loses, by the ranks that the history gives, against one of its past; or a write follows one of a later rank.
 */
export type LevelAnomaly =
  | "circular information flow"
  | "observed transaction vanishes"
  | "fractured read"
  | "unrepeatable read"
  | "causality violation"
  | "conflicting orders"
  | "arbitration violation";

export function anomalyOf({ facts }: Judgement, level: Level, circle: readonly Edge[]): LevelAnomaly {
  const conclusions = circle.filter(({ reason }) => reason === BY_CONCLUSION);
  if (circle.some(({ reason }) => reason === BY_STAMP)) return "arbitration violation";
  if (isUnrepeatable(facts.reads, conclusions)) return "unrepeatable read";
  if (level === "read committed") return "observed transaction vanishes";
  if (level === "read atomic") return "fractured read";
  return conclusions.length > 1 ? "conflicting orders" : "causality violation";
}

/** Two conclusions from two reads of one key in one transaction. */
function isUnrepeatable({ transaction, key }: Judgement["facts"]["reads"], conclusions: readonly Edge[]): boolean {
  if (conclusions.length !== 2) return false;
  const [first, second] = conclusions.map(({ read }) => read);
  return transaction[first] === transaction[second] && key[first] === key[second] && first !== second;
}
