// What a node holds (design section 3), and how it is carried from one view to the next (section 7). What happens to it within a view is
// node.ts's.

import { Cache } from "../cache/cache.js";
import { Versions, type Stamp, type VersionsOptions } from "../cache/versions.js";
import { MeshError } from "../errors.js";
import { SNAPSHOT_BYTES_DEFAULT, SNAPSHOT_RETENTION_MS_DEFAULT } from "../limits.js";
import { Commits, type Commit } from "./commits.js";
import { FlushOrder } from "./flush-order.js";
import { HybridClock, timestampMs } from "./hybrid-clock.js";
import { Log } from "./log.js";
import { Pending } from "./pending.js";
import { Ring } from "./ring.js";
import type { Share } from "../merging/change.js";
import { OwnShares } from "../merging/own-shares.js";
import { isCommitAt } from "./own-keys.js";
import { walkSegment, type Segment } from "./segment.js";
import { Snapshot } from "./snapshot.js";
import { counterOf, EMPTY_VECTOR, type Vector } from "./vector.js";
import type { View } from "./view.js";

export interface NodeOptions {
  readonly cacheBytes: number;
  readonly cacheEntries?: number;
  readonly hashSeed?: number;
  /** How long versions are kept for snapshots, and how much of them. */
  readonly snapshotRetentionMs?: number;
  readonly snapshotBytes?: number;
  /** Whether the mesh's loader is asked for a key that has no value. */
  readonly isLoaded?: (bytes: Uint8Array, start: number, length: number) => boolean;
}

/** A write as it was received. */
export interface PendingWrite {
  readonly vector: Vector;
  readonly changes: readonly PendingChange[];
}

interface PendingChange {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** Of the change (segment.ts). */
  readonly flags: number;
  readonly expiresAt: number;
}

export class NodeState {
  view!: View;
  ring!: Ring;
  readonly replica: number;
  readonly clock: HybridClock;
  readonly cache: Cache;
  readonly isLoaded: (bytes: Uint8Array, start: number, length: number) => boolean;
  log!: Log;
  commits!: Commits;
  received!: number[];
  common!: number[];
  applied!: number[];
  flushed!: number[];
  issued!: number[];
  /** Grow whenever `applied`, or `issued` beyond its own entry, changes; so that others compare a number and not a vector. */
  appliedVersion = 1;
  issuedVersion = 1;
  /** Grows whenever there may be something new for the successor. */
  ringVersion = 1;
  protected pending!: Pending;
  readonly #ownShares = new OwnShares();
  protected flushOrder!: FlushOrder;

  constructor(view: View, replica: number, options: NodeOptions) {
    this.replica = replica;
    this.clock = new HybridClock(replica);
    this.#enter(view);
    this.cache = new Cache({
      bytesMax: options.cacheBytes,
      entriesMax: options.cacheEntries,
      hashSeed: options.hashSeed,
      evictable: (origin, counter) => this.#isFlushed(origin, counter),
      versions: this.versionsWith({
        retentionMs: options.snapshotRetentionMs ?? SNAPSHOT_RETENTION_MS_DEFAULT,
        bytesMax: options.snapshotBytes ?? SNAPSHOT_BYTES_DEFAULT,
        now: () => this.clock.wallMs,
        msOf: timestampMs,
      }),
    });
    this.isLoaded = options.isLoaded ?? (() => false);
  }

  protected ringOf(view: View, replica: number): Ring {
    return new Ring(view, replica);
  }

  protected versionsWith(options: VersionsOptions): Versions {
    return new Versions(options);
  }

