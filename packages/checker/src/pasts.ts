// Walks through the transactions in causal order, with the past of each at hand, and concludes which writes must have been overwritten by which.
//
// A past is a vector: the writing transactions are put into chains, each of which is totally ordered by the relation that is followed, and a vector says how many of each chain are in
// the past. A session is a chain; one that goes on where another ended, with all of that in its past, continues its chain, so that there are about as many chains as sessions at
// once. Vectors are dropped when everybody who follows a transaction has been looked at.

import { Column } from "./column.js";
import { overwrites, type Facts } from "./facts.js";
import { INITIAL } from "./history.js";
import { KeyWriters } from "./key-writers.js";
import { PairMap } from "./pair-map.js";

/** What is followed: session order alone, or together with reads-from (causal order). */
export type Relation = "session" | "causal";

/** Conclusions: transaction `before` comes before `after`, since the read numbered `read` saw `after` and has `before` in its past. */
export interface Conclusions {
  readonly before: Column;
  readonly after: Column;
  readonly read: Column;
}

const NO_CHAIN = -1;
const EMPTY = new Int32Array(0);
const WIDTH_MIN = 8;

export class Pasts {
  readonly conclusions: Conclusions = { before: new Column(), after: new Column(), read: new Column() };
  /** Reads that saw nothing, though everything that may have made it so was overwritten in their past; as operations. */
  readonly missedByVague: number[] = [];
  readonly #facts: Facts;
  readonly #relation: Relation;
  /** What is in the past of whoever follows a transaction, which is that transaction too. */
  readonly #vectors: (Int32Array | undefined)[];
  /** How many have still to look at it. */
  readonly #followers: Int32Array;
  readonly #free: Int32Array[] = [];
  #width = WIDTH_MIN;
  /** By chain: how many writers are in it. */
  readonly #chains: number[] = [];
  readonly #chain: Int32Array;
  readonly #position: Int32Array;
  /** The chain that a transaction's session is on. */
  readonly #sessionChain: Int32Array;
  readonly #writers: (KeyWriters | undefined)[];
  /** By key and chain: where the chain stands among the writers of the key. */
  readonly #indexes: PairMap;

  constructor(facts: Facts, relation: Relation) {
    const { transactions, keys } = facts.history;
    this.#facts = facts;
    this.#relation = relation;
    this.#vectors = new Array<Int32Array | undefined>(transactions);
    this.#followers = new Int32Array(transactions);
    this.#chain = new Int32Array(transactions).fill(NO_CHAIN);
    this.#position = new Int32Array(transactions);
    this.#sessionChain = new Int32Array(transactions).fill(NO_CHAIN);
    this.#writers = new Array<KeyWriters | undefined>(keys.length);
    this.#indexes = new PairMap(facts.writes.items.length);
    this.#countFollowers();
  }

  /** How many chains it took. */
  get chains(): number {
    return this.#chains.length;
  }

  #countFollowers(): void {
    const { history, reads, absences, writes } = this.#facts;
    for (const before of history.before.items) this.#followers[before] += 1;
    if (this.#relation === "session") return;
    for (const source of reads.source) this.#followers[source] += 1;
    // Whether an absence was overwritten is asked of the writers of its key, by whoever reads nothing.
    if (absences.size === 0) return;
    for (let transaction = 0; transaction < history.transactions; transaction++)
      for (let at = writes.from[transaction]; at < writes.from[transaction + 1]; at++) if (absences.has(writes.items[at])) this.#followers[transaction] += 1;
  }

