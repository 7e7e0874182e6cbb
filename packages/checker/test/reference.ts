// A slow checker, straight from the definitions: it looks for a total order of the transactions by trying all of them. It shares nothing with the package but the format of the lines.

import type { HistoryLine, TransactionLine, Value } from "../src/format.js";

interface Transaction {
  readonly line: TransactionLine;
  /** Directly before it in session order. */
  readonly before: readonly Transaction[];
}

interface Read {
  readonly by: Transaction;
  readonly key: string;
  readonly source: Transaction;
  readonly place: number;
}

export type ReferenceVerdict = Record<string, boolean | undefined>;

const INITIAL: Transaction = { line: { session: "", ops: [] }, before: [] };
const isWrite = ([kind]: TransactionLine["ops"][number]): boolean => kind !== "r";

/** Judges lines without deletions and expiry. */
export function reference(lines: readonly HistoryLine[]): ReferenceVerdict {
  const all = transactionsOf(lines);
  const live = new Set(all.filter(({ line }) => (line.status ?? "committed") === "committed"));
  for (;;) {
    const seen = all.filter((one) => !live.has(one) && one.line.status !== "aborted" && [...live].some((reader) => sees(reader, one)));
    if (seen.length === 0) break;
    for (const one of seen) live.add(one);
  }
  const transactions = [INITIAL, ...all.filter((one) => live.has(one))];
  const reads: Read[] = [];
  let isLocallyRight = true;
  for (const by of transactions) {
    by.line.ops.forEach(([kind, key, value], place) => {
      if (kind !== "r") return;
      const earlier = by.line.ops.slice(0, place).filter((one) => isWrite(one) && one[1] === key);
      if (earlier.length > 0) {
        if (earlier.at(-1)![2] !== value) isLocallyRight = false;
        return;
      }
      const source = value === null ? INITIAL : all.find((one) => leavesValue(one, key, value));
      if (source === undefined || source === by || source.line.status === "aborted") isLocallyRight = false;
      else reads.push({ by, key, source, place });
    });
  }
  const session = closure(transactions, (a, b) => b.before.includes(a) || (a === INITIAL && b !== INITIAL));
  const readsFrom = (a: Transaction, b: Transaction): boolean => reads.some(({ by, source }) => by === b && source === a);
  const past = closure(transactions, (a, b) => session(a, b) || readsFrom(a, b));
  if (transactions.some((one) => past(one, one))) return { "read committed": false, "read atomic": false, causal: false };

  // The axioms: each says of two writers of a key, of which one was read, whether the other one is visible to the reader.
  const level = (isVisible: (writer: Transaction, read: Read) => boolean): boolean => {
    const pairs: [Transaction, Transaction][] = [];
    for (const read of reads)
      for (const writer of transactions)
        if (writer !== read.source && writer !== read.by && leaves(writer, read.key) && writer.line.status !== "lost" && isVisible(writer, read))
          pairs.push([writer, read.source]);
    return isLocallyRight && someOrder(transactions, (order) => holdsIn(order, past, pairs));
  };
  const stamps = (a: Transaction, b: Transaction): boolean => {
    const [x, y] = [a.line.stamp, b.line.stamp];
    return x !== undefined && y !== undefined && a.line.ops.some(isWrite) && b.line.ops.some(isWrite) && (x[0] < y[0] || (x[0] === y[0] && x[1] < y[1]));
  };
  const causal = (): boolean => {
    const pairs: [Transaction, Transaction][] = [];
    for (const a of transactions) for (const b of transactions) if (stamps(a, b)) pairs.push([a, b]);
    return level((writer, read) => past(writer, read.by)) && (pairs.length === 0 || bothHold(pairs));
  };
  const bothHold = (more: readonly [Transaction, Transaction][]): boolean => {
    const pairs = [...more];
    for (const read of reads)
      for (const writer of transactions)
        if (writer !== read.source && writer !== read.by && leaves(writer, read.key) && writer.line.status !== "lost" && past(writer, read.by))
          pairs.push([writer, read.source]);
    return someOrder(transactions, (order) => holdsIn(order, past, pairs));
  };

  // The session guarantees: no read may see what was overwritten by a write that the guarantee asks for.
  const guarantee = (asksFor: (writer: Transaction, reader: Transaction) => boolean): boolean =>
    !reads.some(({ by, key, source }) =>
      transactions.some((writer) => leaves(writer, key) && writer.line.status !== "lost" && past(source, writer) && past(writer, by) && asksFor(writer, by)),
    );
  const wasSeen = (writer: Transaction, reader: Transaction): boolean =>
    transactions.some((one) => (one === reader || session(one, reader)) && readsFrom(writer, one));
  return {
    "read committed": level((writer, read) => reads.some(({ by, source, place }) => by === read.by && source === writer && place < read.place)),
    "read atomic": level((writer, read) => session(writer, read.by) || readsFrom(writer, read.by)),
    causal: causal(),
    "read your writes": guarantee(session),
    "monotonic reads": guarantee((writer, reader) => transactions.some((one) => session(one, reader) && readsFrom(writer, one))),
    "monotonic writes": guarantee((writer, reader) => transactions.some((later) => session(writer, later) && wasSeen(later, reader))),
    "writes follow reads": guarantee((writer, reader) =>
      transactions.some((later) => wasSeen(later, reader) && transactions.some((one) => (one === later || session(one, later)) && readsFrom(writer, one))),
    ),
  };
}

