// What users hold of a transaction (design section 10). `docs/transactions.md` says what is promised.

import type { CallOptions, Durability, Duration, Session } from "./mesh.js";

export interface TransactionOptions extends CallOptions {
  /** How often a transaction whose snapshot is too old is begun again, before SNAPSHOT_TOO_OLD is its caller's. Default 3. */
  readonly retries?: number;
  /** Of the commit. */
  readonly durability?: Durability;
}

export interface CommitOptions extends CallOptions {
  readonly durability?: Durability;
}

/** What a commit was. */
export interface Committed {
  /** Names the one write that was made, `replica:counter`; undefined where the transaction wrote nothing. A repeated commit names the same. */
  readonly version: string | undefined;
}

/**
 * A read-write transaction: its reads are of one causal cut, the snapshot, which the first of them fixes, and of what it has written itself. Its writes
 * wait in it, and are made by `commit` as one write, which is seen whole or not at all. Transactions do not conflict: of concurrent ones that
 * write the same key the later write wins (`docs/transactions.md`). Calls of one transaction are made one after the other.
 *
 * What is asked of a transaction that has ended rejects with TRANSACTION_ENDED. A read rejects with SNAPSHOT_TOO_OLD where no node has the version any
 * more; the transaction has ended then, and may be made again.
 */
export interface Transaction {
  get<Value = unknown>(key: string, options?: CallOptions): Promise<Value | undefined>;
  /** In the order asked. */
  getMany<Value = unknown>(keys: readonly string[], options?: CallOptions): Promise<(Value | undefined)[]>;
  /** Keeps the write for the commit; nobody else sees it before. Its time to live begins with the commit. */
  set(key: string, value: unknown, options?: { readonly ttl?: Duration }): Promise<void>;
  setMany(entries: Iterable<readonly [key: string, value: unknown]>, options?: { readonly ttl?: Duration }): Promise<void>;
  delete(key: string): Promise<void>;
  deleteMany(keys: readonly string[]): Promise<void>;
  /**
   * Makes the writes, as one, and ends the transaction; its session has seen it then. Where this rejects with TIMEOUT, ABORTED or NODE_UNREACHABLE
   * the write may still happen: `commit` may be called again, at any node by the token, and commits once.
   */
  commit(options?: CommitOptions): Promise<Committed>;
  /** Ends the transaction and forgets what it has written. After an end it does nothing. */
  rollback(): void;
  /**
   * The open transaction packed for the next function, which goes on with `mesh.transaction(token)`: its session, its snapshot, what it has read and
   * written. Rejects with TOKEN_TOO_LARGE where that does not fit.
   */
  token(): Promise<string>;
  /** The session that it belongs to, which may write, begin another one or be packed when it has ended. */
  readonly session: Session;
  /** Whether it has neither been committed nor rolled back. */
  readonly isOpen: boolean;
}
