// How many workflows were shown something that they should not have been: the checkers of the core name every one of them, where that of the product (judge.ts) shows
// one for each criterion. Of a system that promises nothing this is what is of interest.

import { checkHistory, History } from "@causalmesh/core/testing";
import { type Note, workflowOf } from "../load/notes.js";

/** Workflows with a read that breaks a session guarantee or causal order, or whose reads of several keys are of no cut. */
export function brokenWorkflows(notes: readonly Note[]): number {
  const history = new History();
  history.mayAbort = true;
  const told = new Told(history, notes);
  for (const note of notes) told.add(note);
  const broken = new Set<string>();
  for (const { operations } of checkHistory(history)) if (operations.length > 0) broken.add(workflowOf(history.operations[operations[0]].session));
  return broken.size;
}

/** Notes in the terms of the checker's history. */
class Told {
  readonly #history: History;
  readonly #writes = new Map<number, ReturnType<History["openWrite"]>>();

  constructor(history: History, notes: readonly Note[]) {
    this.#history = history;
    this.#openUnnoted(notes);
  }

  /** Writes that were seen and not noted: each comes from a session of its own, before all others, and nothing is known of its past. */
  #openUnnoted(notes: readonly Note[]): void {
    const noted = new Set<number>();
    const seen = new Map<number, Set<string>>();
    for (const note of notes) {
      if (note.what === "write") noted.add(note.number);
      else if (note.what === "read")
        note.numbers.forEach((number, index) => number !== undefined && note.keys[index] !== undefined && seenAt(seen, number).add(note.keys[index]));
    }
    for (const [number, keys] of seen) {
      if (noted.has(number) || number === 0) continue;
      const session = `elsewhere ${number}`;
      this.#history.begin(session);
      const write = this.#history.openWrite(session, "elsewhere", [...keys]);
      this.#history.closeWrite(write, "done");
      this.#writes.set(number, write);
    }
  }

  add(note: Note): void {
    const history = this.#history;
    if (note.what === "begin") history.begin(note.session, note.from);
    else if (note.what === "write") this.#writes.set(note.number, history.openWrite(note.session, String(note.server), note.keys));
    else if (note.what === "written") history.closeWrite(this.#writes.get(note.number)!, "done");
    else if (note.what === "read") {
      // What the store was filled with is older than everything: to the checker the key is absent.
      const observed = note.keys.map((key, index) => {
        const number = note.numbers[index] ?? 0;
        return { key, write: number === 0 ? undefined : this.#writes.get(number)!.id, absent: number === 0 };
      });
      history.read(note.session, String(note.server), observed);
    }
  }
}

function seenAt(seen: Map<number, Set<string>>, number: number): Set<string> {
  let keys = seen.get(number);
  if (keys === undefined) seen.set(number, (keys = new Set()));
  return keys;
}
