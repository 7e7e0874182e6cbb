// What a history says by itself, before anything is concluded from it: which write each read saw, what each transaction leaves behind, and what is wrong within single
// transactions. The definitions are those of Biswas and Enea, "On the Complexity of Checking Transactional Consistency" (OOPSLA 2019), section 2.

import { Column, gather, type Lists } from "./column.js";
import { lineError } from "./format.js";
import { ABORTED, COMMITTED, DELETION, INITIAL, LOST, NOTHING, READ, type History } from "./history.js";
import { PairMap } from "./pair-map.js";

/** An anomaly that one transaction shows. */
export type LocalAnomaly = "thin-air read" | "aborted read" | "intermediate read" | "future read" | "own write not read";

export interface LocalProblem {
  readonly anomaly: LocalAnomaly;
  readonly transaction: number;
  /** The read that shows it, as a number of an operation. */
  readonly operation: number;
  /** The other operation that it takes, where there is one. */
  readonly other: number | undefined;
}

/** Reads of what other transactions wrote, by number, those of one transaction next to each other and in its order. */
export interface Reads {
  readonly transaction: Int32Array;
  readonly key: Int32Array;
  /** The transaction that wrote what was read. */
  readonly source: Int32Array;
  readonly operation: Int32Array;
  /** The reads of transaction `t` are `from[t]` to before `from[t + 1]`. */
  readonly from: Int32Array;
}

export interface Facts {
  readonly history: History;
  readonly reads: Reads;
  /** By transaction: the keys that it leaves written. */
  readonly writes: Lists;
  /** By transaction: whether it counts: it is known to have happened, or somebody saw it. */
  readonly isLive: Uint8Array;
  /** By key: the operations that may have made it read as nothing after the beginning. */
  readonly absences: ReadonlyMap<number, readonly number[]>;
  /** Reads that saw nothing where such an operation may be why: it is not known which write they saw. By transaction, operations. */
  readonly vague: ReadonlyMap<number, readonly number[]>;
  readonly problems: readonly LocalProblem[];
  /** The transaction of an operation. */
  readonly ownerOf: (operation: number) => number;
  /** The transaction that wrote what a read saw, and of a write its own; -1 where there is none. */
  readonly writerOf: (operation: number) => number;
}

export function factsOf(history: History): Facts {
  return new Finder(history).facts();
}

class Finder {
  readonly #history: History;
  readonly #owner: Int32Array;
  /** The operation that wrote a value to a key, by both. */
  readonly #writer: PairMap;
  readonly #absences = new Map<number, number[]>();
  readonly #vague = new Map<number, number[]>();
  readonly #problems: LocalProblem[] = [];
  readonly #isLive: Uint8Array;
  readonly #writesOwner = new Column();
  readonly #writesKey = new Column();
  readonly #reads = { transaction: new Column(), key: new Column(), source: new Column(), operation: new Column() };
  /** By key: the last write of the transaction that is being looked at, as an operation. */
  readonly #lastWrite: Int32Array;

  constructor(history: History) {
    this.#history = history;
    const { transactions, operations, keys } = history;
    this.#owner = new Int32Array(operations.kind.length);
    for (let transaction = 0; transaction < transactions; transaction++)
      this.#owner.fill(transaction, operations.from[transaction], operations.from[transaction + 1]);
    this.#isLive = new Uint8Array(transactions);
    this.#writer = new PairMap(operations.kind.reduce((count, kind) => (kind === READ ? count : count + 1), 0));
    this.#lastWrite = new Int32Array(keys.length).fill(-1);
  }

  facts(): Facts {
    const { history } = this;
    this.#indexWrites();
    this.#findLive();
    for (let transaction = 1; transaction < history.transactions; transaction++) this.#lookAt(transaction);
    const { transaction, key, source, operation } = this.#reads;
    const owners = transaction.view();
    const owner = this.#owner;
    return {
      history,
      reads: {
        transaction: owners,
        key: key.view(),
        source: source.view(),
        operation: operation.view(),
        from: gather(history.transactions, owners, owners).from,
      },
      writes: gather(history.transactions, this.#writesOwner.view(), this.#writesKey.view()),
      isLive: this.#isLive,
      absences: this.#absences,
      vague: this.#vague,
      problems: this.#problems,
      ownerOf: (index) => owner[index],
      writerOf: (index) => {
        const writer = history.operations.kind[index] === READ ? this.#writerOf(index) : index;
        return writer < 0 ? -1 : owner[writer];
      },
    };
  }

  get history(): History {
    return this.#history;
  }

  #indexWrites(): void {
    const { operations, status, keys, values, labels } = this.#history;
    for (let index = 0; index < operations.kind.length; index++) {
      if (operations.kind[index] === READ) continue;
      const key = operations.key[index];
      const value = operations.value[index];
      const owner = this.#owner[index];
      if (status[owner] !== ABORTED && (operations.kind[index] === DELETION || operations.expiresMs.has(index))) this.#absencesOf(key).push(index);
      if (value === NOTHING) continue;
      const other = this.#writer.get(key, value);
      if (other >= 0 && this.#owner[other] !== owner)
        throw lineError(
          labels.line[owner],
          `writes ${JSON.stringify(keys[key])} = ${JSON.stringify(values[value])}, as line ${labels.line[this.#owner[other]]} does: each write of a key needs a value of its own`,
        );
      this.#writer.set(key, value, index);
    }
  }

  #absencesOf(key: number): number[] {
    let absences = this.#absences.get(key);
    if (absences === undefined) this.#absences.set(key, (absences = []));
    return absences;
  }

