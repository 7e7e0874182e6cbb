// A history in memory, in columns: transactions by number in the order of the file, their operations, and the session order between them. Number 0 is the initial transaction,
// which wrote "nothing" to every key before all others. This file owns how lines become columns; what they prove is judged elsewhere.

import { Column, gather, type Lists } from "./column.js";
import { lineError, parseLine, type HistoryLine, type OperationLine, type SessionLine, type Status, type TransactionLine, type Value } from "./format.js";

export const INITIAL = 0;
/** The value of a read that saw nothing, and of a deletion without a name. */
export const NOTHING = -1;

export const READ = 0;
export const WRITE = 1;
export const DELETION = 2;

const STATUSES: readonly Status[] = ["committed", "unknown", "aborted", "lost"];
export const COMMITTED = 0;
export const ABORTED = 2;
export const LOST = 3;

const KINDS = { r: READ, w: WRITE, d: DELETION } as const;

/** The operations of all transactions: those of transaction `t` are `from[t]` to before `from[t + 1]`. */
export interface Operations {
  readonly from: Int32Array;
  readonly kind: Int32Array;
  /** Numbers, for `History.keys` and `History.values`. */
  readonly key: Int32Array;
  readonly value: Int32Array;
  /** Of writes that expire: from when they may read as nothing. */
  readonly expiresMs: ReadonlyMap<number, number>;
}

/** What a history says of transactions beside what is judged; absent where no line says so. */
export interface Labels {
  readonly line: Int32Array;
  readonly name: readonly (Value | undefined)[];
  readonly node: readonly (string | undefined)[];
  readonly atMs: readonly (number | undefined)[];
}

export interface History {
  /** How many there are, with the initial one. */
  readonly transactions: number;
  /** By transaction; -1 for the initial one. */
  readonly session: Int32Array;
  readonly status: Int32Array;
  readonly operations: Operations;
  /** The transactions directly before one in session order; several after a join. */
  readonly before: Lists;
  /** The rank of a transaction's writes, where it is known. */
  readonly stamps: ReadonlyMap<number, readonly [timestamp: number, replica: number]>;
  /** Whether this is a part of a history, so that everything in it counts that is not known not to have happened. */
  readonly isPart: boolean;
  /** Reads that saw nothing of which it is known that they saw the beginning, as operations. */
  readonly sawBeginning: ReadonlySet<number>;
  readonly labels: Labels;
  readonly sessions: readonly string[];
  readonly keys: readonly string[];
  readonly values: readonly Value[];
}

/** Numbers names in the order in which they are met. */
class Numbering<Name> {
  readonly names: Name[] = [];
  readonly #numbers = new Map<Name, number>();

  numberOf(name: Name): number {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.names.length;
      this.names.push(name);
      this.#numbers.set(name, number);
    }
    return number;
  }

  has(name: Name): boolean {
    return this.#numbers.has(name);
  }
}

/** Takes a history line by line. */
export class HistoryBuilder {
  readonly #sessions = new Numbering<string>();
  readonly #keys = new Numbering<string>();
  readonly #values = new Numbering<Value>();
  readonly #session = new Column();
  readonly #status = new Column();
  readonly #opsFrom = new Column();
  readonly #kind = new Column();
  readonly #key = new Column();
  readonly #value = new Column();
  readonly #expiresMs = new Map<number, number>();
  readonly #beforeOwner = new Column();
  readonly #beforeItem = new Column();
  readonly #stamps = new Map<number, readonly [number, number]>();
  readonly #line = new Column();
  readonly #names: (Value | undefined)[] = [];
  readonly #nodes: (string | undefined)[] = [];
  readonly #atMs: (number | undefined)[] = [];
  /** By session: the transactions that its next one directly follows. */
  readonly #heads: (readonly number[])[] = [];
  /** Lines so far. */
  lines = 0;

  constructor() {
    this.#begin(-1, COMMITTED, { session: "", ops: [] });
  }

  /** Takes a line of a file, which may be empty. Throws `VALUE_INVALID` where it is wrong. */
  addText(text: string): void {
    if (text.trim() === "") this.lines += 1;
    else this.add(parseLine(text, this.lines + 1));
  }

  /** Takes a line that was checked. */
  add(line: HistoryLine): void {
    this.lines += 1;
    if ("history" in line) return;
    if ("from" in line) this.#addSession(line);
    else this.#addTransaction(line);
  }

  #addSession({ session, from }: SessionLine): void {
    if (this.#sessions.has(session)) throw lineError(this.lines, `begins the session ${JSON.stringify(session)}, which an earlier line names`);
    const unknown = from.find((other) => !this.#sessions.has(other));
    if (unknown !== undefined) throw lineError(this.lines, `goes on from the session ${JSON.stringify(unknown)}, which no earlier line names`);
    const heads = from.flatMap((other) => this.#headsOf(this.#sessions.numberOf(other)));
    this.#heads[this.#sessions.numberOf(session)] = [...new Set(heads)];
  }

  #addTransaction(line: TransactionLine): void {
    const { session, ops, status = "committed" } = line;
    const number = this.#sessions.numberOf(session);
    const transaction = this.#begin(number, STATUSES.indexOf(status), line);
    for (const operation of ops) this.#addOperation(operation);
    // What is not known to have happened is nothing that the session goes on from.
    if (status === "committed") this.#heads[number] = [transaction];
  }

  #begin(session: number, status: number, { txn, node, at, stamp }: TransactionLine): number {
    const transaction = this.#session.length;
    for (const before of session < 0 ? [] : this.#headsOf(session)) {
      this.#beforeOwner.push(transaction);
      this.#beforeItem.push(before);
    }
    this.#session.push(session);
    this.#status.push(status);
    this.#opsFrom.push(this.#kind.length);
    this.#line.push(this.lines);
    this.#names.push(txn);
    this.#nodes.push(node);
    this.#atMs.push(at);
    if (stamp !== undefined) this.#stamps.set(transaction, stamp);
    return transaction;
  }

  #headsOf(session: number): readonly number[] {
    const heads = this.#heads[session];
    return heads === undefined || heads.length === 0 ? [INITIAL] : heads;
  }

  #addOperation(operation: OperationLine): void {
    const value = operation[2];
    const expiresMs = operation[3];
    if (expiresMs !== undefined) this.#expiresMs.set(this.#kind.length, expiresMs);
    this.#kind.push(KINDS[operation[0]]);
    this.#key.push(this.#keys.numberOf(operation[1]));
    this.#value.push(value === null || value === undefined ? NOTHING : this.#values.numberOf(value));
  }

  /** The history so far; nothing can be added afterwards. */
  build(): History {
    const transactions = this.#session.length;
    this.#opsFrom.push(this.#kind.length);
    return {
      transactions,
      session: this.#session.view(),
      status: this.#status.view(),
      operations: {
        from: this.#opsFrom.view(),
        kind: this.#kind.view(),
        key: this.#key.view(),
        value: this.#value.view(),
        expiresMs: this.#expiresMs,
      },
      before: gather(transactions, this.#beforeOwner.view(), this.#beforeItem.view()),
      stamps: this.#stamps,
      isPart: false,
      sawBeginning: new Set(),
      labels: { line: this.#line.view(), name: this.#names, node: this.#nodes, atMs: this.#atMs },
      sessions: this.#sessions.names,
      keys: this.#keys.names,
      values: this.#values.names,
    };
  }
}

/** How a report names a transaction. */
export function nameOf({ labels }: History, transaction: number): string {
  if (transaction === INITIAL) return "the beginning";
  const name = labels.name[transaction];
  return name === undefined ? `line ${labels.line[transaction]}` : `#${name}`;
}
