// The verdict on what was noted, by the checker that users have. This is the one place that knows it: whoever puts another one in its place changes this file alone.

import { checkHistory, CRITERIA, HistoryBuilder, type HistoryLine, storyOf, storyText } from "@causalmesh/checker";
import { type Note, workflowOf } from "../load/notes.js";
import type { SystemPromise } from "../systems/registry.js";

export interface Verdict {
  readonly workflows: number;
  readonly operations: number;
  /** The criteria that do not hold, causal consistency with convergence and what it implies; none where all do. */
  readonly broken: readonly string[];
  /** The first counterexample in words. */
  readonly example: string | undefined;
}

/** Judges by causal consistency. Where a workflow's reads are to be of one snapshot, they are one transaction, with its writes where those are made as one. */
export function judge(notes: readonly Note[], promise: SystemPromise): Verdict {
  const builder = new HistoryBuilder();
  for (const line of linesOf(notes, promise)) builder.add(line);
  const { holds, counterexamples, operations } = checkHistory(builder.build());
  return {
    workflows: notes.filter(({ what }) => what === "end").length,
    operations,
    // What cannot be told is not known to hold.
    broken: CRITERIA.filter((criterion) => holds[criterion] !== true),
    example: counterexamples.length === 0 ? undefined : storyText(storyOf(counterexamples[0])),
  };
}

/** The notes in the form of the checker. */
function linesOf(notes: readonly Note[], { judged, holdsWrites }: SystemPromise): HistoryLine[] {
  const lines = unnoted(notes);
  const written = new Set(notes.flatMap((note) => (note.what === "written" ? note.number : [])));
  const statusOf = (number: number): "committed" | "unknown" => (written.has(number) ? "committed" : "unknown");
  if (judged !== "snapshot") {
    for (const note of notes) {
      if (note.what === "begin" && note.from.length > 0) lines.push({ session: note.session, from: note.from });
      else if (note.what === "read") lines.push({ session: note.session, ops: readsOf(note), node: String(note.server) });
      else if (note.what === "write") lines.push({ session: note.session, ops: writesOf(note), status: statusOf(note.number), node: String(note.server) });
    }
    return lines;
  }
  // What was read by a workflow that was given up need not be of one snapshot: that is why it was.
  const givenUp = new Set(notes.flatMap((note) => (note.what === "end" && note.aborted ? note.workflow : [])));
  for (const [workflow, own] of byWorkflow(notes)) {
    const writes = own.flatMap((note) => (note.what === "write" ? note : []));
    const mine = new Set(writes.map(({ number }) => number));
    // What a workflow reads of its own is no part of the snapshot that it has of the others.
    const reads = givenUp.has(workflow)
      ? []
      : own.flatMap((note) => (note.what === "read" ? readsOf(note).filter(([, , value]) => value === null || !mine.has(value)) : []));
    const isWritten = writes.every(({ number }) => written.has(number));
    if (holdsWrites) lines.push({ session: workflow, ops: [...reads, ...writes.flatMap(writesOf)], status: isWritten ? "committed" : "unknown" });
    else {
      lines.push({ session: workflow, ops: reads });
      for (const write of writes) lines.push({ session: workflow, ops: writesOf(write), status: statusOf(write.number) });
    }
  }
  return lines;
}

type Read = readonly ["r", key: string, value: number | null];

function readsOf({ keys, numbers }: Extract<Note, { what: "read" }>): Read[] {
  // What the store was filled with is nothing to the checker: it comes before all writes.
  return keys.map((key, index) => ["r", key, (numbers[index] ?? 0) === 0 ? null : numbers[index]!] as const);
}

function writesOf({ keys, number }: Extract<Note, { what: "write" }>): (readonly ["w", string, number])[] {
  return keys.map((key) => ["w", key, number] as const);
}

/** Writes that were seen and not noted: each comes from a session of its own, of whose past nothing is known. */
function unnoted(notes: readonly Note[]): HistoryLine[] {
  const noted = new Set(notes.flatMap((note) => (note.what === "write" ? note.number : [])));
  const seen = new Map<number, Set<string>>();
  for (const note of notes) {
    if (note.what !== "read") continue;
    for (const [, key, number] of readsOf(note)) if (number !== null && !noted.has(number)) seen.set(number, (seen.get(number) ?? new Set()).add(key));
  }
  return [...seen].map(([number, keys]) => ({ session: `elsewhere ${number}`, ops: [...keys].map((key) => ["w", key, number] as const) }));
}

function byWorkflow(notes: readonly Note[]): Map<string, Note[]> {
  const workflows = new Map<string, Note[]>();
  for (const note of notes) {
    if (note.what !== "read" && note.what !== "write") continue;
    const name = workflowOf(note.session);
    const own = workflows.get(name);
    if (own === undefined) workflows.set(name, [note]);
    else own.push(note);
  }
  return workflows;
}
