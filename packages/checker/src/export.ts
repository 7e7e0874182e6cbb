// A history in the formats of other checkers, so that they can judge it too: Plume's text, which AWDIT reads as well, and the EDN of Jepsen and Elle (registers).
//
// They know integers, and sessions that are sequences. So this is what is written (docs/history.md says it for users):
// - An initial transaction writes every key and a sentinel, and every session reads the sentinel first. Without that some tools take a read of nothing for legal at any time.
// - A transaction is its first read of each key from outside, and its last write to each key.
// - A session that goes on from others reads marks, which the transactions that it follows write beside what else they do: the same causal order, though no session order.
// - What is not known to have happened is left out where nobody saw it, and is a session of its own otherwise. What was lost writes keys of its own, which its readers read.
// - Reads of nothing that a deletion or an expiry may explain are left out.

import { factsOf, type Facts } from "./facts.js";
import { ABORTED, COMMITTED, INITIAL, LOST, NOTHING, READ, type History } from "./history.js";

export type ExportFormat = "plume" | "elle";

/** All of them. */
export const EXPORT_FORMATS: readonly ExportFormat[] = ["plume", "elle"];

interface Access {
  readonly isRead: boolean;
  readonly key: number;
  readonly value: number;
}

interface Exported {
  readonly session: number;
  readonly isAborted: boolean;
  readonly accesses: readonly Access[];
}

/** AWDIT adds a transaction of its own that writes 0 to every key. */
const INITIAL_VALUE = 1;
const FIRST_VALUE = 2;
const SENTINEL = 0;
const INITIAL_SESSION = 0;

/** The lines of the export, each with its line end. */
export function* exportHistory(history: History, format: ExportFormat): Generator<string> {
  yield* format === "plume" ? plume(reduced(history)) : elle(reduced(history));
}

/** Transactions in the order of the file, and so of each session. */
function reduced(history: History): Exported[] {
  return new Reducer(factsOf(history)).transactions();
}

class Reducer {
  readonly #facts: Facts;
  readonly #history: History;
  readonly #exported: Exported[] = [];
  /** By transaction: its session here. */
  readonly #sessionOf = new Map<number, number>();
  #sessions = INITIAL_SESSION + 1;
  /** Transactions that others go on from in another session. */
  readonly #marked: ReadonlySet<number>;
  readonly #keys: Numbers;
  readonly #values = new Numbers(FIRST_VALUE);

  constructor(facts: Facts) {
    this.#facts = facts;
    this.#history = facts.history;
    this.#keys = new Numbers(SENTINEL + 1);
    this.#marked = this.#forkedFrom();
  }

