// Counters. A share is the sum of what was added at its node.
//
// An addition that died with its node is made again by whoever has it, and that may be several forks of its session, at several nodes. So it stands
// apart under the dot that it had at first, `again`, and is counted once, whatever number of shares has it.

import { MeshError } from "../errors.js";
import type { Dot } from "./dot.js";

export interface Addition {
  readonly by: number;
  /** The dot that it had at first, of one that is made again. */
  readonly of?: Dot;
}

/** What stands under the key of a share. */
export interface CounterShare {
  readonly sum: number;
  readonly again?: Readonly<Record<Dot, number>>;
  /** The change that made it of the one before. */
  readonly last: Addition;
}

/** The share after one more addition. Throws VALUE_INVALID where it cannot be counted exactly. */
export function added(share: CounterShare | undefined, last: Addition): CounterShare {
  const { sum = 0, again } = share ?? {};
  if (last.of !== undefined) return { sum, again: { ...again, [last.of]: last.by }, last };
  return { sum: exact(sum + last.by), ...(again === undefined ? {} : { again }), last };
}

/** The counter that these shares make, together with additions that they do not have yet. */
export function countOf(shares: readonly CounterShare[], additions: readonly Addition[]): number {
  let count = 0;
  const again = new Map<string, number>();
  for (const share of shares) {
    count += share.sum;
    for (const [dot, by] of Object.entries(share.again ?? {})) again.set(dot, by);
  }
  for (const { by, of } of additions) {
    if (of === undefined) count += by;
    else again.set(of, by);
  }
  for (const by of again.values()) count += by;
  return count;
}

function exact(sum: number): number {
  if (Number.isSafeInteger(sum)) return sum;
  throw new MeshError("VALUE_INVALID", `a counter would leave the numbers that can be counted exactly, up to ${Number.MAX_SAFE_INTEGER}; use several counters`);
}
