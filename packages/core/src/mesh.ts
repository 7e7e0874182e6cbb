// What users hold: a mesh and its sessions, the same for a mesh in this process and for a remote one.

import type { Departed, Member } from "./protocol/view.js";
import type { Loader } from "./read-through.js";
import type { CommitOptions, Transaction, TransactionOptions } from "./transaction.js";
import type { Store } from "./store.js";

export type { CommitOptions, Committed, Transaction, TransactionOptions } from "./transaction.js";

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

/** A change of a value that merges has no time to live of its own. */
export type MergeOptions = Omit<WriteOptions, "ttl">;

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
  /**
   * Adds to the counter of this key: whole numbers, also negative ones. Concurrent additions all count, at whichever nodes they are made. Counters and sets
   * have their keys for themselves: `get` and `set` of the same key are about another value. Rejects with VALUE_INVALID for what is no whole number,
   * and with OUTCOME_UNKNOWN where a node was lost before it answered, since added twice is not added once.
   */
  increment(key: string, by?: number, options?: MergeOptions): Promise<void>;
  /** The counter of this key, 0 where nothing was added. */
  count(key: string, options?: CallOptions): Promise<number>;
  /** Adds texts to the set of this key. An addition wins over a removal that did not see it. */
  addMembers(key: string, members: readonly string[], options?: MergeOptions): Promise<void>;
  /** Takes texts out of the set of this key, as far as this session sees them in it. */
  removeMembers(key: string, members: readonly string[], options?: MergeOptions): Promise<void>;
  /** The set of this key, in the order of its code units. */
  members(key: string, options?: CallOptions): Promise<string[]>;
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
  /**
   * The session packed for the next function: printable, header-safe, signed. Own writes ride in it until they can be read everywhere; where those
   * take more than 2 KiB, it waits for that, for a second at most or for `timeoutMs`, and `waitedMs` says how long it did. Rejects with TOKEN_TOO_LARGE
   * where they do not fit then, and with SESSION_BUSY while a write of the session is under way, which the token would lack.
   */
  token(options?: CallOptions): Promise<string>;
  /** Milliseconds that the last `token()` waited for own writes; 0 where it did not. */
  readonly waitedMs: number;
  /** A copy for a parallel branch; `join`, or `mesh.session([tokenA, tokenB])`, joins branches again. */
  fork(): Session;
  /**
   * Takes over all that another session of this mesh object, such as a fork, or the session of a token has seen. Throws TOKEN_… where a token is
   * not sound, and OPTION_INVALID for a session of another mesh object: join its token.
   */
  join(other: Session | string): void;
  /** The node that this session talks to now. */
  readonly node: string;
  /** Names the newest write that this session object has made, as `getEntry` names what it reads: `replica:counter`. undefined before the first, and over HTTP. */
  readonly lastWrite: string | undefined;
}

export interface MeshStatus {
  readonly epoch: number;
  readonly members: readonly MemberStatus[];
  /** Addresses of nodes that did not answer. */
  readonly unreachable: readonly string[];
}

/** `joining`: it has not yet what the mesh had when it came, and serves nobody; `leaving`: it takes no requests any more, and hands over. */
export type MemberState = "joining" | "serving" | "leaving";

/** What one member knows; vectors are objects from replica id to counter. */
export interface MemberStatus {
  readonly replica: number;
  readonly address: string;
  /** The release that it runs, and the version of the protocol that it speaks at best. */
  readonly version: string;
  readonly protocol: number;
  readonly state: MemberState;
  /** The epoch of the view that it is in, its members in the order of the ring, and how many of the departed the vectors still name. */
  readonly epoch: number;
  readonly ring: readonly Member[];
  readonly departed: number;
  /** Whether the link to the next member is up; true where it is alone. */
  readonly linked: boolean;
  /** Members that it has given up, and that are to leave the view. */
  readonly suspected: number;
  readonly received: Readonly<Record<string, number>>;
  readonly common: Readonly<Record<string, number>>;
  readonly applied: Readonly<Record<string, number>>;
  readonly flushed: Readonly<Record<string, number>>;
  /** Writes received and not yet readable. */
  readonly pending: number;
  /** Age in milliseconds of the oldest of them, 0 where there is none: how far what can be read here is behind. */
  readonly visibilityLagMs: number;
  /** Writes kept for resending and flushing. */
  readonly log: number;
  readonly logBytes: number;
  /** Age in milliseconds of the oldest write that is not known to be in the store, 0 where there is none. */
  readonly flushLagMs: number;
  /** Whether the store does not do what it is asked, as far as the last calls have shown. */
  readonly storeFailing: boolean;
  readonly cacheEntries: number;
  readonly cacheBytes: number;
  /** The bound of the cache. */
  readonly cacheBytesMax: number;
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
  /** Requests that it could not answer, since their session has seen more than it has received; other nodes answered them. */
  readonly sessionWaits: number;
  /** Requests that it answered with an error, by code. */
  readonly errors: Readonly<Record<string, number>>;
  /** Bytes sent to the successor. */
  readonly linkBytes: number;
  /** What this node's clock said when it answered, in milliseconds since 1970. */
  readonly clockMs: number;
}

