// The store's cut (I6): after every change, the store holds no effect without its causes, and of the writes that it is said
// to hold (flushed), the winners and nothing else. If every node died now, what is left would still be consistent.

import type { Causality } from "../causality.js";
import { beats, type History, type StoredWrite, type StoreState, type Write } from "../history.js";
import type { Violation } from "./violation.js";

const RULE = "store cut (I6)";

export function checkStoreCut(history: History, truth: Causality): Violation[] {
  const violations: Violation[] = [];
  for (const state of history.storeStates) {
    const rows = new Map(state.rows.map((row) => [row.key, row]));
    violations.push(...effectsWithoutCause(history, truth, state, rows), ...flushedWithoutRow(history, state, rows));
    // A store that is wrong once stays wrong for a while; the first state says it best.
    if (violations.length > 0) break;
  }
  return violations;
}

function effectsWithoutCause(history: History, truth: Causality, state: StoreState, rows: ReadonlyMap<string, StoredWrite>): Violation[] {
  const violations: Violation[] = [];
  for (const { write } of state.rows) {
    for (const cause of history.writes) {
      if (cause.id !== write && !truth.precedes(cause.id, write)) continue;
      for (const key of cause.keys) {
        if (reflects(truth, rows.get(key), cause)) continue;
        const message = `at ${state.atMs.toFixed(3)} ms the store holds write ${write} and lacks write ${cause.id} to ${key}, which it follows`;
        violations.push({ rule: RULE, message, operations: [history.writes[write].operation, cause.operation] });
      }
    }
  }
  return violations;
}

function flushedWithoutRow(history: History, state: StoreState, rows: ReadonlyMap<string, StoredWrite>): Violation[] {
  const violations: Violation[] = [];
  for (const { write, stamp } of state.rows) {
    if (stamp.counter <= (state.flushed[stamp.replica] ?? 0)) continue;
    const message = `at ${state.atMs.toFixed(3)} ms the store holds write ${write} (${stamp.replica}:${stamp.counter}), which it does not count as flushed`;
    violations.push({ rule: RULE, message, operations: [history.writes[write].operation] });
  }
  for (const { id, keys, stamp, operation } of history.writes) {
    if (stamp === undefined || stamp.counter > (state.flushed[stamp.replica] ?? 0)) continue;
    for (const key of keys) {
      const row = rows.get(key);
      if (row !== undefined && (row.write === id || beats(row.stamp, stamp))) continue;
      const message = `at ${state.atMs.toFixed(3)} ms write ${id} (${stamp.replica}:${stamp.counter}) counts as flushed, and the store lacks it at ${key}`;
      violations.push({ rule: RULE, message, operations: [operation] });
    }
  }
  return violations;
}

/** Whether a row is the write or something that may stand in its place: what wins over it and is not what it had overwritten. */
function reflects(truth: Causality, row: StoredWrite | undefined, write: Write): boolean {
  if (row === undefined) return false;
  if (row.write === write.id) return true;
  return !truth.precedes(row.write, write.id) && (write.stamp === undefined || beats(row.stamp, write.stamp));
}
