// The history as a file: JSON lines, one for each transaction of a session and for each session that goes on from others (docs/history.md). This file owns what a line may be;
// what lines mean together is in history.ts.

import { MeshError } from "@causalmesh/core";

/** What names a write among those to its key; the same for every read that saw it. */
export type Value = string | number;

/**
 * - `["r", key, value]`: a read that saw this write; `null` for nothing.
 * - `["w", key, value]`: a write; with a fourth element it may read as nothing from that time on, in milliseconds as `at`.
 * - `["d", key]` or `["d", key, name]`: a deletion. A read that knows by which one the key was absent gives its name.
 */
export type OperationLine =
  | readonly ["r", key: string, value: Value | null]
  | readonly ["w", key: string, value: Value]
  | readonly ["w", key: string, value: Value, expiresMs: number]
  | readonly ["d", key: string]
  | readonly ["d", key: string, name: Value];

/**
 * - `committed`: its session was told that it happened.
 * - `unknown`: it may have happened; it did if somebody saw it. Its session does not count on it.
 * - `aborted`: nobody may ever see it.
 * - `lost`: it was acknowledged and then lost with what held it, as its durability level allows. It may have been seen; nobody can count on it.
 */
export type Status = "committed" | "unknown" | "aborted" | "lost";

/** Operations that belong together, in their order: what one call did, or one transaction. A session's lines are in the order in which it went on. */
export interface TransactionLine {
  readonly session: string;
  readonly ops: readonly OperationLine[];
  /** By default `committed`. */
  readonly status?: Status;
  /** How a report names it; by default the number of its line. */
  readonly txn?: Value;
  /** Where it was answered, for the report. */
  readonly node?: string;
  /** When it was answered, in milliseconds of any clock. */
  readonly at?: number;
  /** The rank of its writes, where it is known: the greater (timestamp, replica) wins. */
  readonly stamp?: readonly [timestamp: number, replica: number];
}

/** A session begins with the past that these have at this place of the file: one where it is a fork, several where it joins them. Others begin with nothing. */
export interface SessionLine {
  readonly session: string;
  readonly from: readonly string[];
}

/** Names the format; may stand at the head of a file. */
export interface HeaderLine {
  readonly history: "causalmesh";
  readonly version: 1;
}

/** A line of a history. */
export type HistoryLine = HeaderLine | SessionLine | TransactionLine;

/** The first line of a file. */
export const HEADER: HeaderLine = { history: "causalmesh", version: 1 };

const STATUSES: readonly unknown[] = ["committed", "unknown", "aborted", "lost"] satisfies Status[];
const SHOWN_MAX = 60;

/** A line as it is said in JSON, checked. Throws `VALUE_INVALID` with the number of the line. */
export function parseLine(text: string, number: number): HistoryLine {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    throw lineError(number, `is no JSON: ${text.slice(0, SHOWN_MAX)}`);
  }
  return checkLine(line, number);
}

/** What comes from outside is checked here and nowhere else: files, and lines that a program hands over. */
export function checkLine(line: unknown, number: number): HistoryLine {
  if (typeof line !== "object" || line === null) throw lineError(number, "is no object");
  const { history, version, session, from, ops } = line as Record<string, unknown>;
  if (history !== undefined) {
    if (history === "causalmesh" && version === 1) return line as HeaderLine;
    throw lineError(number, `is of another format: ${show([history, version])}, where this version reads "causalmesh", 1`);
  }
  if (typeof session !== "string") throw lineError(number, `has no "session" that is a string`);
  if (from !== undefined) {
    if (Array.isArray(from) && from.every((other) => typeof other === "string")) return line as SessionLine;
    throw lineError(number, `has a "from" that is no list of sessions`);
  }
  if (!Array.isArray(ops)) throw lineError(number, `has neither "ops" nor "from"`);
  for (const operation of ops) checkOperation(operation, number);
  checkDetails(line as Record<string, unknown>, number);
  return line as TransactionLine;
}

function checkOperation(operation: unknown, number: number): void {
  if (!Array.isArray(operation) || typeof operation[1] !== "string") throw lineError(number, `has an operation that is no [kind, key, …]: ${show(operation)}`);
  // By index: taking an array apart by a pattern goes through its iterator, a million times.
  const kind: unknown = operation[0];
  const value: unknown = operation[2];
  const expiresMs: unknown = operation[3];
  if (kind === "r" && (value === null || isValue(value))) return;
  if (kind === "w" && isValue(value) && (expiresMs === undefined || typeof expiresMs === "number")) return;
  if (kind === "d" && (value === undefined || isValue(value))) return;
  throw lineError(number, `has an operation that is none of ["r", key, value or null], ["w", key, value] and ["d", key]: ${show(operation)}`);
}

function isValue(value: unknown): boolean {
  return typeof value === "string" || (typeof value === "number" && Number.isFinite(value));
}

function checkDetails({ status, txn, node, at, stamp }: Record<string, unknown>, number: number): void {
  if (status !== undefined && !STATUSES.includes(status)) throw lineError(number, `has a "status" that is none of ${STATUSES.join(", ")}: ${show(status)}`);
  if (txn !== undefined && !isValue(txn)) throw lineError(number, `has a "txn" that is neither a string nor a number`);
  if (node !== undefined && typeof node !== "string") throw lineError(number, `has a "node" that is no string`);
  if (at !== undefined && typeof at !== "number") throw lineError(number, `has an "at" that is no number`);
  if (stamp !== undefined && !(Array.isArray(stamp) && stamp.length === 2 && stamp.every((part) => typeof part === "number")))
    throw lineError(number, `has a "stamp" that is no [timestamp, replica]`);
}

/** What is wrong with a history, at which line of it. */
export function lineError(number: number, problem: string): MeshError {
  return new MeshError("VALUE_INVALID", `line ${number} of the history ${problem}`);
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, SHOWN_MAX);
}
