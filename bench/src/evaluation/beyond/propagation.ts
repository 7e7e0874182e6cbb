// Looks at the nodes of a simulated deployment from outside: what they have received and show after each step, and when a write is shown by all of them.

import type { MemberNode, Simulation } from "@causalmesh/core/testing";
import type { SimulatedProcess } from "./process.js";
import type { Work } from "./work.js";

interface Watched {
  readonly replica: number;
  readonly counter: number;
  readonly sinceMs: number;
  /** When each node showed it; undefined where it does not yet. */
  readonly shownAt: (number | undefined)[];
  left: number;
}

export class Propagation {
  /** Of each write that was watched and is shown by all nodes: milliseconds until each of them did. */
  delaysMs: number[][] = [];
  readonly #simulation: Simulation;
  readonly #nodes: readonly { readonly member: MemberNode }[];
  readonly #counts: { received: number; applied: number }[] = [];
  readonly #watched = new Set<Watched>();
  /** A node stopped by itself. */
  failure: Error | undefined;
  readonly fail = (error: Error): void => void (this.failure ??= error);

  constructor(simulation: Simulation, nodes: readonly { readonly member: MemberNode }[]) {
    this.#simulation = simulation;
    this.#nodes = nodes;
  }

  /** Writes that are watched and not shown by all nodes yet. */
  get open(): number {
    return this.#watched.size;
  }

  /** Writes that all nodes together have received and do not show. */
  get backlog(): number {
    return this.#nodes.reduce((sum, { member }) => sum + member.host.node.pendingWrites, 0);
  }

  /** What was watched before counts no more. */
  forget(): void {
    this.delaysMs = [];
    this.#watched.clear();
  }

  watch(replica: number, counter: number): void {
    const sinceMs = this.#simulation.time;
    const watched: Watched = { replica, counter, sinceMs, shownAt: this.#nodes.map(() => undefined), left: this.#nodes.length };
    this.#watched.add(watched);
    for (let index = 0; index < this.#nodes.length; index++) this.#see(watched, index);
  }

  /** A node has done something. */
  look(index: number, process: SimulatedProcess, work: Work): void {
    const node = this.#nodes.at(index)?.member.host?.node;
    if (node === undefined) return;
    const before = (this.#counts[index] ??= { received: 0, applied: 0 });
    const [received, applied] = [sum(node.received), sum(node.applied)];
    work.received = received - before.received;
    work.applied = applied - before.applied;
    this.#counts[index] = { received, applied };
    if (work.applied > 0 && this.#watched.size > 0)
      process.leaves(() => {
        for (const watched of this.#watched) this.#see(watched, index);
      });
  }

  #see(watched: Watched, index: number): void {
    const { replica, counter, sinceMs, shownAt } = watched;
    const { node } = this.#nodes[index].member.host;
    if (shownAt[index] !== undefined || node.applied[node.ring.indexOf(replica)] < counter) return;
    shownAt[index] = this.#simulation.time;
    watched.left -= 1;
    if (watched.left > 0) return;
    this.#watched.delete(watched);
    this.delaysMs.push(shownAt.map((ms) => ms! - sinceMs));
  }
}

function sum(counters: readonly number[]): number {
  let total = 0;
  for (let index = 0; index < counters.length; index++) total += counters[index];
  return total;
}
