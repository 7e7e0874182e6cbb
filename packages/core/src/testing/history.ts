// What was asked and answered in one run, as a client could have written it down, and what the store held after each of its
// changes. The workload records it (workload.ts), causality.ts derives the ground truth from it, checkers/ judge it.

import type { Durability } from "../mesh.js";

/** Names a write as the nodes do, and ranks it: the greater (timestamp, replica) wins. */
export interface Stamp {
  readonly timestamp: number;
  readonly replica: number;
  readonly counter: number;
}

/**
 * - `done`: the session was told that it happened.
 * - `unknown`: it may or may not have happened; it is not in its session's past.
 * - `refused`: the session was told that it did not happen, so nobody may ever see it.
 */
export type Outcome = "pending" | "done" | "unknown" | "refused";

/** One write: every key of it gets its number as value, so that whoever reads the value knows the write. */
export interface Write {
  /** Its place in `History.writes`, and the value written. */
  readonly id: number;
  /** The operation that made it; -1 while it is only known to its transaction. */
  operation: number;
  /** Those of a transaction's write are known when it is committed. */
  keys: readonly string[];
  readonly deletion: boolean;
  /** World time from which it may read as absent on some clock; undefined where it never expires. */
  readonly expiresFromMs: number | undefined;
  readonly durability: Durability | undefined;
  outcome: Outcome;
  /** Where it became known. */
  stamp: Stamp | undefined;
  /** Its vector, replica id → counter, as other nodes received it; where it became known. */
  follows?: Readonly<Record<number, number>>;
}

/** What a read was told of one key. */
export interface Observation {
  readonly key: string;
  /** The write that was read; undefined when the key was absent and no write was named. */
  readonly write: number | undefined;
  readonly absent: boolean;
}

export interface Operation {
  /** Its place in `History.operations`. Whatever an operation depends on has a smaller number. */
  readonly id: number;
  readonly session: string;
  readonly kind: "begin" | "write" | "read";
  readonly node: string;
  /** What came directly before in its session; several after a join, none in a new session. */
  readonly parents: readonly number[];
  readonly atMs: number;
  untilMs: number;
  /** Of a write. */
  readonly write: number | undefined;
  /** Of a read: from one cut. */
  readonly observed: readonly Observation[];
}

/** What one node showed at one cut to somebody without a past. */
export interface Sample {
  readonly node: string;
  /** The node's applied vector, written so that equal vectors are equal strings. */
  readonly cut: string;
  readonly observed: readonly Observation[];
  /** Taken when everything had come to rest. */
  readonly final: boolean;
}

/** A row of the store. */
export interface StoredWrite {
  readonly key: string;
  readonly write: number;
  readonly stamp: Stamp;
}

/** The whole store after one of its changes. */
export interface StoreState {
  readonly atMs: number;
  readonly rows: readonly StoredWrite[];
  /** replica id → counter. */
  readonly flushed: Readonly<Record<number, number>>;
}

/** A transaction: its reads, in their order, and what became of its write. */
export interface RecordedTransaction {
  readonly session: string;
  /** Operations that read, of one snapshot. */
  readonly reads: number[];
  readonly commits: RecordedCommit[];
}

/** A commit that was answered; one transaction may have several, where its token was used several times. */
export interface RecordedCommit {
  readonly write: number;
  /** The dot that the answer named. */
  readonly version: string | undefined;
  /** Whether that is known to be this write, and not one of another use of the token. */
  readonly isMade: boolean;
  /** Whether every node had it when it was answered. */
  readonly everywhere: boolean;
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface WriteDetails {
  readonly deletion?: boolean;
  readonly expiresFromMs?: number;
  readonly durability?: Durability;
}

export class History {
  readonly operations: Operation[] = [];
  readonly writes: Write[] = [];
  readonly samples: Sample[] = [];
  readonly storeStates: StoreState[] = [];
  readonly transactions: RecordedTransaction[] = [];
  /** Of transactions whose token was not given out, by id: the writes that nodes received as their commit. */
  readonly commitsInRing = new Map<string, Stamp[]>();
  /** Transactions that were given up, by cause. */
  readonly aborts: Record<string, number> = {};
  /** Whether there is a reason for that: versions are kept for a short time, caches are small, or nodes come and go. */
  mayAbort = false;
  /** Calls that failed in a way that the run's faults do not excuse, and nodes that stopped. */
  readonly failures: string[] = [];
  /** The final counters of replicas that have left; what lies beyond them is lost. */
  readonly finals = new Map<number, number>();
  /** Writes that were acknowledged and died with their nodes. */
  readonly lost: Write[] = [];
  /** The levels that outlive the faults of the run. */
  survivors: readonly Durability[] = ["replicated", "everywhere", "stored"];
  readonly #heads = new Map<string, number>();

