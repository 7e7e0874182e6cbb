// What a node holds (design section 3), and how it is carried from one view to the next (section 7). What happens to it within a view is
// node.ts's.

import { Cache } from "../cache/cache.js";
import { MeshError } from "../errors.js";
import { FlushOrder } from "./flush-order.js";
import { HybridClock } from "./hybrid-clock.js";
import { Log } from "./log.js";
import { Pending } from "./pending.js";
import { Ring } from "./ring.js";
import type { Segment } from "./segment.js";
import { counterOf, EMPTY_VECTOR, type Vector } from "./vector.js";
import type { View } from "./view.js";

export interface NodeOptions {
  readonly cacheBytes: number;
  readonly cacheEntries?: number;
  readonly hashSeed?: number;
  /** Whether the mesh's loader is asked for a key that has no value. */
  readonly isLoaded?: (bytes: Uint8Array, start: number, length: number) => boolean;
}

export class NodeState {
  view!: View;
  ring!: Ring;
  readonly replica: number;
  readonly clock = new HybridClock();
  readonly cache: Cache;
  readonly isLoaded: (bytes: Uint8Array, start: number, length: number) => boolean;
  log!: Log;
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
  protected flushOrder!: FlushOrder;

  constructor(view: View, replica: number, options: NodeOptions) {
    this.replica = replica;
    this.#enter(view);
    this.cache = new Cache({
      bytesMax: options.cacheBytes,
      entriesMax: options.cacheEntries,
      hashSeed: options.hashSeed,
      evictable: (origin, counter) => this.#isFlushed(origin, counter),
    });
    this.isLoaded = options.isLoaded ?? (() => false);
  }

  protected ringOf(view: View, replica: number): Ring {
    return new Ring(view, replica);
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

  /** Enters a view with nothing, as whoever has not begun yet. */
  protected enter(view: View): void {
    this.#enter(view);
    this.#changed();
  }

  #enter(view: View): void {
    this.view = view;
    this.ring = this.ringOf(view, this.replica);
    this.#reset(EMPTY_VECTOR);
  }

  /**
   * Begins with what the predecessor has told: the writes up to `base` are in the store, the others follow. Whatever this node has received
   * so far is received again.
   */
  begin(base: Vector): void {
    this.#reset(base);
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
