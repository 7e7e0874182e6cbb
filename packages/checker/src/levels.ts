// The three levels, by their axioms: a history satisfies one if there is a total order of its transactions that holds session order and reads-from, and in which, wherever a
// transaction reads a key from one writer and another writer of that key is *visible* to it, the other one comes before. What is visible differs: to read committed, what the
// transaction has read from before in itself; to read atomic, that and the session before it, and all that it reads from; to causal, everything in its causal past. (Biswas and Enea,
// figure 2; their causal consistency asks for one order for all, and so is causal consistency with convergence.) The total order exists if what has to come before what has no circle.

import { Column } from "./column.js";
import { leaves, overwrites, type Facts } from "./facts.js";
import { BY_CONCLUSION, BY_READ, BY_SESSION, BY_STAMP, graphOf, type EdgeColumns, type Graph, type Reason } from "./graph.js";
import { INITIAL } from "./history.js";
import { Pasts, type Conclusions } from "./pasts.js";

export type Level = "read committed" | "read atomic" | "causal";

export const LEVELS: readonly Level[] = ["read committed", "read atomic", "causal"];

class Edges implements EdgeColumns {
  readonly before = new Column();
  readonly after = new Column();
  readonly reason = new Column();
  readonly read = new Column();

  add(before: number, after: number, reason: Reason, read = -1): void {
    this.before.push(before);
    this.after.push(after);
    this.reason.push(reason);
    this.read.push(read);
  }

  conclude({ before, after, read }: Conclusions): void {
    for (let index = 0; index < before.length; index++) this.add(before.at(index), after.at(index), BY_CONCLUSION, read.at(index));
  }
}

/** What follows what by session order and reads alone. */
function causalEdges({ history, reads, isLive }: Facts): Edges {
  const edges = new Edges();
  const { from, items } = history.before;
  for (let transaction = 1; transaction < history.transactions; transaction++) {
    if (isLive[transaction] === 0) continue;
    for (let at = from[transaction]; at < from[transaction + 1]; at++) edges.add(items[at], transaction, BY_SESSION);
    for (let read = reads.from[transaction]; read < reads.from[transaction + 1]; read++) edges.add(reads.source[read], transaction, BY_READ, read);
  }
  return edges;
}

export function causalGraph(facts: Facts): Graph {
  return graphOf(facts.history.transactions, causalEdges(facts));
}

/** The graph whose circles are the violations of causal consistency; undefined where it surely has none. */
export function graphOfCausal(facts: Facts, order: Int32Array, conclusions: Conclusions): Graph | undefined {
  const stamped = inStampOrder(facts);
  if (stamped.length === 0 && areForward(order, conclusions)) return undefined;
  const edges = causalEdges(facts);
  edges.conclude(conclusions);
  for (let index = 1; index < stamped.length; index++) edges.add(stamped[index - 1], stamped[index], BY_STAMP);
  return graphOf(facts.history.transactions, edges);
}

/** Whether the order that there is already puts what was concluded right. */
function areForward(order: Int32Array, { before, after }: Conclusions): boolean {
  const positions = new Int32Array(order.length);
  for (let position = 0; position < order.length; position++) positions[order[position]] = position;
  for (let index = 0; index < before.length; index++) if (positions[before.at(index)] > positions[after.at(index)]) return false;
  return true;
}

/** Those that write and whose rank is known, the least first. */
function inStampOrder({ history, isLive, writes }: Facts): number[] {
  return [...history.stamps]
    .filter(([transaction]) => isLive[transaction] === 1 && writes.from[transaction] < writes.from[transaction + 1])
    .sort(([, [time, replica]], [, [otherTime, otherReplica]]) => time - otherTime || replica - otherReplica)
    .map(([transaction]) => transaction);
}

export function graphOfReadAtomic(facts: Facts, order: Int32Array): Graph {
  const edges = causalEdges(facts);
  edges.conclude(new Pasts(facts, "session").walk(order).conclusions);
  concludeWithin(facts, edges, () => true);
  return graphOf(facts.history.transactions, edges);
}

export function graphOfReadCommitted(facts: Facts): Graph {
  const edges = causalEdges(facts);
  concludeWithin(facts, edges, (other, read) => other < read);
  return graphOf(facts.history.transactions, edges);
}

/** Conclusions from the other reads of the same transaction, of those that are visible to a read. */
function concludeWithin(facts: Facts, edges: Edges, isVisible: (other: number, read: number) => boolean): void {
  const { reads, history } = facts;
  for (let transaction = 1; transaction < history.transactions; transaction++) {
    const end = reads.from[transaction + 1];
    for (let read = reads.from[transaction]; read < end; read++) {
      for (let other = reads.from[transaction]; other < end; other++) {
        const before = reads.source[other];
        const after = reads.source[read];
        if (before === after || before === INITIAL || !isVisible(other, read) || !leaves(facts, before, reads.key[read]) || !overwrites(facts, before))
          continue;
        edges.add(before, after, BY_CONCLUSION, read);
      }
    }
  }
}