/** What is timed: a write until it is answered, a multi-get from the store, a batch to the store. Hits are not: a look at the clock takes as long. */
export type DurationName = "write" | "load" | "flush";

/** How long something took, in buckets. */
export interface DurationSummary {
  /** Upper bound of each bucket but the last, which has none; ascending, in milliseconds. */
  readonly boundsMs: readonly number[];
  /** How many fell into each bucket alone, one more than there are bounds. */
  readonly counts: readonly number[];
  readonly sumMs: number;
}

/** `handshake`: it has not proved yet who it is. */
export type ConnectionKind = "handshake" | "client" | "predecessor";

/** The state of a node for whoever looks for a fault. It has neither keys nor values nor secrets. */
export interface NodeDebug {
  readonly status: MemberStatus;
  /** What the mesh keeps of those who have left. */
  readonly departed: readonly Departed[];
  readonly nextReplica: number;
  /** Replicas that this node does not listen to any more, and that are to leave the view. */
  readonly sealed: readonly number[];
  /** Whether it writes to the store for all. */
  readonly isFlusher: boolean;
  /** Attempts since the last that succeeded, and why the last failed. */
  readonly flushFailures: number;
  readonly flushError: string | undefined;
  readonly linkError: string | undefined;
  readonly predecessorAlive: boolean;
  /** Writes that wait for their durability level, and keys that are being loaded. */
  readonly waitingWrites: number;
  readonly loadingKeys: number;
  /** Who is connected to it, and which version of the protocol they speak at best. */
  readonly connections: readonly { readonly remote: string; readonly kind: ConnectionKind; readonly protocol: number | undefined }[];
}

/** What happens to a node that an operator wants to know of once. */
export type NodeEvent =
  /** It goes on in another view; `joined` and `left` are the difference from the one before. */
  | {
      readonly type: "view";
      readonly epoch: number;
      readonly members: readonly Member[];
      readonly joined: readonly Member[];
      readonly left: readonly Member[];
    }
  /** The store does not do what it is asked. Hits, writes and propagation go on. */
  | { readonly type: "store-failing"; readonly what: string; readonly error: Error }
  | { readonly type: "store-recovered"; readonly afterMs: number };

/** A token, or several whose sessions are joined. */
export type TokenInput = string | readonly string[];

/** Functions of parallel branches, and what they return. */
export type Branches<Results extends readonly unknown[]> = { readonly [Index in keyof Results]: () => Results[Index] | Promise<Results[Index]> };

/** The calls of a session that a mesh has too, for the ambient one. */
type AmbientCalls = Pick<
  Session,
  | "get"
  | "getEntry"
  | "has"
  | "getMany"
  | "set"
  | "delete"
  | "invalidate"
  | "setMany"
  | "deleteMany"
  | "getOrSet"
  | "increment"
  | "count"
  | "addMembers"
  | "removeMembers"
  | "members"
  | "token"
>;

/**
 * A mesh. Its sessions are carried by hand (`session`), or are ambient: within `run`, and within functions that an integration has wrapped, the
 * calls of a session are those of the mesh itself. Outside, they reject with NO_SESSION, and with SESSION_BUSY while another call of the same ambient
 * session is under way. `docs/sessions.md` says how sessions travel.
 */
