// What users hold: a mesh and its sessions, the same for a mesh in this process and for a remote one.

import type { Loader } from "./read-through.js";
import type { Store } from "./store.js";

/** When a write is answered. `docs/durability.md` says what each survives. */
export type Durability = "memory" | "replicated" | "everywhere" | "stored";

/** Milliseconds, or a number with a unit: `"250ms" "30s" "5m" "1h" "7d"`. */
export type Duration = number | string;

export interface CallOptions {
  /** Gives up after this many milliseconds with TIMEOUT. Default: the mesh's. */
  readonly timeoutMs?: number;
  /** Gives up with ABORTED when the signal fires; a write may still happen then. */
  readonly signal?: AbortSignalLike;
}

/** The part of AbortSignal that is used, so that the core needs no platform types. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

export interface WriteOptions extends CallOptions {
  /** The value counts as absent after this time. */
  readonly ttl?: Duration;
  readonly durability?: Durability;
}

/** A read's answer with what is known about it. */
export interface Entry<Value> {
  /** False: the key is absent, deleted or expired. A stored `null` is a hit. */
  readonly hit: boolean;
  readonly value: Value | undefined;
  /** Names the write that was read, `replica:counter`; undefined where the key never was. */
  readonly version: string | undefined;
  /** The node that answered. */
  readonly node: string;
  /** Age of the write in milliseconds by the writer's clock; undefined where the key never was. */
  readonly ageMs: number | undefined;
}

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

/**
 * The causal context of one workflow. What a session has read or written, and everything those writes depend on, it never
 * unsees, at whichever node it goes on. One branch of a workflow uses a session at a time; parallel branches `fork`.
 */
export interface Session {
  /** The newest value within the session's past and the node's cache, or undefined where there is none. */
  get<Value = unknown>(key: string, options?: CallOptions): Promise<Value | undefined>;
  getEntry<Value = unknown>(key: string, options?: CallOptions): Promise<Entry<Value>>;
  has(key: string, options?: CallOptions): Promise<boolean>;
  /** All keys from one causal cut, in the order asked. */
  getMany<Value = unknown>(keys: readonly string[], options?: CallOptions): Promise<(Value | undefined)[]>;
  set(key: string, value: unknown, options?: WriteOptions): Promise<void>;
  delete(key: string, options?: WriteOptions): Promise<void>;
  /**
   * Says that what a loader (`readThrough`) has returned for this key is out of date. It is a write: whoever sees it, and everything that
   * follows it, is shown nothing that was loaded before. The same as `delete`.
   */
  invalidate(key: string, options?: WriteOptions): Promise<void>;
  /** One write of several keys: whoever sees one of them sees all. */
  setMany(entries: Iterable<readonly [key: string, value: unknown]>, options?: WriteOptions): Promise<void>;
  deleteMany(keys: readonly string[], options?: WriteOptions): Promise<void>;
  /** The value, or what `factory` returns, which is then set. Concurrent calls of this mesh object for one key share one factory call. */
  getOrSet<Value>(key: string, factory: () => Value | Promise<Value>, options?: WriteOptions): Promise<Value>;
  /**
   * Runs `work` in a transaction, commits it and returns what `work` returned. What `work` throws rolls it back. Where the snapshot is too old it
   * is run again, so `work` should do nothing but what it asks of the transaction.
   */
  transaction<Result>(work: (transaction: Transaction) => Promise<Result>, options?: TransactionOptions): Promise<Result>;
  /**
   * Begins a transaction, to be ended with `commit` or `rollback`. Until then the session writes nothing beside it, begins no other one and is not
   * packed: such calls fail with TRANSACTION_OPEN.
   */
  begin(options?: CommitOptions): Transaction;
  /** The session packed for the next function: printable, header-safe, signed. */
  token(): Promise<string>;
  /** A copy for a parallel branch; `mesh.session([tokenA, tokenB])` joins branches again. */
  fork(): Session;
  /** The node that this session talks to now. */
  readonly node: string;
}

export interface MeshStatus {
  readonly epoch: number;
  readonly members: readonly MemberStatus[];
  /** Addresses of nodes that did not answer. */
  readonly unreachable: readonly string[];
}