  /** What is not known to have happened did happen if somebody saw it who counts; so this goes on until nothing new is found. */
  #findLive(): void {
    const { transactions, status, isPart } = this.#history;
    if (isPart || status.every((one) => one === COMMITTED)) {
      status.forEach((one, transaction) => (this.#isLive[transaction] = one === ABORTED ? 0 : 1));
      return;
    }
    const found: number[] = [];
    for (let transaction = 0; transaction < transactions; transaction++) {
      if (status[transaction] !== COMMITTED) continue;
      this.#isLive[transaction] = 1;
      found.push(transaction);
    }
    while (found.length > 0) {
      for (const operation of this.#readsIn(found.pop()!)) {
        const writer = this.#writerOf(operation);
        if (writer < 0) continue;
        const source = this.#owner[writer];
        if (this.#isLive[source] === 1 || status[source] === ABORTED) continue;
        this.#isLive[source] = 1;
        found.push(source);
      }
    }
  }

  *#readsIn(transaction: number): Generator<number> {
    const { from, kind } = this.#history.operations;
    for (let index = from[transaction]; index < from[transaction + 1]; index++) if (kind[index] === READ) yield index;
  }

  /** The operation that wrote what was read; -1 for none. */
  #writerOf(read: number): number {
    const { key, value } = this.#history.operations;
    return value[read] === NOTHING ? -1 : this.#writer.get(key[read], value[read]);
  }

  #lookAt(transaction: number): void {
    if (this.#isLive[transaction] === 0) return;
    const { from, kind, key } = this.#history.operations;
    const begin = from[transaction];
    const end = from[transaction + 1];
    for (let index = begin; index < end; index++) {
      if (kind[index] === READ) this.#lookAtRead(transaction, index);
      else this.#lastWrite[key[index]] = index;
    }
    for (let index = begin; index < end; index++) {
      if (this.#lastWrite[key[index]] === index) {
        this.#writesOwner.push(transaction);
        this.#writesKey.push(key[index]);
      }
    }
    for (let index = begin; index < end; index++) this.#lastWrite[key[index]] = -1;
  }

  #lookAtRead(transaction: number, read: number): void {
    const { operations, status } = this.#history;
    const key = operations.key[read];
    const own = this.#lastWrite[key];
    if (own >= 0) {
      if (!this.#isOf(read, own)) this.#problem("own write not read", read, own);
      return;
    }
    const writer = this.#writerOf(read);
    if (writer < 0) {
      if (operations.value[read] !== NOTHING) this.#problem("thin-air read", read);
      else if (!this.#history.sawBeginning.has(read) && this.#mayBeVague(transaction, key))
        this.#vague.set(transaction, [...(this.#vague.get(transaction) ?? []), read]);
      else this.#see(transaction, read, INITIAL);
      return;
    }
    const source = this.#owner[writer];
    if (source === transaction) this.#problem("future read", read, writer);
    else if (status[source] === ABORTED) this.#problem("aborted read", read, writer);
    else if (this.#isOverwrittenWithin(writer, source)) this.#problem("intermediate read", read, writer);
    else this.#see(transaction, read, source);
  }

  /** Whether a read saw what this operation of its own transaction left. */
  #isOf(read: number, own: number): boolean {
    const { kind, value, expiresMs } = this.#history.operations;
    if (value[read] === NOTHING) return kind[own] === DELETION || expiresMs.has(own);
    return value[read] === value[own];
  }

  #isOverwrittenWithin(writer: number, source: number): boolean {
    const { from, kind, key } = this.#history.operations;
    for (let index = writer + 1; index < from[source + 1]; index++) if (kind[index] !== READ && key[index] === key[writer]) return true;
    return false;
  }

  /** Whether something may have made the key read as nothing by the time of the transaction. */
  #mayBeVague(transaction: number, key: number): boolean {
    const { operations, labels } = this.#history;
    const atMs = labels.atMs[transaction] ?? Infinity;
    return (this.#absences.get(key) ?? []).some((absence) => (operations.expiresMs.get(absence) ?? -Infinity) <= atMs);
  }

  #see(transaction: number, read: number, source: number): void {
    this.#reads.transaction.push(transaction);
    this.#reads.key.push(this.#history.operations.key[read]);
    this.#reads.source.push(source);
    this.#reads.operation.push(read);
  }

  #problem(anomaly: LocalAnomaly, operation: number, other?: number): void {
    this.#problems.push({ anomaly, transaction: this.#owner[operation], operation, other });
  }
}

/** Whether a transaction leaves a key written. */
export function leaves({ writes }: Facts, transaction: number, key: number): boolean {
  for (let at = writes.from[transaction]; at < writes.from[transaction + 1]; at++) if (writes.items[at] === key) return true;
  return false;
}

/** Whether a transaction may stand above another one: what was lost may be seen, and nobody can count on it. */
export function overwrites({ history }: Facts, transaction: number): boolean {
  return history.status[transaction] !== LOST;
}
