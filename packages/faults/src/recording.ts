// What sessions of a real mesh ask and are told, and what the store holds, in the terms of the history that the checkers of the core judge. Every value names its
// write. A deletion has none, so each key is deleted at most once: then its tombstone is that one.

import { violationsIn } from "@causalmesh/checker/testing";
import { jsonCodec, type Durability, type RegistryState, type Row, type Store } from "@causalmesh/core";
import {
  checkHistory,
  History,
  historyLines,
  type HistoryFileLine,
  type Observation,
  type Outcome,
  type Stamp,
  type StoredWrite,
  type Violation,
  type Write,
} from "@causalmesh/core/testing";

/** More than a round writes; one page of a scan is one moment of the store. */
const ROWS_MAX = 10_000;
/** The witness of what was acknowledged: a write that only this history has, of a replica that no mesh has. */
const WITNESS = "witness";
const WITNESS_STAMP: Stamp = { timestamp: Number.MAX_SAFE_INTEGER, replica: 0, counter: 1 };

/** The rows of a recording and the counters that belong to them. */
export interface StoreCut {
  readonly rows: readonly Row[];
  readonly flushed: RegistryState["flushed"];
}

/** What a workflow notes of what it does: a recording takes it as it is, notes (notes.ts) keep it for a recording elsewhere. */
export interface Notebook {
  readonly keys: readonly string[];
  /** Begins a session under a label that there was not yet: fresh, or with the past of others. */
  begin(name: string, from?: readonly string[]): string;
  open(session: string, node: string, keys: readonly string[], durability?: Durability): NotedWrite;
  /** undefined where the key was deleted once already, or is not this notebook's to delete. */
  openDeletion(session: string, node: string, key: string, durability?: Durability): NotedWrite | undefined;
  close(write: NotedWrite, outcome: Outcome, stamp?: Stamp): void;
  /** The session was told that its newest write has reached this level, and with it all that it follows. */
  acknowledged(session: string, durability: Durability): void;
  read(session: string, node: string, keys: readonly string[], values: readonly unknown[]): void;
  /** Something happened that no fault excuses. */
  fail(message: string): void;
}

/** A write by the number that its values carry. */
export type NotedWrite = Pick<Write, "id" | "keys">;

export class Recording implements Notebook {
  readonly history = new History();
  readonly keys: readonly string[];
  readonly #prefix: string;
  readonly #nowMs: () => number;
  readonly #deletions = new Map<string, number>();
  /** The writes by the numbers that their values carry, where those are not the history's. */
  readonly #numbers = new Map<number, number>();
  /** Sessions as they were when they were told that a write had reached its level. */
  readonly #acknowledged: { readonly session: string; readonly durability: Durability }[] = [];
  #labels = 0;

  /** `prefix` is that of its keys alone; the time is told in milliseconds. */
  constructor(prefix: string, keys: number, nowMs: () => number = monotonicMs) {
    this.#prefix = prefix;
    this.#nowMs = nowMs;
    this.keys = keysOf(prefix, keys);
  }