function transactionsOf(lines: readonly HistoryLine[]): Transaction[] {
  const heads = new Map<string, readonly Transaction[]>();
  const transactions: Transaction[] = [];
  for (const line of lines) {
    if ("from" in line)
      heads.set(
        line.session,
        line.from.flatMap((other) => heads.get(other) ?? []),
      );
    else if ("ops" in line) {
      const transaction = { line, before: heads.get(line.session) ?? [] };
      transactions.push(transaction);
      heads.set(line.session, (line.status ?? "committed") === "committed" ? [transaction] : transaction.before);
    }
  }
  return transactions;
}

const leaves = ({ line }: Transaction, key: string): boolean => line.ops.some((one) => isWrite(one) && one[1] === key);

/** Whether this is the last value that the transaction wrote to the key. */
function leavesValue({ line }: Transaction, key: string, value: Value | undefined): boolean {
  return line.ops.filter((one) => isWrite(one) && one[1] === key).at(-1)?.[2] === value;
}

function sees(reader: Transaction, writer: Transaction): boolean {
  return reader.line.ops.some(([kind, key, value]) => kind === "r" && writer.line.ops.some((one) => isWrite(one) && one[1] === key && one[2] === value));
}

function closure(transactions: readonly Transaction[], direct: (a: Transaction, b: Transaction) => boolean): (a: Transaction, b: Transaction) => boolean {
  const reach = new Map(transactions.map((a) => [a, new Set(transactions.filter((b) => direct(a, b)))]));
  for (const middle of transactions) for (const a of transactions) if (reach.get(a)!.has(middle)) for (const b of reach.get(middle)!) reach.get(a)!.add(b);
  return (a, b) => reach.get(a)!.has(b);
}

function holdsIn(order: readonly Transaction[], past: (a: Transaction, b: Transaction) => boolean, pairs: readonly [Transaction, Transaction][]): boolean {
  const place = new Map(order.map((transaction, index) => [transaction, index]));
  const isBefore = (a: Transaction, b: Transaction): boolean => place.get(a)! < place.get(b)!;
  return order.every((a) => order.every((b) => !past(a, b) || isBefore(a, b))) && pairs.every(([a, b]) => isBefore(a, b));
}

/** Whether some order of them is right: all are tried. */
function someOrder(transactions: readonly Transaction[], isRight: (order: readonly Transaction[]) => boolean): boolean {
  const tried = (chosen: readonly Transaction[], left: readonly Transaction[]): boolean =>
    left.length === 0
      ? isRight(chosen)
      : left.some((next) =>
          tried(
            [...chosen, next],
            left.filter((one) => one !== next),
          ),
        );
  return tried([], transactions);
}