  #isFlushed(replica: number, counter: number): boolean {
    // Replica 0 is no node: entries that stand for the store's answer or its absence; `Loading` ones (loads.ts) have counter 1 and stay.
    if (replica === 0) return counter === 0;
    const index = this.ring.indexOf(replica);
    return index < 0 || counter <= this.flushed[index];
  }

  /** Writes that are received and not applied. */
  get pendingWrites(): number {
    return this.pending.writes;
  }

  /** Of the pending writes, the segment with the oldest. */
  get oldestPending(): Segment | undefined {
    return this.pending.oldest();
  }

  // Transactions (commits.ts, snapshot.ts).

  /** Whether a version is within a snapshot. */
  isWithin({ replica, counter }: Stamp, snapshot: Snapshot): boolean {
    return snapshot.includes(replica, counter);
  }

  /** ⚑ The write by which a transaction was committed, as far as this node knows. */
  committed(key: string): Commit | undefined {
    return this.commits.get(key);
  }

  /** Whether a transaction that had seen this may have been committed without this node's knowing. */
  mayHaveForgotten(begun: Vector): boolean {
    return this.commits.mayHaveForgotten(begun);
  }

  /**
   * ⚑ Whether this node would know, had a replica committed a transaction that had seen this: it has all that the replica has made and the mesh has
   * kept, and nothing of that passed it by. Otherwise, where that one has not answered, this one cannot tell what it did.
   */
  knowsCommitsOf(replica: number, begun: Vector): boolean {
    const slot = this.ring.indexOf(replica);
    if (slot >= 0 && slot === this.ring.self) return true;
    const hasAll = slot < 0 ? this.ring.hasMet(replica) : this.received[slot] >= this.ring.finals[slot];
    return hasAll && !this.commits.mayHaveForgottenOf(replica, begun);
  }

  /** What the node has, as a snapshot. */
  protected receivedSnapshot(): Snapshot {
    return Snapshot.of(this.ring.vector(this.received), this.ring.replicas, this.view.nextReplica);
  }

  noteCommit(key: string, commit: Commit): void {
    this.commits.note(key, commit, () => this.receivedSnapshot());
  }

  /** A write that is received and sealed and not shown yet, without what stands for a commit; undefined where it is shown. */
  pendingWrite(replica: number, counter: number): PendingWrite | undefined {
    const origin = this.ring.indexOf(replica);
    if (origin < 0 || counter <= this.applied[origin]) return undefined;
    const segment = this.pending.segmentOf(origin, counter);
    if (segment === undefined) return undefined;
    const changes: PendingChange[] = [];
    walkSegment(segment, segment.cursor, counter, {
      change: (bytes, keyAt, keyLength, valueAt, valueLength, flags, _timestamp, of, expiresAt) => {
        if (of !== counter || isCommitAt(bytes, keyAt, keyLength)) return;
        changes.push({ key: bytes.slice(keyAt, keyAt + keyLength), value: bytes.slice(valueAt, valueAt + valueLength), flags, expiresAt });
      },
    });
    return { vector: this.ring.vector(this.pending.vectorOf(origin, counter)!), changes };
  }

  // Values that merge (merging/keys.ts).

  /** ⚑ A share as this node made it last, which the cache may not show yet; undefined where it may have made none. */
  madeShare(key: string): Share | undefined {
    return this.#ownShares.get(key);
  }

  /** The newest own write made this of a share. */
  noteShare(key: string, share: Share): void {
    const { self } = this.ring;
    this.#ownShares.note(key, share, this.received[self], this.applied[self]);
  }

  /** Enters a view with nothing, as whoever has not begun yet. */
  protected enter(view: View): void {
    this.#enter(view);
    this.cache.versions.clear();
    this.#changed();
  }

  #enter(view: View): void {
    this.view = view;
    this.ring = this.ringOf(view, this.replica);
    this.#reset(EMPTY_VECTOR);
  }

  /**
   * Begins with what the predecessor has told: the writes up to `base` are in the store, none later than `time`; the others follow. Whatever this node has received
   * so far is received again.
   */
  begin(base: Vector, time: number): void {
    this.#reset(base);
    // What lies between is in the store, and no record of it will be made here.
    this.cache.versions.clear();
    this.cache.noteUnseen(time);
    this.#changed();
  }

  #reset(base: Vector): void {
    const { ring } = this;
    const counters = ring.replicas.map((replica) => counterOf(base, replica));
    this.received = counters.slice();
    this.common = counters.slice();
    this.applied = counters.slice();
    this.flushed = counters.slice();
    this.issued = counters.slice();
    this.pending = new Pending(ring.size);
    this.log = new Log(ring.size);
    this.commits = new Commits(this.receivedSnapshot());
    this.flushOrder = new FlushOrder(ring);
  }

  /** Moves everything into the slots of a later view. Throws NODE_BEHIND where this node has not what the mesh has: it cannot go on then. */
  protected reslot(view: View): void {
    const before = this.ring;
    const ring = this.ringOf(view, this.replica);
    this.#check(view, before);
    for (const segment of new Set<Segment>([...this.log.segments(), ...this.flushOrder.segments()])) {
      segment.origin = ring.indexOf(segment.replica);
      segment.vector = ring.carry(segment.vector, before);
    }
    this.received = ring.carry(this.received, before);
    this.common = ring.carry(this.common, before);
    this.applied = ring.carry(this.applied, before);
    this.flushed = ring.carry(this.flushed, before);
    this.issued = ring.carry(this.issued, before);
    this.pending.reslot(ring.replicas.map((replica) => before.indexOf(replica)));
    this.log.reslot(ring.size);
    this.flushOrder.reslot(ring);
    this.view = view;
    this.ring = ring;
    this.commits.lose((replica) => ring.finalOf(replica));
    this.#changed();
  }

  /** Of the departed nobody has more than the mesh has kept; of those who are settled everybody shows everything. */
  #check(view: View, before: Ring): void {
    for (const { replica, final, settled } of view.departed) {
      const slot = before.indexOf(replica);
      if (slot < 0 || (this.received[slot] <= final && (!settled || this.applied[slot] === final))) continue;
      const has = `node ${this.replica} shows ${this.applied[slot]} and has received ${this.received[slot]} writes of replica ${replica}`;
      throw new MeshError("NODE_BEHIND", `${has}, of which the mesh has kept ${final}`);
    }
  }

  #changed(): void {
    this.appliedVersion += 1;
    this.issuedVersion += 1;
    this.ringVersion += 1;
  }
}