  begin(name: string, from: readonly string[] = []): string {
    const label = `${name}#${++this.#labels}`;
    this.history.begin(label, from, this.#nowMs());
    return label;
  }

  /** `number` is what its values carry, if that is not its number in the history. */
  open(session: string, node: string, keys: readonly string[], durability?: Durability, number?: number): Write {
    const write = this.history.openWrite(session, node, keys, this.#nowMs(), { durability });
    if (number !== undefined) this.#numbers.set(number, write.id);
    return write;
  }

  openDeletion(session: string, node: string, key: string, durability?: Durability): Write | undefined {
    if (this.#deletions.has(key)) return undefined;
    const write = this.history.openWrite(session, node, [key], this.#nowMs(), { deletion: true, durability });
    this.#deletions.set(key, write.id);
    return write;
  }

  close({ id }: NotedWrite, outcome: Outcome, stamp?: Stamp): void {
    this.history.closeWrite(this.history.writes[id], outcome, this.#nowMs(), stamp);
  }

  acknowledged(session: string, durability: Durability): void {
    this.#acknowledged.push({ session: this.begin(`${session} ${durability}`, [session]), durability });
  }

  read(session: string, node: string, keys: readonly string[], values: readonly unknown[]): Observation[] {
    const observed = keys.map((key, index) => this.#observation(key, values[index]));
    this.history.read(session, node, observed, this.#nowMs());
    return observed;
  }

  /** What a node showed to somebody without a past when everything had come to rest. */
  sample(node: string, values: readonly unknown[]): void {
    const observed = this.keys.map((key, index) => this.#observation(key, values[index]));
    this.history.samples.push({ node, cut: "at rest", observed, final: true });
  }

  #observation(key: string, value: unknown): Observation {
    return { key, write: value === undefined ? undefined : this.#writeIn(value), absent: value === undefined };
  }

  #writeIn(value: unknown): number {
    const number = numberIn(value);
    return this.#numbers.get(number) ?? number;
  }

  fail(message: string): void {
    this.history.failures.push(message);
  }

  /** Takes note of what was kept of a node that was lost, and of a mesh that went on without it. */
  kept(finals: Iterable<readonly [replica: number, final: number]>): void {
    for (const [replica, final] of finals) this.history.finals.set(replica, final);
  }

  /** What the store holds now, or undefined where it changed meanwhile. */
  async cut(store: Store): Promise<StoreCut | undefined> {
    const before = await store.readRegistry();
    const { rows, cursor } = await store.scan(this.#prefix, undefined, ROWS_MAX);
    if (cursor !== undefined) throw new Error(`more than ${ROWS_MAX} rows`);
    const { flushed } = await store.readRegistry();
    return JSON.stringify(flushed) === JSON.stringify(before.flushed) ? { rows, flushed } : undefined;
  }

  /** Keeps a state of the store for the checkers. */
  stored({ rows, flushed }: StoreCut): StoredWrite[] {
    const stored = rows.map((row) => this.#storedWrite(row));
    this.history.storeStates.push({ atMs: this.#nowMs(), rows: stored, flushed: Object.fromEntries(flushed) });
    return stored;
  }

  #storedWrite({ key, value, timestamp, replica, counter }: Row): StoredWrite {
    const write = value === null ? this.#deletions.get(key) : this.#writeIn(jsonCodec.decode(value));
    const stamp = { timestamp, replica, counter };
    if (write === undefined || this.history.writes[write] === undefined)
      throw new Error(`nobody made the write ${replica}:${counter} that the store has at ${key}`);
    this.history.writes[write].stamp ??= stamp;
    return { key, write, stamp };
  }

  /**
   * Judges everything: by the checkers of the core, which also know the store and the levels of durability, and by the checker that knows nothing but what sessions were told. `last` is what the store held when all was over: it must have all that was acknowledged at one of the levels `survivors`. So a witness who was told of
   * each of these acknowledgements leaves a row in it, and the checker of the store's cut asks for what that row follows.
   */
  violations(last: StoreCut, survivors: readonly Durability[] = ["stored"]): Violation[] {
    const rows = this.stored(last);
    this.history.survivors = survivors;
    this.history.loseWrites();
    const told = this.#acknowledged.filter(({ durability }) => survivors.includes(durability));
    if (told.length > 0) {
      const sessions = told.map(({ session }) => session);
      this.history.begin(WITNESS, sessions);
      const write = this.history.openWrite(WITNESS, "", [WITNESS]);
      this.history.closeWrite(write, "done", this.#nowMs(), WITNESS_STAMP);
      const flushed = Object.fromEntries([...last.flushed, [WITNESS_STAMP.replica, WITNESS_STAMP.counter]]);
      this.history.storeStates.push({ atMs: this.#nowMs(), rows: [...rows, { key: WITNESS, write: write.id, stamp: WITNESS_STAMP }], flushed });
    }
    return [...checkHistory(this.history), ...violationsIn(this.lines())];
  }

  /** What sessions asked and were told, as the lines of a file (docs/history.md); complete once it was judged. */
  lines(): HistoryFileLine[] {
    return historyLines(this.history, (session) => session === WITNESS);
  }
}

/** The value of a write, made larger by so many bytes. */
export function valueOf(write: NotedWrite, paddingBytes: number): unknown {
  return [write.id, "x".repeat(paddingBytes)];
}

/** The number that a value carries. */
export function numberIn(value: unknown): number {
  return (value as [number])[0];
}

export function keysOf(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}k${index}`);
}

/** The machine's monotonic clock, the same in all of its processes. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