  /** Begins a session: fresh, as a fork of one other, or as the join of several. */
  begin(session: string, from: readonly string[] = [], atMs = 0): void {
    const parents = from.map((other) => this.#heads.get(other)!);
    const operation = this.#append({ session, kind: "begin", node: "", parents, atMs, untilMs: atMs, write: undefined, observed: [] });
    this.#heads.set(session, operation.id);
  }

  /** Notes that a write begins: from now on anybody may see it. */
  openWrite(session: string, node: string, keys: readonly string[], atMs = 0, details: WriteDetails = {}): Write {
    const write = this.declareWrite(details);
    this.beginWrite(write, session, node, keys, atMs);
    return write;
  }

  /** Names a write that waits in its transaction: nobody else may see it yet. */
  declareWrite({ deletion = false, expiresFromMs, durability }: WriteDetails = {}): Write {
    const write: Write = { id: this.writes.length, operation: -1, keys: [], deletion, expiresFromMs, durability, outcome: "pending", stamp: undefined };
    this.writes.push(write);
    return write;
  }

  beginWrite(write: Write, session: string, node: string, keys: readonly string[], atMs: number): void {
    write.operation = this.#continue(session, { session, kind: "write", node, atMs, untilMs: Infinity, write: write.id, observed: [] }).id;
    write.keys = keys;
  }

  finalOf(replica: number): number {
    return this.finals.get(replica) ?? Infinity;
  }

  /**
   * Takes the writes that died with their nodes out of everybody's past: those beyond the final counters. Their sessions may have made them again,
   * under stamps that nobody was told. Of a write at level `memory` whose stamp nobody noted it cannot be told whether it is one of them.
   */
  loseWrites(): void {
    if (this.finals.size === 0) return;
    for (const write of this.writes) {
      const { stamp } = write;
      if (stamp === undefined ? write.durability !== "memory" : stamp.counter <= this.finalOf(stamp.replica)) continue;
      if (write.outcome === "done") this.lost.push(write);
      write.outcome = "unknown";
      write.stamp = undefined;
    }
  }

  closeWrite(write: Write, outcome: Outcome, untilMs = 0, stamp?: Stamp): void {
    write.outcome = outcome;
    write.stamp ??= stamp;
    this.operations[write.operation].untilMs = untilMs;
  }

  /** Notes an answered read. */
  read(session: string, node: string, observed: readonly Observation[], atMs = 0, untilMs = atMs): Operation {
    return this.#continue(session, { session, kind: "read", node, atMs, untilMs, write: undefined, observed });
  }

  #continue(session: string, operation: Omit<Operation, "id" | "parents">): Operation {
    const head = this.#heads.get(session);
    const appended = this.#append({ ...operation, parents: head === undefined ? [] : [head] });
    this.#heads.set(session, appended.id);
    return appended;
  }

  #append(operation: Omit<Operation, "id">): Operation {
    const appended = { ...operation, id: this.operations.length };
    this.operations.push(appended);
    return appended;
  }
}

/** Whether `a` wins over `b`. */
export function beats(a: Stamp, b: Stamp): boolean {
  return a.timestamp > b.timestamp || (a.timestamp === b.timestamp && a.replica > b.replica);
}
