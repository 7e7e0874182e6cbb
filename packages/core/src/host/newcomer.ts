// A node that has just joined: what it begins with, and when it has everything that its predecessor had then. Until that moment it serves
// nobody, stands in for nobody, and is counted on by nobody.

import { MalformedError } from "../bytes/reader.js";
import { MeshError } from "../errors.js";
import { CLOCK_AHEAD_MS_MAX, HEARTBEAT_MS } from "../limits.js";
import { timestampMs } from "../protocol/hybrid-clock.js";
import type { Node } from "../protocol/node.js";
import { EMPTY_VECTOR, type Vector } from "../protocol/vector.js";
import type { View } from "../protocol/view.js";
import type { Base } from "../wire/messages.js";

export class Newcomer {
  readonly #node: Node;
  isComplete: boolean;
  #hasBegun = false;
  /** When it last met a member. */
  #metAt: number;
  /** What the predecessor had received when it told the base. */
  #awaited: Vector = EMPTY_VECTOR;
  readonly #waiting: (() => void)[] = [];

  constructor(node: Node, joins: boolean, now: number) {
    this.#node = node;
    this.isComplete = !joins;
    this.#metAt = now;
  }

  /** A member that is complete has said something. */
  met(now: number): void {
    this.#metAt = now;
  }

  /** How long nobody has been met. */
  aloneMs(now: number): number {
    return now - this.#metAt;
  }

  /** Throws CLOCK_SKEW where this machine's clock is ahead of the mesh's: its writes would win every conflict until then. */
  begin(base: Base, now: number): void {
    const node = this.#node;
    if (this.isComplete) throw new MalformedError("a base for a node that has begun");
    const aheadMs = node.clock.nowMs() - timestampMs(base.time);
    if (aheadMs > CLOCK_AHEAD_MS_MAX)
      throw new MeshError("CLOCK_SKEW", `the clock of this machine is ${aheadMs} ms ahead of that of the node before; set the clocks of the machines`);
    node.observe(base.time);
    node.begin(base.flushed, base.time);
    this.#awaited = base.received;
    this.met(now);
    this.#hasBegun = true;
  }

  /** The view has changed before it was complete: the member before it now tells it what it begins with. */
  enter(view: View): void {
    this.#node.enter(view);
    this.#awaited = EMPTY_VECTOR;
    this.#hasBegun = false;
  }

  /** Looks whether it is complete now. */
  completes(): boolean {
    if (!this.#hasBegun || this.lacks()) return false;
    this.complete();
    return true;
  }

  /** ⚑ Until it has all that its predecessor had, there may be writes that are readable elsewhere and have passed it by. */
  protected lacks(): boolean {
    const { ring, received } = this.#node;
    const { replicas, counters } = this.#awaited;
    return replicas.some((replica, entry) => {
      const slot = ring.indexOf(replica);
      return slot >= 0 && received[slot] < ring.clamp(slot, counters[entry]);
    });
  }

  complete(): void {
    this.isComplete = true;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves when it is complete. */
  async whenComplete(): Promise<void> {
    if (!this.isComplete) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

/** Says that a node is there, and cannot do what is asked of it yet. Whoever looks for a mesh that is complete has not found it here. */
export function joiningError(replica: number, what: string): MeshError {
  return new MeshError("NODE_UNREACHABLE", `node ${replica} is joining the mesh, and ${what}`, { retryAfterMs: HEARTBEAT_MS });
}
