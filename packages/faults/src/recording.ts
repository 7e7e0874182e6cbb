// What sessions of a real mesh ask and are told, and what the store holds, in the terms of the history that the checkers of the core judge. Every value names its
// write. A deletion has none, so each key is deleted at most once: then its tombstone is that one.

import { jsonCodec, type Durability, type RegistryState, type Row, type Store } from "@causalmesh/core";
import { checkHistory, History, type Observation, type Outcome, type Stamp, type StoredWrite, type Violation, type Write } from "@causalmesh/core/testing";

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

export class Recording {
  readonly history = new History();
  readonly keys: readonly string[];
  readonly #prefix: string;
  readonly #begun = performance.now();
  readonly #deletions = new Map<string, number>();
  /** Sessions as they were when they were told that a write had reached its level. */
  readonly #acknowledged: { readonly session: string; readonly durability: Durability }[] = [];
  #labels = 0;

  /** `prefix` is that of its keys alone. */
  constructor(prefix: string, keys: number) {
    this.#prefix = prefix;
    this.keys = Array.from({ length: keys }, (_, index) => `${prefix}k${index}`);
  }

  get #nowMs(): number {
    return performance.now() - this.#begun;
  }

  /** Begins a session under a label that the history does not have yet: fresh, or with the past of another. */
  begin(name: string, from?: string): string {
    const label = `${name}#${++this.#labels}`;
    this.history.begin(label, from === undefined ? [] : [from], this.#nowMs);
    return label;
  }

  open(session: string, node: string, keys: readonly string[], durability?: Durability): Write {
    return this.history.openWrite(session, node, keys, this.#nowMs, { durability });
  }

  /** undefined where the key was deleted once already. */
  openDeletion(session: string, node: string, key: string, durability?: Durability): Write | undefined {
    if (this.#deletions.has(key)) return undefined;
    const write = this.history.openWrite(session, node, [key], this.#nowMs, { deletion: true, durability });
    this.#deletions.set(key, write.id);
    return write;
  }

  close(write: Write, outcome: Outcome, stamp?: Stamp): void {
    this.history.closeWrite(write, outcome, this.#nowMs, stamp);
  }

  /** The session was told that its newest write has reached this level, and with it all that it follows. */
  acknowledged(session: string, durability: Durability): void {
    this.#acknowledged.push({ session: this.begin(`${session} ${durability}`, session), durability });
  }

  read(session: string, node: string, keys: readonly string[], values: readonly unknown[]): Observation[] {
    const observed = keys.map((key, index) => observation(key, values[index]));
    this.history.read(session, node, observed, this.#nowMs);
    return observed;
  }

  /** What a node showed to somebody without a past when everything had come to rest. */
  sample(node: string, values: readonly unknown[]): void {
    const observed = this.keys.map((key, index) => observation(key, values[index]));
    this.history.samples.push({ node, cut: "at rest", observed, final: true });
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
    this.history.storeStates.push({ atMs: this.#nowMs, rows: stored, flushed: Object.fromEntries(flushed) });
    return stored;
  }

  #storedWrite({ key, value, timestamp, replica, counter }: Row): StoredWrite {
    const write = value === null ? this.#deletions.get(key) : writeIn(jsonCodec.decode(value));
    const stamp = { timestamp, replica, counter };
    if (write === undefined || this.history.writes[write] === undefined)
      throw new Error(`nobody made the write ${replica}:${counter} that the store has at ${key}`);
    this.history.writes[write].stamp ??= stamp;
    return { key, write, stamp };
  }

  /**
   * Judges everything. `last` is what the store held when all was over: it must have all that was acknowledged at one of the levels `survivors`. So a witness who was told of
   * each of these acknowledgements leaves a row in it, and the checker of the store's cut asks for what that row follows.
   */
  violations(last: StoreCut, survivors: readonly Durability[] = ["stored"]): Violation[] {
    const rows = this.stored(last);
    this.history.loseWrites();
    const told = this.#acknowledged.filter(({ durability }) => survivors.includes(durability));
    if (told.length > 0) {
      const sessions = told.map(({ session }) => session);
      this.history.begin(WITNESS, sessions);
      const write = this.history.openWrite(WITNESS, "", [WITNESS]);
      this.history.closeWrite(write, "done", this.#nowMs, WITNESS_STAMP);
      const flushed = Object.fromEntries([...last.flushed, [WITNESS_STAMP.replica, WITNESS_STAMP.counter]]);
      this.history.storeStates.push({ atMs: this.#nowMs, rows: [...rows, { key: WITNESS, write: write.id, stamp: WITNESS_STAMP }], flushed });
    }
    return checkHistory(this.history);
  }
}

/** The value of a write, made larger by so many bytes. */
export function valueOf(write: Write, paddingBytes: number): unknown {
  return [write.id, "x".repeat(paddingBytes)];
}

function observation(key: string, value: unknown): Observation {
  return { key, write: value === undefined ? undefined : writeIn(value), absent: value === undefined };
}

function writeIn(value: unknown): number {
  return (value as [number])[0];
}