  transactions(): Exported[] {
    const { transactions, status } = this.#history;
    for (let transaction = 1; transaction < transactions; transaction++) {
      if (status[transaction] === ABORTED) this.#add(this.#newSession(), this.#writesOf(transaction), true);
      else if (this.#facts.isLive[transaction] === 1) this.#export(transaction);
    }
    const keys = Array.from({ length: this.#keys.next }, (_, key): Access => ({ isRead: false, key, value: INITIAL_VALUE }));
    return [{ session: INITIAL_SESSION, isAborted: false, accesses: keys }, ...this.#exported];
  }

  /** Whether a transaction simply goes on with the session of the one before it. */
  #continues(transaction: number): number | undefined {
    const { before, session, status } = this.#history;
    const first = before.from[transaction];
    if (before.from[transaction + 1] - first !== 1 || status[transaction] !== COMMITTED) return undefined;
    const previous = before.items[first];
    return session[previous] === session[transaction] ? previous : undefined;
  }

  #forkedFrom(): Set<number> {
    const { transactions, before } = this.#history;
    const marked = new Set<number>();
    for (let transaction = 1; transaction < transactions; transaction++) {
      if (this.#facts.isLive[transaction] === 0 || this.#continues(transaction) !== undefined) continue;
      for (let at = before.from[transaction]; at < before.from[transaction + 1]; at++) if (before.items[at] !== INITIAL) marked.add(before.items[at]);
    }
    return marked;
  }

  #export(transaction: number): void {
    const previous = this.#continues(transaction);
    const session = previous === undefined ? this.#beginSession(transaction) : this.#sessionOf.get(previous)!;
    this.#sessionOf.set(transaction, session);
    const mark: Access[] = this.#marked.has(transaction) ? [{ isRead: false, ...this.#mark(transaction) }] : [];
    this.#add(session, [...this.#readsOf(transaction), ...this.#writesOf(transaction), ...mark], false);
  }

  #newSession(): number {
    return this.#sessions++;
  }

  #beginSession(transaction: number): number {
    const session = this.#newSession();
    const { from, items } = this.#history.before;
    const follows = [...items.subarray(from[transaction], from[transaction + 1])].filter((one) => one !== INITIAL);
    const marks = follows.map((one): Access => ({ isRead: true, ...this.#mark(one) }));
    this.#add(session, [{ isRead: true, key: SENTINEL, value: INITIAL_VALUE }, ...marks], false);
    return session;
  }

  #mark(transaction: number): { readonly key: number; readonly value: number } {
    return { key: this.#keys.of(`mark ${transaction}`), value: this.#values.of(`mark ${transaction}`) };
  }

  #add(session: number, accesses: readonly Access[], isAborted: boolean): void {
    if (accesses.length > 0) this.#exported.push({ session, isAborted, accesses });
  }

  #readsOf(transaction: number): Access[] {
    const { from, kind, key, value } = this.#history.operations;
    const vague = new Set(this.#facts.vague.get(transaction));
    const met = new Set<number>();
    const reads: Access[] = [];
    for (let index = from[transaction]; index < from[transaction + 1]; index++) {
      if (met.has(key[index])) continue;
      met.add(key[index]);
      if (kind[index] !== READ || vague.has(index)) continue;
      reads.push({ isRead: true, key: this.#keyOf(index), value: value[index] === NOTHING ? INITIAL_VALUE : this.#values.of(`value ${value[index]}`) });
    }
    return reads;
  }

  #writesOf(transaction: number): Access[] {
    const { from, kind, key, value } = this.#history.operations;
    const last = new Map<number, Access>();
    for (let index = from[transaction]; index < from[transaction + 1]; index++) {
      if (kind[index] === READ) continue;
      const name = value[index] === NOTHING ? `deletion ${index}` : `value ${value[index]}`;
      last.set(key[index], { isRead: false, key: this.#keyOf(index), value: this.#values.of(name) });
    }
    return [...last.values()];
  }

  /** The key of an operation; of what was lost, one of its own. */
  #keyOf(operation: number): number {
    const { operations, status } = this.#history;
    const owner = this.#facts.writerOf(operation);
    const lost = owner >= 0 && status[owner] === LOST ? ` of ${owner}` : "";
    return this.#keys.of(`key ${operations.key[operation]}${lost}`);
  }
}

/** Numbers names from a first number on. */
class Numbers {
  next: number;
  readonly #numbers = new Map<string, number>();

  constructor(first: number) {
    this.next = first;
  }

  of(name: string): number {
    let number = this.#numbers.get(name);
    if (number === undefined) this.#numbers.set(name, (number = this.next++));
    return number;
  }
}

function* plume(transactions: readonly Exported[]): Generator<string> {
  for (const [number, { session, isAborted, accesses }] of transactions.entries())
    for (const { isRead, key, value } of accesses) yield `${isRead ? "r" : "w"}(${key},${value},${session},${isAborted ? -1 : number})\n`;
}

function* elle(transactions: readonly Exported[]): Generator<string> {
  let index = 0;
  const operation = (type: string, session: number, value: string): string =>
    `{:index ${index}, :time ${index++}, :type ${type}, :process ${session}, :f :txn, :value [${value}]}\n`;
  for (const { session, isAborted, accesses } of transactions) {
    // A read is asked for without a value.
    const asked = accesses.map(({ isRead, key, value }) => (isRead ? `[:r ${key} nil]` : `[:w ${key} ${value}]`)).join(" ");
    const told = accesses.map(({ isRead, key, value }) => `[${isRead ? ":r" : ":w"} ${key} ${value}]`).join(" ");
    yield operation(":invoke", session, asked);
    yield operation(isAborted ? ":fail" : ":ok", session, told);
  }
}
