// The contract between a mesh and the database behind it. An adapter implements this interface and passes `storeSuite` of
// @causalmesh/conformance. What a node does with the answers is in node/; this file owns what a store must promise.

/** One key's newest write, as the store keeps it. */
export interface Row {
  /** Data, never a pattern: any unicode string without lone surrogates, 1 to 1 024 bytes in UTF-8. */
  readonly key: string;
  /** Opaque bytes, or null for a deletion (tombstone), which is kept like a value. */
  readonly value: Uint8Array | null;
  /** Hybrid logical timestamp, a safe integer. The winner of a key is the row with the greater (timestamp, replica). */
  readonly timestamp: number;
  /** The write's dot: replica id (an unsigned 32-bit integer) and counter (a safe integer from 1). */
  readonly replica: number;
  readonly counter: number;
  /** Milliseconds since 1970 after which the row counts as absent; 0 for never. */
  readonly expiresAt: number;
}

/** Per replica id, the counter up to which every write is in the store. */
export type FlushedCounters = readonly (readonly [replica: number, counter: number])[];

/** The mesh's registry: opaque bytes (UTF-8 JSON, so that a person can read it) under a number that grows with each change. */
export interface RegistryRecord {
  /** 1, 2, 3 … */
  readonly epoch: number;
  readonly bytes: Uint8Array;
}

export interface RegistryState {
  /** undefined where no mesh has used this store yet. */
  readonly registry: RegistryRecord | undefined;
  /** Everything that `apply` was told so far: per replica the greatest counter. */
  readonly flushed: FlushedCounters;
}

export interface ScanPage {
  /** In key order (UTF-8 byte order); tombstones and expired rows included. */
  readonly rows: readonly Row[];
  /** Give it to the next call; undefined after the last page. */
  readonly cursor: string | undefined;
}

/** What differs between stores. The conformance suite runs by these and prints what it skipped. */
export interface StoreAbilities {
  /** Whether one `apply`, rows and flushed counters together, is seen whole or not at all, also after a crash. */
  readonly atomicApply: boolean;
  /** Whether what `apply` resolved for survives the end of the process. */
  readonly durable: boolean;
  /** Whether several processes can open the same store at once. */
  readonly shared: boolean;
  /** The longest value that the database takes, in bytes. */
  readonly valueBytesMax: number;
}

/**
 * A database behind a mesh.
 *
 * Every method rejects with a MeshError: `STORE_UNAVAILABLE` (may work later; the outcome of an `apply` or `swapRegistry` is
 * then unknown, and both may be repeated), `STORE_FULL`, `STORE_LOCKED`, `STORE_INVALID` (wrong schema, corrupt row), `CLOSED`.
 * Bytes given to a method belong to the caller again when its promise settles; bytes returned belong to the caller.
 */
export interface Store {
  readonly abilities: StoreAbilities;
  /** A short name with the address and without secrets, for messages: `lmdb at ./data`. */
  readonly name: string;

  /** The rows of these keys, in the order asked (`undefined`: no such row). Expired rows may be left out or given. Never a mixture of a row's old and new fields. */
  getMany(keys: readonly string[]): Promise<(Row | undefined)[]>;

  /**
   * Writes each row unless the store has one of that key with a greater or equal (timestamp, replica), and raises the flushed
   * counters, never lowers them. Repeating and reordering calls is harmless. A key stands in `rows` at most once.
   * With `abilities.atomicApply`, all at once. Without, in any order with the counters last, and completed by others where it is cut off: see `readRegistry`. The order in
   * which rows are given means nothing: it is that of the keys' first writes, with the newest one of each.
   *
   * A call that took too long for the node goes on beside the one that repeats it: a store in which two of them could mix runs one after
   * the other.
   *
   * `epoch` is that of the view in which the batch was made; without one nothing is checked. Where the registry has a later one, the batch comes from a node that has no
   * part in the mesh any more: rejects with `NODE_BEHIND`, and nothing is written. With `atomicApply` no swap of the registry comes
   * between this look and the writing.
   */
  apply(rows: readonly Row[], flushed: FlushedCounters, epoch?: number): Promise<void>;

  /**
   * The registry, and counters that cover every row that anybody has read from the store before the call. So without `atomicApply` it first completes what other calls of
   * `apply` have begun that raise counters, in this process or in one that has ended; `swapRegistry` does so too, before the new epoch begins. This makes the store a causal cut for a mesh that
   * begins, which reads the registry first. A node that reads rows in the middle of a batch judges them by their dots: of what it has received it knows what they
   * follow, and of nothing else it shows a row.
   */
  readRegistry(): Promise<RegistryState>;

  /** Replaces the registry if its epoch is `expectedEpoch` (0: there is none) and says whether it did. `next.epoch` is `expectedEpoch + 1`. */
  swapRegistry(expectedEpoch: number, next: RegistryRecord): Promise<boolean>;

  /** Rows whose key starts with `prefix` (as a string of code points; "" for all), after `cursor`, at most `limit` (1 to 10 000). */
  scan(prefix: string, cursor: string | undefined, limit: number): Promise<ScanPage>;

  /** Ends pending calls with `CLOSED` and lets go of files and sockets. Closing twice is harmless. */
  close(): Promise<void>;
}
