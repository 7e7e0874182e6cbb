// A part of a history, as a history of its own: some of its transactions with some of their operations, in the session order that they had.

import { gather } from "./column.js";
import { INITIAL, NOTHING, READ, type History } from "./history.js";

/** `transactions` are kept, and of their operations those that `keeps` says; numbers are new, in the same order. */
export function partOf(history: History, transactions: Iterable<number>, keeps: (operation: number) => boolean = () => true): History {
  const kept = [...new Set([INITIAL, ...transactions])].sort((a, b) => a - b);
  const numbers = new Map(kept.map((transaction, index) => [transaction, index]));
  const { from, kind, key, value, expiresMs } = history.operations;
  const operations: number[] = [];
  const opsFrom: number[] = [];
  for (const transaction of kept) {
    opsFrom.push(operations.length);
    for (let index = from[transaction]; index < from[transaction + 1]; index++) if (keeps(index)) operations.push(index);
  }
  opsFrom.push(operations.length);
  const keys = renumbered(operations.map((index) => key[index]));
  const values = renumbered(operations.map((index) => value[index]));
  const before = kept.flatMap((transaction, index) => nearest(history, transaction, numbers).map((one): [number, number] => [index, one]));
  const pick = <Item>(items: ArrayLike<Item>): Item[] => kept.map((transaction) => items[transaction]);
  const { labels } = history;
  return {
    transactions: kept.length,
    session: Int32Array.from(pick(history.session)),
    status: Int32Array.from(pick(history.status)),
    operations: {
      from: Int32Array.from(opsFrom),
      kind: Int32Array.from(operations.map((index) => kind[index])),
      key: keys.numbers,
      value: values.numbers,
      expiresMs: new Map(operations.flatMap((index, at) => (expiresMs.has(index) ? [[at, expiresMs.get(index)!] as const] : []))),
    },
    before: gather(
      kept.length,
      Int32Array.from(before, ([owner]) => owner),
      Int32Array.from(before, ([, item]) => item),
    ),
    stamps: new Map(kept.flatMap((transaction, index) => (history.stamps.has(transaction) ? [[index, history.stamps.get(transaction)!] as const] : []))),
    isPart: true,
    sawBeginning: new Set(operations.flatMap((index, at) => (history.sawBeginning.has(index) ? [at] : []))),
    labels: { line: Int32Array.from(pick(labels.line)), name: pick(labels.name), node: pick(labels.node), atMs: pick(labels.atMs) },
    sessions: history.sessions,
    keys: keys.originals.map((number) => history.keys[number]),
    values: values.originals.map((number) => history.values[number]),
  };
}

/** Numbers from 0 on in place of others; nothing stays nothing. */
function renumbered(numbers: readonly number[]): { readonly numbers: Int32Array; readonly originals: readonly number[] } {
  const originals = [...new Set(numbers)].filter((number) => number !== NOTHING);
  const positions = new Map(originals.map((number, index) => [number, index]));
  return { numbers: Int32Array.from(numbers, (number) => positions.get(number) ?? NOTHING), originals };
}

/** The kept transactions that a transaction follows in session order with no kept one in between, by their new numbers. */
function nearest({ before }: History, transaction: number, numbers: ReadonlyMap<number, number>): number[] {
  const found = new Set<number>();
  const met = new Set<number>([transaction]);
  for (const one of met) {
    for (let index = before.from[one]; index < before.from[one + 1]; index++) {
      const number = numbers.get(before.items[index]);
      if (number === undefined) met.add(before.items[index]);
      else found.add(number);
    }
  }
  // The beginning is before everything; it is said only where nothing else is.
  if (found.size > 1) found.delete(INITIAL);
  return [...found];
}

/** What is left when an operation is taken away: without a write there are no reads of it. */
export function without(history: History, operation: number): History {
  const { operations } = history;
  const { kind, key, value } = operations;
  const goes = (index: number): boolean =>
    index === operation || (kind[operation] !== READ && kind[index] === READ && key[index] === key[operation] && value[index] === value[operation]);
  const left: number[] = [];
  for (let transaction = 1; transaction < history.transactions; transaction++)
    for (let index = operations.from[transaction]; index < operations.from[transaction + 1]; index++)
      if (!goes(index)) {
        left.push(transaction);
        break;
      }
  return partOf(history, left, (index) => !goes(index));
}
