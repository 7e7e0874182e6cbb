// A graph of transactions in which each edge says that one comes before another and why; its strongly connected components, and the shortest circle through one of them. A history
// is legal where such a graph has no circle.

import type { Column } from "./column.js";

/** Why one transaction comes before another: by session order, by a read, by the rank of their writes, or by a conclusion from a read. */
export const BY_SESSION = 0;
export const BY_READ = 1;
export const BY_STAMP = 2;
export const BY_CONCLUSION = 3;
export type Reason = typeof BY_SESSION | typeof BY_READ | typeof BY_STAMP | typeof BY_CONCLUSION;

export interface Edge {
  readonly before: number;
  readonly after: number;
  readonly reason: Reason;
  /** The read that it follows from, for reads and conclusions. */
  readonly read: number;
}

/** Edges in columns. */
export interface EdgeColumns {
  readonly before: Column;
  readonly after: Column;
  readonly reason: Column;
  readonly read: Column;
}

/** Edges by the transaction that comes after. */
export interface Graph {
  readonly size: number;
  readonly from: Int32Array;
  readonly before: Int32Array;
  readonly reason: Int32Array;
  readonly read: Int32Array;
}

export function graphOf(size: number, edges: EdgeColumns): Graph {
  const after = edges.after.view();
  const from = new Int32Array(size + 1);
  for (const transaction of after) from[transaction + 1] += 1;
  for (let transaction = 0; transaction < size; transaction++) from[transaction + 1] += from[transaction];
  const [before, reason, read] = [new Int32Array(after.length), new Int32Array(after.length), new Int32Array(after.length)];
  const next = from.slice();
  for (let edge = 0; edge < after.length; edge++) {
    const place = next[after[edge]]++;
    before[place] = edges.before.at(edge);
    reason[place] = edges.reason.at(edge);
    read[place] = edges.read.at(edge);
  }
  return { size, from, before, reason, read };
}

/** The components of more than one transaction, and the component of each transaction (-1 for none), by Tarjan's algorithm without recursion. */
export function components({ size, from, before }: Graph): { readonly members: readonly number[][]; readonly of: Int32Array } {
  const index = new Int32Array(size).fill(-1);
  const low = new Int32Array(size);
  const next = from.slice(0, size);
  const isOnStack = new Uint8Array(size);
  const stack = new Int32Array(size);
  const path = new Int32Array(size);
  const members: number[][] = [];
  const of = new Int32Array(size).fill(-1);
  let [count, stacked, depth] = [0, 0, 0];
  for (let root = 0; root < size; root++) {
    if (index[root] >= 0) continue;
    let opened = root;
    do {
      if (opened >= 0) {
        index[opened] = low[opened] = count++;
        isOnStack[opened] = 1;
        stack[stacked++] = opened;
        path[depth++] = opened;
      }
      opened = -1;
      const node = path[depth - 1];
      if (next[node] < from[node + 1]) {
        const other = before[next[node]++];
        if (index[other] < 0) opened = other;
        else if (isOnStack[other] === 1) low[node] = Math.min(low[node], index[other]);
        continue;
      }
      depth -= 1;
      if (depth > 0) low[path[depth - 1]] = Math.min(low[path[depth - 1]], low[node]);
      if (low[node] !== index[node]) continue;
      // What stands on the stack from the node on is its component.
      const top = stacked;
      do isOnStack[stack[--stacked]] = 0;
      while (stack[stacked] !== node);
      if (top - stacked === 1) continue;
      const component = [...stack.subarray(stacked, top)];
      for (const member of component) of[member] = members.length;
      members.push(component);
    } while (depth > 0 || opened >= 0);
  }
  return { members, of };
}

/** What a step costs in a circle that people are to understand: the fewer conclusions the better, and a session that goes on for long is one step. */
const COSTS: Readonly<Record<Reason, number>> = { [BY_SESSION]: 2, [BY_READ]: 2, [BY_STAMP]: 4, [BY_CONCLUSION]: 8 };

/** How a transaction was come to: for one of four reasons, or as the end. */
const WAYS = 5;
const AT_END = 4;

/** The cheapest way from one transaction to another in the graph, in order; undefined where there is none. `allowed` says which transactions it may take. */
export function cheapestPath(graph: Graph, begin: number, end: number, allowed: (transaction: number) => boolean): readonly Edge[] | undefined {
  // Backwards, since edges are found by what comes after. A state is a transaction and whether it was come to by session order, or by stamps, whose continuation is free.
  const came = new Map<number, { readonly cost: number; readonly edge: number; readonly previous: number }>();
  const buckets: number[][] = [[end * WAYS + AT_END]];
  came.set(end * WAYS + AT_END, { cost: 0, edge: -1, previous: -1 });
  for (let cost = 0; cost < buckets.length; cost++) {
    for (const state of buckets[cost] ?? []) {
      if (came.get(state)!.cost !== cost) continue;
      const transaction = Math.floor(state / WAYS);
      if (transaction === begin && cost > 0) return pathFrom(graph, came, state);
      for (let edge = graph.from[transaction]; edge < graph.from[transaction + 1]; edge++) {
        const reason = graph.reason[edge] as Reason;
        const previous = graph.before[edge];
        if (!allowed(previous)) continue;
        const isContinued = state % WAYS === reason && (reason === BY_SESSION || reason === BY_STAMP);
        const total = cost + (isContinued ? 0 : COSTS[reason]);
        const to = previous * WAYS + reason;
        const known = came.get(to);
        if (known !== undefined && known.cost <= total) continue;
        came.set(to, { cost: total, edge, previous: state });
        (buckets[total] ??= []).push(to);
      }
    }
  }
  return undefined;
}

function pathFrom(graph: Graph, came: ReadonlyMap<number, { readonly edge: number; readonly previous: number }>, state: number): Edge[] {
  const edges: Edge[] = [];
  for (let at = came.get(state)!; at.edge >= 0; at = came.get(at.previous)!) {
    const after = Math.floor(at.previous / WAYS);
    edges.push({ before: graph.before[at.edge], after, reason: graph.reason[at.edge] as Reason, read: graph.read[at.edge] });
  }
  return edges;
}
