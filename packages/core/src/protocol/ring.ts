// Where a node stands in the ring of its view, and the vectors of that view: plain arrays of counters, which only the node itself
// uses. Outside of it vectors are those of vector.ts.
//
// A vector here has a slot for each member, in ring order, and behind them one for each departed replica that is not settled. A departed one keeps its place in the ring: its head is the member behind that place, and the
// member before its head is the tail of its writes, as if it still stood between the two.

import type { Vector } from "./vector.js";
import type { View } from "./view.js";

/** What a vector from outside asks of this node. */
export const enum Reach {
  /** Every entry is a member's or is covered by what the departed left in the store. */
  Known,
  /** It names a replica that this node's view does not have yet. */
  Newer,
  /** It has seen more of a departed replica than the mesh kept. */
  Lost,
}

export class Ring {
  /** Members; the slots of the departed come behind theirs. */
  readonly members: number;
  /** Slots of a vector. */
  readonly size: number;
  /** This node's index, its successor's and its predecessor's; all 0 in a mesh of one. */
  readonly self: number;
  readonly successor: number;
  readonly predecessor: number;
  /** Replica ids by slot. */
  readonly replicas: readonly number[];
  /** The greatest counter that each slot can have: of the departed what the mesh kept. */
  readonly finals: readonly number[];
  readonly #indexes = new Map<number, number>();
  /** The slot of the member that has, or stands behind, each slot's place in the ring. */
  readonly #heads: readonly number[];
  readonly #finals: ReadonlyMap<number, number>;
  readonly #nextReplica: number;
  /** Slots in the order of ascending replica ids, the order of a Vector. */
  readonly ascending: readonly number[];

  constructor(view: View, replica: number) {
    const unsettled = view.departed.filter((one) => !one.settled);
    this.members = view.members.length;
    this.replicas = [...view.members, ...unsettled].map((one) => one.replica);
    this.size = this.replicas.length;
    this.replicas.forEach((id, index) => this.#indexes.set(id, index));
    this.self = this.indexOf(replica);
    this.successor = (this.self + 1) % this.members;
    this.predecessor = (this.self + this.members - 1) % this.members;
    this.#finals = new Map(view.departed.map((one) => [one.replica, one.final]));
    const heads = new Map(view.departed.map((one) => [one.replica, one.head]));
    this.finals = this.replicas.map((id) => this.#finals.get(id) ?? Infinity);
    this.#heads = this.replicas.map((id, index) => (index < this.members ? index : this.indexOf(heads.get(id)!)));
    this.#nextReplica = view.nextReplica;
    this.ascending = this.replicas.map((_, index) => index).sort((a, b) => this.replicas[a] - this.replicas[b]);
  }

  /** The slot of a replica, -1 if it has none: it is settled, or not met yet. */
  indexOf(replica: number): number {
    return this.#indexes.get(replica) ?? -1;
  }

  isMember(replica: number): boolean {
    const index = this.indexOf(replica);
    return index >= 0 && index < this.members;
  }

  /** Whether this view has had a replica of that id. */
  hasMet(replica: number): boolean {
    return replica < this.#nextReplica;
  }

  /** The node at which a replica's writes have gone all the way round: the predecessor of the replica, or of its head. */
  isTailOf(origin: number): boolean {
    return this.successor === this.#heads[origin];
  }

  /** Whether the successor is the node that knows first that a replica's writes have gone all the way round. */
  endsAtSuccessor(origin: number): boolean {
    return (this.successor + 1) % this.members === this.#heads[origin];
  }

  /** The member that writes to the store. */
  get flusher(): number {
    return 0;
  }

  zeros(): number[] {
    return new Array<number>(this.size).fill(0);
  }

  /** Fills `into` with the slots' entries of a vector from outside and says how far this view can follow it. */
  reach(vector: Vector, into: number[]): Reach {
    into.fill(0);
    for (let entry = 0; entry < vector.replicas.length; entry++) {
      const replica = vector.replicas[entry];
      const counter = vector.counters[entry];
      const index = this.indexOf(replica);
      if (index >= 0) {
        if (counter > this.finals[index]) return Reach.Lost;
        into[index] = counter;
      } else if (replica >= this.#nextReplica) return Reach.Newer;
      else if (counter > this.finalOf(replica)) return Reach.Lost;
    }
    return Reach.Known;
  }

  /** The greatest counter that a replica can have. Of those whom no token should name any more, nobody knows. */
  finalOf(replica: number): number {
    return this.#finals.get(replica) ?? Infinity;
  }

  /** The form in which counters leave the node. */
  vector(counters: readonly number[]): Vector {
    const replicas: number[] = [];
    const values: number[] = [];
    for (const index of this.ascending) {
      if (counters[index] === 0) continue;
      replicas.push(this.replicas[index]);
      values.push(counters[index]);
    }
    return { replicas, counters: values };
  }

  /** Counters of another ring in the slots of this one: what is settled has none any more, and nobody has more of the departed than is final. */
  carry(counters: readonly number[], from: Ring): number[] {
    return this.replicas.map((replica, index) => {
      const before = from.indexOf(replica);
      return before < 0 ? 0 : this.clamp(index, counters[before]);
    });
  }

  /** ⚑ What lies beyond the final counter of a departed replica is lost: nothing may wait for it. */
  clamp(index: number, counter: number): number {
    return Math.min(counter, this.finals[index]);
  }
}

/** Whether a ≤ b in every entry. */
export function within(a: readonly number[], b: readonly number[]): boolean {
  for (let index = 0; index < a.length; index++) if (a[index] > b[index]) return false;
  return true;
}

/** Raises `target` to the entry-wise maximum and says whether that changed anything. */
export function raise(target: number[], source: readonly number[]): boolean {
  let changed = false;
  for (let index = 0; index < target.length; index++) {
    if (source[index] > target[index]) {
      target[index] = source[index];
      changed = true;
    }
  }
  return changed;
}