  /** Looks at all transactions, in an order in which each stands behind what it follows. */
  walk(order: Int32Array): this {
    for (const transaction of order) {
      if (this.#facts.isLive[transaction] === 0 || transaction === INITIAL) continue;
      const past = this.#join(transaction);
      this.#conclude(transaction, past);
      this.#vectors[transaction] = this.#append(transaction, past);
      this.#release(transaction);
    }
    return this;
  }

  #join(transaction: number): Int32Array {
    const { history, reads } = this.#facts;
    const { from, items } = history.before;
    let past: Int32Array | undefined;
    for (let at = from[transaction]; at < from[transaction + 1]; at++) {
      const before = items[at];
      const vector = this.#vectors[before];
      if (vector === undefined) continue;
      if (past !== undefined) past = this.#joined(past, vector);
      else if (this.#followers[before] === 1) {
        // Nobody else asks for it any more: it is gone on with instead of copied.
        past = vector;
        this.#vectors[before] = undefined;
      } else past = this.#copy(vector);
      if (this.#sessionChain[transaction] === NO_CHAIN) this.#sessionChain[transaction] = this.#sessionChain[before];
    }
    past ??= this.#copy(EMPTY);
    if (this.#relation === "session") return past;
    for (let read = reads.from[transaction]; read < reads.from[transaction + 1]; read++) {
      const source = reads.source[read];
      if (source !== INITIAL && !this.#holds(past, source)) past = this.#joined(past, this.#vectors[source]!);
    }
    return past;
  }

  #holds(past: Int32Array, writer: number): boolean {
    const chain = this.#chain[writer];
    return chain < past.length && past[chain] >= this.#position[writer];
  }

  #joined(past: Int32Array, other: Int32Array): Int32Array {
    const joined = past.length < other.length ? this.#widened(past) : past;
    for (let chain = 0; chain < other.length; chain++) if (other[chain] > joined[chain]) joined[chain] = other[chain];
    return joined;
  }

  #copy(vector: Int32Array): Int32Array {
    let copy = this.#free.pop();
    if (copy === undefined || copy.length < this.#width) copy = new Int32Array(this.#width);
    copy.set(vector);
    copy.fill(0, vector.length);
    return copy;
  }

  #widened(past: Int32Array): Int32Array {
    if (past.length >= this.#width) return past;
    const widened = new Int32Array(this.#width);
    widened.set(past);
    return widened;
  }

  #conclude(transaction: number, past: Int32Array): void {
    const { reads, vague, history } = this.#facts;
    for (let read = reads.from[transaction]; read < reads.from[transaction + 1]; read++)
      this.#concludeFrom(read, reads.key[read], reads.source[read], transaction, past);
    if (this.#relation === "session") return;
    for (const operation of vague.get(transaction) ?? [])
      if (this.#missesAll(history.operations.key[operation], transaction, past)) this.missedByVague.push(operation);
  }

  /** The last writer of the key of each chain in the past was before the one that was read. */
  #concludeFrom(read: number, key: number, source: number, transaction: number, past: Int32Array): void {
    const writers = this.#writers[key];
    if (writers === undefined) return;
    const known = this.#vectors[source] ?? EMPTY;
    for (let index = 0; index < writers.chains; index++) {
      const chain = writers.chainAt(index);
      const count = chain < past.length ? past[chain] : 0;
      // What the source follows itself need not be said.
      const knownCount = chain < known.length ? known[chain] : 0;
      if (count <= knownCount) continue;
      const before = writers.lastWithin(index, knownCount, count);
      if (before < 0 || before === source || before === transaction) continue;
      this.conclusions.before.push(before);
      this.conclusions.after.push(source);
      this.conclusions.read.push(read);
    }
  }

  /** Whether the past holds a write to the key, and of everything that may have made the key read as nothing one that has overwritten it. */
  #missesAll(key: number, transaction: number, past: Int32Array): boolean {
    const { absences, ownerOf, history } = this.#facts;
    const latest = this.#latestWithin(key, past);
    if (latest.length === 0) return false;
    const atMs = history.labels.atMs[transaction] ?? Infinity;
    return absences.get(key)!.every((absence) => {
      const owner = ownerOf(absence);
      if (owner === transaction || (history.operations.expiresMs.get(absence) ?? -Infinity) > atMs) return true;
      // What nobody has seen, or was not come by yet, is followed by nothing.
      if (this.#chain[owner] === NO_CHAIN) return false;
      return latest.some((writer) => writer !== owner && this.#holds(this.#vectors[writer]!, owner));
    });
  }

  #latestWithin(key: number, past: Int32Array): number[] {
    const writers = this.#writers[key];
    const latest: number[] = [];
    for (let index = 0; index < (writers?.chains ?? 0); index++) {
      const writer = writers!.lastWithin(index, 0, past[writers!.chainAt(index)] ?? 0);
      if (writer >= 0) latest.push(writer);
    }
    return latest;
  }

  /** Puts a writer at the end of a chain, and returns the past of those who follow it. */
  #append(transaction: number, past: Int32Array): Int32Array {
    const { writes } = this.#facts;
    const begin = writes.from[transaction];
    const end = writes.from[transaction + 1];
    if (begin === end) return past;
    const chain = this.#chainFor(transaction, past);
    const vector = chain < past.length ? past : this.#widened(past);
    const position = (this.#chains[chain] += 1);
    this.#chain[transaction] = chain;
    this.#position[transaction] = position;
    this.#sessionChain[transaction] = chain;
    vector[chain] = position;
    if (overwrites(this.#facts, transaction)) for (let at = begin; at < end; at++) this.#note(writes.items[at], chain, position, transaction);
    return vector;
  }

  #note(key: number, chain: number, position: number, transaction: number): void {
    const writers = (this.#writers[key] ??= new KeyWriters());
    const index = this.#indexes.get(key, chain);
    const added = writers.add(index, chain, position, transaction);
    if (index < 0) this.#indexes.set(key, chain, added);
  }

  #chainFor(transaction: number, past: Int32Array): number {
    const own = this.#sessionChain[transaction];
    if (own !== NO_CHAIN && past[own] === this.#chains[own]) return own;
    for (let chain = 0; chain < past.length && chain < this.#chains.length; chain++) if (past[chain] === this.#chains[chain]) return chain;
    if (this.#chains.length === this.#width) this.#width *= 2;
    return this.#chains.push(0) - 1;
  }

  #release(transaction: number): void {
    const { history, reads } = this.#facts;
    const { from, items } = history.before;
    for (let at = from[transaction]; at < from[transaction + 1]; at++) this.#lookedAt(items[at]);
    if (this.#relation === "causal") for (let read = reads.from[transaction]; read < reads.from[transaction + 1]; read++) this.#lookedAt(reads.source[read]);
    if (this.#followers[transaction] === 0) this.#drop(transaction);
  }

  #lookedAt(transaction: number): void {
    if (--this.#followers[transaction] === 0) this.#drop(transaction);
  }

  #drop(transaction: number): void {
    const vector = this.#vectors[transaction];
    if (vector !== undefined && vector.length === this.#width) this.#free.push(vector);
    this.#vectors[transaction] = undefined;
  }
}
