// The four session guarantees (Terry and others, "Session Guarantees for Weakly Consistent Replicated Data", 1994), for reads of values. A read breaks one when it saw a write that another
// write to the key follows causally, and that other write is one that the guarantee asks for. What the guarantees ask for is all in the causal past, so only such stale reads are
// looked at, and where causal consistency holds there is none.

import { leaves, overwrites, type Facts } from "./facts.js";
import { cheapestPath, type Edge, type Graph } from "./graph.js";
import { INITIAL } from "./history.js";

export type Guarantee = "read your writes" | "monotonic reads" | "monotonic writes" | "writes follow reads";

export const GUARANTEES: readonly Guarantee[] = ["read your writes", "monotonic reads", "monotonic writes", "writes follow reads"];

/** How many steps are taken to find out which guarantees are broken, in a history that is not causal. */
const STEPS_MAX = 50_000_000;

export interface BrokenGuarantee {
  readonly guarantee: Guarantee;
  /** The transactions that show it. */
  readonly witnesses: readonly number[];
}

export interface GuaranteeFindings {
  /** The first of each. */
  readonly broken: ReadonlyMap<Guarantee, BrokenGuarantee>;
  /** Whether all stale reads were looked at; if not, a guarantee that is not among the broken ones may be broken too. */
  readonly isComplete: boolean;
}

/** `reads` are those that may be stale; `graph` has session order and reads alone. */
export function brokenGuarantees(facts: Facts, order: Int32Array, graph: Graph, reads: Iterable<number>): GuaranteeFindings {
  const search = new Search(facts, order, graph);
  for (const read of [...reads].sort((a, b) => search.positionOf(a) - search.positionOf(b))) {
    if (search.broken.size === GUARANTEES.length) break;
    if (search.steps > STEPS_MAX) return { broken: search.broken, isComplete: false };
    search.lookAt(read);
  }
  return { broken: search.broken, isComplete: true };
}

class Search {
  readonly broken = new Map<Guarantee, BrokenGuarantee>();
  steps = 0;
  readonly #facts: Facts;
  readonly #graph: Graph;
  readonly #positions: Int32Array;

  constructor(facts: Facts, order: Int32Array, graph: Graph) {
    this.#facts = facts;
    this.#graph = graph;
    this.#positions = new Int32Array(order.length);
    for (let position = 0; position < order.length; position++) this.#positions[order[position]] = position;
  }

  positionOf(read: number): number {
    return this.#positions[this.#facts.reads.transaction[read]];
  }

  lookAt(read: number): void {
    const { reads } = this.#facts;
    const reader = reads.transaction[read];
    const source = reads.source[read];
    const newer = this.#newerWrites(reader, source, reads.key[read]);
    if (newer.length === 0) return;
    const lineage = this.#sessionPast([reader]);
    const seenBefore = this.#sourcesOf(lineage.keys());
    const seen = this.#sourcesOf([...lineage.keys(), reader]);
    // By transaction: one of those that were seen and that it stands before in session order.
    const beforeSeen = this.#sessionPast([...seen.keys()]);
    const seenByWriters = this.#sourcesOf([...beforeSeen.keys(), ...seen.keys()]);
    for (const write of newer) {
      if (lineage.has(write)) this.#break("read your writes", [], write, source, reader);
      if (seenBefore.has(write)) this.#break("monotonic reads", [seenBefore.get(write)!], write, source, reader);
      if (beforeSeen.has(write)) {
        const writer = beforeSeen.get(write)!;
        this.#break("monotonic writes", [writer, seen.get(writer)!], write, source, reader);
      }
      if (seenByWriters.has(write)) {
        const first = seenByWriters.get(write)!;
        const writer = seen.has(first) ? first : beforeSeen.get(first)!;
        this.#break("writes follow reads", [first, writer, seen.get(writer)!], write, source, reader);
      }
    }
  }

  /** The writes to the key in the causal past of the reader that follow the one that it saw. */
  #newerWrites(reader: number, source: number, key: number): number[] {
    const past = this.#past(reader);
    const after = new Set([source]);
    const newer: number[] = [];
    for (const transaction of past.sort((a, b) => this.#positions[a] - this.#positions[b])) {
      if (!this.#follows(transaction, after)) continue;
      after.add(transaction);
      if (overwrites(this.#facts, transaction) && leaves(this.#facts, transaction, key)) newer.push(transaction);
    }
    return newer;
  }

  #follows(transaction: number, some: ReadonlySet<number>): boolean {
    if (some.has(INITIAL)) return transaction !== INITIAL;
    const { from, before } = this.#graph;
    for (let edge = from[transaction]; edge < from[transaction + 1]; edge++) if (some.has(before[edge])) return true;
    return false;
  }

  /** Everything before a transaction, by session order and reads. */
  #past(transaction: number): number[] {
    const { from, before } = this.#graph;
    const found = new Set([transaction]);
    for (const one of found) {
      this.steps += 1;
      for (let edge = from[one]; edge < from[one + 1]; edge++) found.add(before[edge]);
    }
    found.delete(transaction);
    return [...found];
  }

  /** Everything before some transactions by session order alone, each with one of those that it stands before. */
  #sessionPast(transactions: readonly number[]): Map<number, number> {
    const { from, items } = this.#facts.history.before;
    const found = new Map<number, number>();
    const open = transactions.map((transaction): [at: number, origin: number] => [transaction, transaction]);
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      this.steps += 1;
      const [at, origin] = next;
      for (let index = from[at]; index < from[at + 1]; index++) {
        if (items[index] === INITIAL || found.has(items[index])) continue;
        found.set(items[index], origin);
        open.push([items[index], origin]);
      }
    }
    return found;
  }

  /** What some transactions have read from, each with one that has. */
  #sourcesOf(transactions: Iterable<number>): Map<number, number> {
    const { reads } = this.#facts;
    const sources = new Map<number, number>();
    for (const transaction of transactions)
      for (let read = reads.from[transaction]; read < reads.from[transaction + 1]; read++)
        if (reads.source[read] !== INITIAL && !sources.has(reads.source[read])) sources.set(reads.source[read], transaction);
    return sources;
  }

  #break(guarantee: Guarantee, between: readonly number[], newer: number, source: number, reader: number): void {
    if (this.broken.has(guarantee)) return;
    const way = cheapestPath(this.#graph, source, newer, () => true) ?? [];
    this.broken.set(guarantee, { guarantee, witnesses: [source, newer, reader, ...between, ...turnsOf(way)] });
  }
}

/** The transactions at which a way changes from session order to reads or back; between them, session order says enough. */
export function turnsOf(way: readonly Edge[]): number[] {
  return way.flatMap((edge, index) => (index > 0 && way[index - 1].reason === edge.reason && edge.read < 0 ? [] : [edge.before]));
}
