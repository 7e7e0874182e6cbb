// The ground truth: which write is in the causal past of which operation, by session order (through forks and joins) and
// reads-from, transitively. It comes from the history alone; no vector, dot or clock of the nodes takes part in it.

import type { History, Observation, Operation, Write } from "./history.js";
import { WriteSet } from "./write-set.js";

export class Causality {
  readonly history: History;
  readonly #nothing: WriteSet;
  readonly #before: WriteSet[] = [];
  readonly #after: WriteSet[] = [];
  /** What the operation's own session did before it, without what it learnt of others through values. */
  readonly #lineageWrites: WriteSet[] = [];
  readonly #lineageReads: WriteSet[] = [];
  readonly #byKey = new Map<string, number[]>();
  readonly #lost: ReadonlySet<number>;

  constructor(history: History) {
    this.history = history;
    this.#nothing = WriteSet.empty(history.writes.length);
    this.#lost = new Set(history.lost.map(({ id }) => id));
    for (const write of history.writes) for (const key of write.keys) this.#writesOf(key).push(write.id);
    for (const operation of history.operations) this.#follow(operation);
  }

  /** The writes in the causal past of an operation, without its own write and without what it read itself. */
  before(operation: number): WriteSet {
    return this.#before[operation];
  }

  /** The writes in the causal past of a write; nothing is known of one that was seen before it was made. */
  past(write: number): WriteSet {
    return this.#before[this.history.writes[write].operation] ?? this.#nothing;
  }

  /** Whether write `v` is in the causal past of write `w`. */
  precedes(v: number, w: number): boolean {
    return this.past(w).has(v);
  }

  /** The writes that the operation's session, or a branch that it came from, made before it. */
  ownWritesBefore(operation: number): WriteSet {
    return this.#lineageWrites[operation];
  }

  /** The writes that the operation's session, or a branch that it came from, read before it. */
  ownReadsBefore(operation: number): WriteSet {
    return this.#lineageReads[operation];
  }

  /** All writes to a key. */
  writesTo(key: string): readonly number[] {
    return this.#byKey.get(key) ?? [];
  }

  /** What an operation may have learnt from seeing these values at once: its past, the writes, and their pasts. */
  withSeen(operation: Operation, observed: readonly Observation[]): WriteSet {
    const set = this.before(operation.id).copy();
    for (const { write } of observed) {
      if (write === undefined) continue;
      this.#see(set, write);
      set.addAll(this.past(write));
    }
    return set;
  }

  /** A write to `key` within the set that has overwritten `write`, or undefined. */
  overwriter(write: number, key: string, within: WriteSet): number | undefined {
    return this.writesTo(key).find((other) => within.has(other) && this.precedes(write, other));
  }

  /**
   * A write to `key` within the set that the observation should have reflected and did not, or undefined where what was seen
   * is what a causally consistent store may show. A write of which nothing in the set knows better may always be seen:
   * concurrent writes are settled elsewhere.
   */
  missed(operation: Operation, observation: Observation, within: WriteSet): number | undefined {
    const { key, write } = observation;
    if (write !== undefined) return this.overwriter(write, key, within);
    const known = this.writesTo(key).filter((other) => within.has(other));
    if (known.length === 0 || this.#absences(operation, key).some((absence) => this.#mayBeSeen(absence, key, within))) return undefined;
    return known[known.length - 1];
  }

  /** The writes that make a key absent and that the operation may have seen: deletions, and values that may have expired. */
  #absences(operation: Operation, key: string): number[] {
    return this.writesTo(key).filter((id) => {
      const write = this.history.writes[id];
      return write.outcome !== "refused" && write.operation < operation.id && mayReadAsAbsent(write, operation.untilMs);
    });
  }

  #mayBeSeen(write: number, key: string, within: WriteSet): boolean {
    return this.overwriter(write, key, within) === undefined;
  }

  #writesOf(key: string): number[] {
    let writes = this.#byKey.get(key);
    if (writes === undefined) this.#byKey.set(key, (writes = []));
    return writes;
  }

  #follow(operation: Operation): void {
    const capacity = this.history.writes.length;
    const before = WriteSet.empty(capacity);
    const lineageWrites = WriteSet.empty(capacity);
    const lineageReads = WriteSet.empty(capacity);
    for (const parent of operation.parents) {
      before.addAll(this.#after[parent]);
      lineageWrites.addAll(this.#lineageWrites[parent]);
      lineageReads.addAll(this.#lineageReads[parent]);
      const { write, observed } = this.history.operations[parent];
      if (write !== undefined && this.#isInPast(write)) lineageWrites.add(write);
      for (const seen of observed) if (seen.write !== undefined) this.#see(lineageReads, seen.write);
    }
    this.#before.push(before);
    this.#lineageWrites.push(lineageWrites);
    this.#lineageReads.push(lineageReads);
    this.#after.push(this.#afterOf(operation, before));
  }

  #afterOf(operation: Operation, before: WriteSet): WriteSet {
    const after = before.copy();
    if (operation.write !== undefined && this.#isInPast(operation.write)) after.add(operation.write);
    for (const { write } of operation.observed) {
      if (write === undefined) continue;
      this.#see(after, write);
      after.addAll(this.past(write));
    }
    return after;
  }

  /** A write that died with its node may be seen, by its own session and when that has made it again; nobody can count on it. */
  #see(set: WriteSet, write: number): void {
    if (!this.#lost.has(write)) set.add(write);
  }

  /** A session that was not told that its write happened does not count on it. */
  #isInPast(write: number): boolean {
    return this.history.writes[write].outcome === "done";
  }
}

export function mayReadAsAbsent(write: Write, atMs: number): boolean {
  return write.deletion || (write.expiresFromMs !== undefined && write.expiresFromMs <= atMs);
}
