// The snapshot of a transaction (design section 10): a causal cut that any node can show, in whichever view.
//
// It is the applied vector of the node of the first read. A vector says of a replica that it does not name either that nothing of it is seen, or
// that it has left and everything is (settled, see ring.ts). Sessions need not tell the two apart; whoever judges single versions does, so a
// snapshot also names, with 0, the replicas of its view that had no writes in it.

import { counterOf, type Vector } from "./vector.js";

export class Snapshot {
  /** In ascending order; counters of 0 included. */
  readonly replicas: readonly number[];
  readonly counters: readonly number[];
  /** Replica ids from this one on had not been met. */
  readonly nextReplica: number;

  constructor(replicas: readonly number[], counters: readonly number[], nextReplica: number) {
    this.replicas = replicas;
    this.counters = counters;
    this.nextReplica = nextReplica;
  }

  /** What a node shows whose vectors have these slots. */
  static of(applied: Vector, slots: Iterable<number>, nextReplica: number): Snapshot {
    const unnamed = [...slots].filter((slot) => !applied.replicas.includes(slot));
    if (unnamed.length === 0) return new Snapshot(applied.replicas, applied.counters, nextReplica);
    const replicas = [...applied.replicas, ...unnamed].sort((a, b) => a - b);
    return new Snapshot(
      replicas,
      replicas.map((replica) => counterOf(applied, replica)),
      nextReplica,
    );
  }

  /** The same as sessions keep it: what a node has to show before it can answer from the snapshot. */
  get vector(): Vector {
    if (!this.counters.includes(0)) return { replicas: this.replicas, counters: this.counters };
    const named = this.replicas.map((_, index) => index).filter((index) => this.counters[index] > 0);
    return { replicas: named.map((index) => this.replicas[index]), counters: named.map((index) => this.counters[index]) };
  }

  /** Whether a write is within it. Replica 0 is no node: it stands for the absence of writes. */
  includes(replica: number, counter: number): boolean {
    const index = this.replicas.indexOf(replica);
    return index < 0 ? replica < this.nextReplica : counter <= this.counters[index];
  }
}