/** What one member knows; vectors are objects from replica id to counter. */
export interface MemberStatus {
  readonly replica: number;
  readonly address: string;
  readonly received: Readonly<Record<string, number>>;
  readonly common: Readonly<Record<string, number>>;
  readonly applied: Readonly<Record<string, number>>;
  readonly flushed: Readonly<Record<string, number>>;
  /** Writes received and not yet readable. */
  readonly pending: number;
  /** Writes kept for resending and flushing. */
  readonly log: number;
  readonly logBytes: number;
  readonly cacheEntries: number;
  readonly cacheBytes: number;
  readonly evictions: number;
  /** Memory taken by versions that are kept for the snapshots of transactions. */
  readonly versionBytes: number;
  /**
   * Transactions that were given up because a version of their snapshot was not there: it was older than the retention, had to go before that for want
   * of memory, or its key was not in the cache of any node when it was overwritten.
   */
  readonly transactionAborts: Readonly<Record<"retention" | "memory" | "evicted", number>>;
  readonly reads: number;
  readonly hits: number;
  readonly writes: number;
  /** Bytes sent to the successor. */
  readonly linkBytes: number;
  /** What this node's clock said when it answered, in milliseconds since 1970. */
  readonly clockMs: number;
}

export interface Mesh {
  /** A new session, one that goes on from a token, or one that joins several. Throws TOKEN_… where a token is not sound. */
  session(token?: string | readonly string[], options?: SessionOptions): Session;
  /** Goes on with the transaction of a `transaction.token()`. Throws TOKEN_… where the token is not sound, or is a session's. */
  transaction(token: string, options?: SessionOptions): Transaction;
  /** Resolves when a node answers. */
  ready(options?: CallOptions): Promise<void>;
  status(options?: CallOptions): Promise<MeshStatus>;
  /** Ends the sessions' calls with CLOSED. An embedded mesh flushes to its store first. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface SessionOptions {
  /** The node to begin at, one of the mesh's addresses; default: any. */
  readonly node?: string;
  readonly timeoutMs?: number;
  readonly durability?: Durability;
  /** The namespace whose keys this session reads and writes; default: the mesh's. For programs that serve several, each with its own keys. */
  readonly namespace?: string;
}

/**
 * The secret of a mesh, or several while one is being replaced: the first proves and signs, all of them are accepted. Each has at least 16 bytes.
 * A function is asked at each use, so that secrets change while the program runs; where it fails, those of before stay.
 */
export type SecretSource = string | readonly string[] | (() => string | readonly string[]);

/** Options that an embedded and a remote mesh share. */
export interface MeshOptions {
  readonly timeoutMs?: number;
  readonly durability?: Durability;
  readonly tokenTtl?: Duration;
  /** Signs tokens and proves this program to the nodes. */
  readonly secret?: SecretSource;
  /** Keys are kept under this prefix, apart from those of other namespaces. */
  readonly namespace?: string;
  /** Whether a write whose answer was lost is made again elsewhere (default), or reported as OUTCOME_UNKNOWN. */
  readonly retryWrites?: boolean;
  /** JSON with tags for Date, Map, Set, BigInt and Uint8Array by default. */
  readonly codec?: Codec;
}

export interface EmbeddedMeshOptions extends MeshOptions {
  /** Nodes to run in this process, 1 to 256. Default 1. */
  readonly nodes?: number;
  readonly store: Store;
  /** Bound of each node's cache in bytes, arena and index together. Default 256 MiB. */
  readonly cacheBytes?: number;
  /** Bound of each node's cache in entries. Default: none but the bytes. */
  readonly cacheEntries?: number;
  /** How long versions that were overwritten are kept for the snapshots of transactions; 0 for not at all. Default one minute. */
  readonly snapshotRetention?: Duration;
  /** Bound of those versions in bytes, per node. Default 64 MiB. */
  readonly snapshotBytes?: number;
  /** Where keys come from that the mesh has no value for: `readThrough({ prefix, load, ttl })`. */
  readonly readThrough?: Loader;
}

/** Turns values into bytes and back. */
export interface Codec {
  /** Throws VALUE_INVALID for what it cannot represent. */
  encode(value: unknown): Uint8Array;
  /** The bytes are valid during the call only: copy what is kept. */
  decode(bytes: Uint8Array): unknown;
}
