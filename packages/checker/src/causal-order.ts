// An order of the transactions in which every one stands behind what it follows: session order and reads-from. Where there is none, information flowed in a circle (G1c).

import type { Facts } from "./facts.js";

/** By position; or a circle of transactions, each directly followed by the next and the last by the first. */
export type CausalOrder = { readonly order: Int32Array } | { readonly circle: readonly number[] };

const UNSEEN = 0;
const OPEN = 1;
const DONE = 2;

export function causalOrder(facts: Facts): CausalOrder {
  const { transactions } = facts.history;
  const state = new Uint8Array(transactions);
  const order = new Int32Array(transactions);
  let length = 0;
  // Depth first, without recursion; near the order of the file, in which most of what a transaction follows stands before it.
  const path: number[] = [];
  const next = new Int32Array(transactions);
  for (let root = 0; root < transactions; root++) {
    if (state[root] !== UNSEEN) continue;
    state[root] = OPEN;
    path.push(root);
    while (path.length > 0) {
      const transaction = path[path.length - 1];
      const cause = causeOf(facts, transaction, next[transaction]++);
      if (cause === undefined) {
        state[transaction] = DONE;
        order[length++] = transaction;
        path.pop();
      } else if (state[cause] === UNSEEN) {
        state[cause] = OPEN;
        path.push(cause);
      } else if (state[cause] === OPEN) return { circle: path.slice(path.indexOf(cause)).reverse() };
    }
  }
  return { order };
}

/** What a transaction directly follows, one after the other; undefined at the end. */
function causeOf({ history, reads }: Facts, transaction: number, index: number): number | undefined {
  const { from, items } = history.before;
  const count = from[transaction + 1] - from[transaction];
  if (index < count) return items[from[transaction] + index];
  const read = reads.from[transaction] + index - count;
  return read < reads.from[transaction + 1] ? reads.source[read] : undefined;
}