export interface Mesh extends AmbientCalls {
  /** A new session, one that goes on from a token, or one that joins several. Throws TOKEN_… where a token is not sound. */
  session(token?: TokenInput, options?: SessionOptions): Session;
  /** Goes on with the transaction of a `transaction.token()`. Throws TOKEN_… where the token is not sound, or is a session's. */
  transaction(token: string, options?: SessionOptions): Transaction;
  /**
   * Runs `task` with an ambient session: a new one, or one that goes on from the token. Within another `run` it is a part of that one's work: it
   * begins from all that has been seen there, and that one has seen all of it afterwards. Rejects with what `task` throws, with TOKEN_…, or with
   * SESSION_BUSY where `task` has ended and did not await one of its calls.
   */
  run<Result>(task: () => Result | Promise<Result>, options?: RunOptions): Promise<Result>;
  run<Result>(token: TokenInput | undefined, task: () => Result | Promise<Result>, options?: RunOptions): Promise<Result>;
  /**
   * Runs parallel branches, each with a fork of the ambient session, which has joined all of them afterwards. All are waited for, also where one
   * rejects; then this rejects with the error of the first in order that did, and what all branches have seen is joined all the same.
   */
  all<Results extends readonly unknown[]>(branches: Branches<Results>): Promise<Results>;
  /** Runs work that goes on by itself, with a fork that is not joined again: what it does is in no token of the ambient session. */
  fork<Result>(task: () => Result | Promise<Result>): Promise<Result>;
  /** What `run` begins, for authors of integrations, who take the token after the end. Throws TOKEN_… where a token is not sound. */
  begin(token?: TokenInput, options?: SessionOptions): SessionScope;
  /** The scope in which this is called; undefined outside, and after its end. */
  scope(): SessionScope | undefined;
  /** Resolves when a node answers. */
  ready(options?: CallOptions): Promise<void>;
  status(options?: CallOptions): Promise<MeshStatus>;
  /** Ends the sessions' calls with CLOSED. An embedded mesh flushes to its store first. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The stay of a session in one function. */
export interface SessionScope {
  /** Runs `task` with this session as the ambient one. */
  run<Result>(task: () => Result): Result;
  /**
   * Makes a call with a fork that is joined when it settles, beside whatever else is under way: for libraries, whose users call them from
   * several branches at once. Rejects with what `make` rejects, or NO_SESSION after the end.
   */
  branch<Result>(make: (session: Session) => Promise<Result>): Promise<Result>;
  /** The session as it is now, for a function that is called from here. Rejects with SESSION_BUSY while a call is under way, NO_SESSION after the end. */
  token(options?: CallOptions): Promise<string>;
  /** Takes over what came back with the answer of a function that was called from here; nothing after the end. Throws TOKEN_…. */
  join(token: string): void;
  /**
   * Ends it and resolves with the token of all that was done. Later calls reject with NO_SESSION. Rejects with SESSION_BUSY where a call is
   * under way, which the token would lack.
   */
  end(options?: CallOptions): Promise<string>;
  /** Milliseconds that the last `token()` or `end()` waited for own writes. */
  readonly waitedMs: number;
  /** Ends it without a token, where the function has failed. */
  abandon(): void;
}

/** A mesh of other processes, and what its operator may ask of their nodes. Whoever knows the mesh's secret may. */
export interface RemoteMesh extends Mesh {
  /**
   * Asks the node at this address to hand over and to leave; resolves when it has begun, after which it serves no sessions. Rejects with
   * OPTION_INVALID where no node has this address, or its program does not take such orders.
   */
  drain(address: string, options?: CallOptions): Promise<void>;
  /**
   * Asks the node at `by`, which stands behind that replica in the ring, to take it out of the view; resolves when that has begun. What `by` has not
   * received of it ends with it. Rejects with OPTION_INVALID where `by` is another one, or the replica is alive and `force` is not given.
   */
  remove(replica: number, by: string, options?: CallOptions & { readonly force?: boolean }): Promise<void>;
}

export interface SessionOptions {
  /** The node to begin at, one of the mesh's addresses; default: any. */
  readonly node?: string;
  readonly timeoutMs?: number;
  readonly durability?: Durability;
  /** The namespace whose keys this session reads and writes; default: the mesh's. For programs that serve several, each with its own keys. */
  readonly namespace?: string;
}

export interface RunOptions extends SessionOptions {
  /** Begins apart from the session that is ambient where this is called, as a server does with each request. */
  readonly root?: boolean;
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
