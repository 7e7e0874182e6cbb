// A part of a history as a history of its own, of which nothing wrong can be concluded that is not wrong in the whole. Three rules do that:
//
//   W1. Lines are taken away, never changed in their order: whatever follows from session order and reads among those left follows in the whole too.
//   W2. A read of a write that the part does not have is given one, in a session of its own that follows nothing. The write was made; that it follows less than it did means
//       that less is concluded.
//   W3. A read that saw no write at all is taken away, unless nothing ever vanishes: it may be that the store has let go of what expired, or of a deletion.

import { HEADER, HistoryBuilder, type History, type HistoryLine, type OperationLine, type Value } from "@causalmesh/checker";

/** How much of a window a line takes. */
export function sizeOf(line: HistoryLine): number {
  if ("ops" in line) return Math.max(1, line.ops.length);
  return "from" in line ? Math.max(1, line.from.length) : 0;
}

/** The part that these lines of a history are, as lines of a history, with its head. */
export function partialHistory(kept: readonly HistoryLine[], nothingVanishes: boolean): HistoryLine[] {
  const written = writesIn(kept);
  const sessions = new Set<string>();
  const unseen = new Map<string, HistoryLine>();
  const lines = kept.flatMap((line): HistoryLine[] => {
    if ("history" in line) return [];
    if ("from" in line) {
      // It was named before; then this place says nothing that the earlier one does not.
      if (sessions.has(line.session)) return [];
      const from = line.from.filter((session) => sessions.has(session));
      sessions.add(line.session);
      return [{ ...line, from }];
    }
    const ops = line.ops.filter((operation) => isTold(operation, line, written, nothingVanishes));
    for (const [kind, key, value] of ops) {
      if (kind !== "r" || value === null) continue;
      const name = nameOf(key, value);
      if (!written.has(name) && !unseen.has(name)) unseen.set(name, { session: `unseen ${name}`, txn: `unseen ${value}`, ops: [["w", key, value]] });
    }
    if (ops.length === 0) return [];
    sessions.add(line.session);
    return [{ ...line, ops }];
  });
  return [HEADER, ...lines, ...unseen.values()];
}

/** By the name of a write: the line that has it. Where two lines say that they made one write, the first is believed. */
function writesIn(lines: readonly HistoryLine[]): Map<string, HistoryLine> {
  const written = new Map<string, HistoryLine>();
  for (const line of lines) {
    if (!("ops" in line)) continue;
    for (const [kind, key, value] of line.ops) {
      if (kind === "r" || value === undefined) continue;
      const name = nameOf(key, value);
      if (!written.has(name)) written.set(name, line);
    }
  }
  return written;
}

function isTold([kind, key, value]: OperationLine, line: HistoryLine, written: ReadonlyMap<string, HistoryLine>, nothingVanishes: boolean): boolean {
  if (kind === "r") return value !== null || nothingVanishes;
  return value === undefined || written.get(nameOf(key, value as Value)) === line;
}

function nameOf(key: string, value: Value): string {
  return JSON.stringify([key, value]);
}

/** A history of lines that were checked. */
export function historyOf(lines: readonly HistoryLine[]): History {
  const builder = new HistoryBuilder();
  for (const line of lines) builder.add(line);
  return builder.build();
}
