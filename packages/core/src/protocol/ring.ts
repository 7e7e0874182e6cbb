// Where a node stands in the ring of its view, and the vectors of that view: plain arrays of counters in ring order, which
// only the node itself uses. Outside of it vectors are those of vector.ts.

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
  readonly size: number;
  /** This node's index, its successor's and its predecessor's; all 0 in a mesh of one. */
  readonly self: number;
  readonly successor: number;
  readonly predecessor: number;
  /** Replica ids in ring order. */
  readonly replicas: readonly number[];
  readonly #indexes = new Map<number, number>();
  readonly #finals: ReadonlyMap<number, number>;
  readonly #nextReplica: number;
  /** Ring indexes in the order of ascending replica ids, the order of a Vector. */
  readonly #ascending: readonly number[];

  constructor(view: View, replica: number) {
    this.size = view.members.length;
    this.replicas = view.members.map((member) => member.replica);
    this.replicas.forEach((id, index) => this.#indexes.set(id, index));
    this.self = this.indexOf(replica);
    this.successor = (this.self + 1) % this.size;
    this.predecessor = (this.self + this.size - 1) % this.size;
    this.#finals = new Map(view.finals);
    this.#nextReplica = view.nextReplica;
    this.#ascending = this.replicas.map((_, index) => index).sort((a, b) => this.replicas[a] - this.replicas[b]);
  }

  /** A member's index, -1 for any other replica. */
  indexOf(replica: number): number {
    return this.#indexes.get(replica) ?? -1;
  }

  /** The node at which a member's writes have gone all the way round: its predecessor. */
  isTailOf(origin: number): boolean {
    return this.successor === origin;
  }

  zeros(): number[] {
    return new Array<number>(this.size).fill(0);
  }

  /** Fills `into` with the members' entries of a vector from outside and says how far this view can follow it. */
  reach(vector: Vector, into: number[]): Reach {
    into.fill(0);
    for (let entry = 0; entry < vector.replicas.length; entry++) {
      const replica = vector.replicas[entry];
      const index = this.indexOf(replica);
      if (index >= 0) into[index] = vector.counters[entry];
      else if (replica >= this.#nextReplica) return Reach.Newer;
      else if (vector.counters[entry] > (this.#finals.get(replica) ?? Infinity)) return Reach.Lost;
    }
    return Reach.Known;
  }

  /** The form in which counters leave the node. */
  vector(counters: readonly number[]): Vector {
    const replicas: number[] = [];
    const values: number[] = [];
    for (const index of this.#ascending) {
      if (counters[index] === 0) continue;
      replicas.push(this.replicas[index]);
      values.push(counters[index]);
    }
    return { replicas, counters: values };
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
