// The verdict on what was noted. This is the one place that knows the checker: whoever puts another one in its place changes this file alone.

import { checkHistory, History, type Violation } from "@causalmesh/core/testing";
import type { Note } from "../load/notes.js";
import type { SystemPromise } from "../systems/registry.js";

export interface Verdict {
  readonly workflows: number;
  readonly operations: number;
  /** How often each rule was broken. */
  readonly violations: Readonly<Record<string, number>>;
  /** Workflows with at least one violation. */
  readonly brokenWorkflows: number;
  /** The first violation in words. */
  readonly example: string | undefined;
}

/** Judges by the rules of causal sessions, and by those of snapshots where that is promised or not. A system that promises nothing is judged like one of causal sessions. */
export function judge(notes: readonly Note[], { judged }: SystemPromise): Verdict {
  const history = new History();
  // What was given up is nobody's business but its own.
  history.mayAbort = true;
  const told = new Told(history, notes);
  for (const note of notes) told.add(note);
  if (judged === "snapshot") for (const [session, reads] of told.reads) history.transactions.push({ session, reads, commits: [] });
  return verdictOf(history, checkHistory(history), told.workflows);
}

/** Notes in the terms of the checker's history. */
class Told {
  readonly reads = new Map<string, number[]>();
  workflows = 0;
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
    else if (note.what === "end") this.workflows += 1;
    else {
      // What the store was filled with is older than everything: to the checker the key is absent.
      const observed = note.keys.map((key, index) => {
        const number = note.numbers[index] ?? 0;
        return { key, write: number === 0 ? undefined : this.#writes.get(number)!.id, absent: number === 0 };
      });
      const { id } = history.read(note.session, String(note.server), observed);
      const workflow = workflowOf(note.session);
      const reads = this.reads.get(workflow);
      if (reads === undefined) this.reads.set(workflow, [id]);
      else reads.push(id);
    }
  }
}

function seenAt(seen: Map<number, Set<string>>, number: number): Set<string> {
  let keys = seen.get(number);
  if (keys === undefined) seen.set(number, (keys = new Set()));
  return keys;
}

/** Sessions of branches have the workflow's name before "/" or "+". */
function workflowOf(session: string): string {
  return /^[^/+]*/.exec(session)![0];
}

function verdictOf(history: History, found: readonly Violation[], workflows: number): Verdict {
  const violations: Record<string, number> = {};
  const broken = new Set<string>();
  for (const { rule, operations } of found) {
    violations[rule] = (violations[rule] ?? 0) + 1;
    if (operations.length > 0) broken.add(workflowOf(history.operations[operations[0]].session));
  }
  return { workflows, operations: history.operations.length, violations, brokenWorkflows: broken.size, example: found[0]?.message };
}
