// The four session guarantees (Terry and others, "Session Guarantees for Weakly Consistent Replicated Data", 1994), for reads of values. A read breaks one when it saw a write that another
// write to the key follows causally, and that other write is one that the guarantee asks for. What the guarantees ask for is all in the causal past, so only such stale reads are
// looked at, and where causal consistency holds there is none.

import { leaves, overwrites, type Facts } from "./facts.js";
import { cheapestPath, type Edge, type Graph } from "./graph.js";
import { INITIAL } from "./history.js";

export type Guarantee = "read your writes" | "monotonic reads" | "monotonic writes" | "writes follow reads";

export const GUARANTEES: readonly Guarantee[] = ["read your writes", "monotonic reads", "monotonic writes", "writes follow reads"];

/** How many steps are taken to find out which guarantees are broken, in a history that is not causal. */
const STEPS_MAX = 200_000_000;

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
  readonly #order: Int32Array;
  readonly #positions: Int32Array;
  /** Marks by position, clear between two reads: what is before the reader, and what follows the write that it saw. */
  readonly #isBefore: Uint8Array;
  readonly #isAfter: Uint8Array;

  constructor(facts: Facts, order: Int32Array, graph: Graph) {
    this.#facts = facts;
    this.#graph = graph;
    this.#order = order;
    this.#positions = new Int32Array(order.length);
    for (let position = 0; position < order.length; position++) this.#positions[order[position]] = position;
    this.#isBefore = new Uint8Array(order.length);
    this.#isAfter = new Uint8Array(order.length);
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
    // What stands between a newer write and the reader stands behind it in the order too, so nothing before the first of them is of interest.
    const first = this.#positions[newer[0]];
    const lineage = this.#sessionPast([reader], first);
    const seenBefore = this.#sourcesOf(lineage.keys());
    const seen = this.#sourcesOf([...lineage.keys(), reader]);
    // By transaction: one of those that were seen and that it stands before in session order.
    const beforeSeen = this.#sessionPast([...seen.keys()], first);
    const seenByWriters = this.#sourcesOf([...beforeSeen.keys(), ...seen.keys()]);
    for (const write of newer) {
      if (lineage.has(write)) this.#break("read your writes", [], write, source, reader);
      if (seenBefore.has(write)) this.#break("monotonic reads", [seenBefore.get(write)!], write, source, reader);
      if (beforeSeen.has(write)) {
        const writer = beforeSeen.get(write)!;
        this.#break("monotonic writes", [writer, seen.get(writer)!], write, source, reader);
      }
      if (seenByWriters.has(write)) {
        const reading = seenByWriters.get(write)!;
        const writer = seen.has(reading) ? reading : beforeSeen.get(reading)!;
        this.#break("writes follow reads", [reading, writer, seen.get(writer)!], write, source, reader);
      }
    }
  }

  /** The writes to the key in the causal past of the reader that follow the one that it saw, in causal order. */
  #newerWrites(reader: number, source: number, key: number): number[] {
    const [begin, end] = [this.#positions[source], this.#positions[reader]];
    const { from, before } = this.#graph;
    this.steps += 2 * (end - begin);
    this.#isBefore[end] = 1;
    for (let position = end; position > begin; position--) {
      if (this.#isBefore[position] === 0) continue;
      const transaction = this.#order[position];
      for (let edge = from[transaction]; edge < from[transaction + 1]; edge++) this.#isBefore[this.#positions[before[edge]]] = 1;
    }
    const newer: number[] = [];
    this.#isAfter[begin] = 1;
    for (let position = begin + 1; position < end; position++) {
      const transaction = this.#order[position];
      if (source !== INITIAL && !this.#followsAny(transaction)) continue;
      this.#isAfter[position] = 1;
      if (this.#isBefore[position] === 1 && overwrites(this.#facts, transaction) && leaves(this.#facts, transaction, key)) newer.push(transaction);
    }
    // Marks before the write that was seen were made on the way, too.
    this.#isBefore.fill(0, 0, end + 1);
    this.#isAfter.fill(0, begin, end + 1);
    return newer;
  }

  #followsAny(transaction: number): boolean {
    const { from, before } = this.#graph;
    for (let edge = from[transaction]; edge < from[transaction + 1]; edge++) if (this.#isAfter[this.#positions[before[edge]]] === 1) return true;
    return false;
  }

  /** What is before some transactions by session order alone and not before a position, each with one of those that it stands before. */
  #sessionPast(transactions: readonly number[], first: number): Map<number, number> {
    const { from, items } = this.#facts.history.before;
    const found = new Map<number, number>();
    const open = transactions.map((transaction): [at: number, origin: number] => [transaction, transaction]);
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      this.steps += 1;
      const [at, origin] = next;
      for (let index = from[at]; index < from[at + 1]; index++) {
        if (this.#positions[items[index]] < first || found.has(items[index])) continue;
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
