// A history as the lines of a file (docs/history.md), for checkers that share nothing with these. What only these can judge is not in it: samples, the store, vectors, levels of
// durability.

import type { History, Observation, Operation, Write } from "./history.js";

/** A line of the file, ready to be said in JSON. */
export type HistoryFileLine = SessionFileLine | TransactionFileLine;

export interface SessionFileLine {
  readonly session: string;
  readonly from: readonly string[];
}

export interface TransactionFileLine {
  readonly session: string;
  readonly txn: number;
  readonly node: string;
  readonly at: number;
  readonly ops: readonly (readonly (string | number | null)[])[];
  readonly status?: "unknown" | "aborted" | "lost";
  readonly stamp?: readonly [timestamp: number, replica: number];
}

type OperationFields = TransactionFileLine["ops"][number];

/** The lines of a finished history. Of its sessions only those that did something, or that such a one goes on from, and none that is left out. */
export function historyLines(history: History, isLeftOut: (session: string) => boolean = () => false): HistoryFileLine[] {
  const lost = new Set(history.lost.map(({ id }) => id));
  const operations = history.operations.filter(({ session }) => !isLeftOut(session));
  const begins = neededBegins(history, operations);
  const parts = transactionParts(history, lost);
  return operations.flatMap((operation): HistoryFileLine[] => {
    const { id, session, kind, parents } = operation;
    if (kind === "begin") return begins.get(session) === id ? [{ session, from: parents.map((parent) => history.operations[parent].session) }] : [];
    const part = parts.get(id);
    if (part === undefined) return [transactionLine(history, lost, [operation])];
    return part.at(-1) === operation ? [transactionLine(history, lost, part)] : [];
  });
}

/** By session that is needed: the operation that begins it, the last one where it is begun anew before it does anything. */
function neededBegins(history: History, operations: readonly Operation[]): Map<string, number> {
  const needed = new Set<string>();
  const begins = new Map<string, number>();
  for (const { id, session, kind, parents } of [...operations].reverse()) {
    if (kind !== "begin") needed.add(session);
    else if (needed.has(session) && !begins.has(session)) {
      begins.set(session, id);
      for (const parent of parents) needed.add(history.operations[parent].session);
    }
  }
  return begins;
}

/** By operation: those that are one transaction with it, in their order. Whether a commit was made decides whether its write is one of them. */
function transactionParts({ operations, writes, transactions }: History, lost: ReadonlySet<number>): Map<number, readonly Operation[]> {
  const parts = new Map<number, readonly Operation[]>();
  for (const { reads, commits } of transactions) {
    const made = commits.map(({ write }) => writes[write]).filter(({ id, outcome }) => outcome === "done" && !lost.has(id));
    const all = [...reads, ...made.map(({ operation }) => operation)].map((id) => operations[id]);
    // A token that was used several times made several transactions, by the sessions that used it.
    for (const session of new Set(all.map((operation) => operation.session))) {
      const part = all.filter((operation) => operation.session === session).sort((a, b) => a.id - b.id);
      for (const { id } of part) parts.set(id, part);
    }
  }
  return parts;
}

function transactionLine(history: History, lost: ReadonlySet<number>, part: readonly Operation[]): TransactionFileLine {
  const { session, id, node, untilMs, atMs } = part.at(-1)!;
  const write = part.map((operation) => operation.write).find((one) => one !== undefined);
  const written = write === undefined ? undefined : history.writes[write];
  const status = written === undefined ? undefined : statusOf(written, lost);
  const stamp = written?.stamp;
  return {
    session,
    txn: id,
    node,
    at: untilMs === Infinity ? atMs : untilMs,
    ops: part.flatMap((operation) => [
      ...operation.observed.map(readFields),
      ...(operation.write === undefined ? [] : writeFields(history.writes[operation.write])),
    ]),
    ...(status === undefined ? {} : { status }),
    ...(stamp === undefined ? {} : { stamp: [stamp.timestamp, stamp.replica] as const }),
  };
}

function statusOf({ id, outcome }: Write, lost: ReadonlySet<number>): TransactionFileLine["status"] {
  if (lost.has(id)) return "lost";
  if (outcome === "refused") return "aborted";
  return outcome === "done" ? undefined : "unknown";
}

function readFields({ key, write }: Observation): OperationFields {
  return ["r", key, write ?? null];
}

function writeFields({ id, keys, deletion, expiresFromMs }: Write): OperationFields[] {
  return keys.map((key) => (deletion ? ["d", key, id] : expiresFromMs === undefined ? ["w", key, id] : ["w", key, id, expiresFromMs]));
}
