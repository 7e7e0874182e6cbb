// What happens per second, from two looks at the counters of the members. A counter that begins anew (a replica id that was not there before) has no rate yet.

import type { MemberStatus, MeshStatus } from "@causalmesh/core";

/** Per second. */
export interface Rates {
  readonly reads: number;
  readonly hits: number;
  readonly writes: number;
  readonly errors: number;
  readonly linkBytes: number;
}

type Counters = Rates;

export class RateMeter {
  #before = new Map<number, Counters>();
  #atMs = -Infinity;

  /** The rates of each member by replica id, since the last look; `nowMs` is of any clock that does not go back. */
  look({ members }: MeshStatus, nowMs: number): ReadonlyMap<number, Rates> {
    const seconds = (nowMs - this.#atMs) / 1_000;
    const counters = new Map(members.map((member) => [member.replica, countersOf(member)]));
    const rates = new Map<number, Rates>();
    for (const [replica, now] of counters) {
      const before = this.#before.get(replica);
      if (before !== undefined && seconds > 0) rates.set(replica, perSecond(before, now, seconds));
    }
    this.#before = counters;
    this.#atMs = nowMs;
    return rates;
  }
}

export function sum(rates: Iterable<Rates>): Rates {
  const total = { reads: 0, hits: 0, writes: 0, errors: 0, linkBytes: 0 };
  for (const one of rates) for (const name of Object.keys(total) as (keyof Rates)[]) total[name] += one[name];
  return total;
}

export function operations({ reads, writes }: Rates): number {
  return reads + writes;
}

function countersOf({ reads, hits, writes, errors, linkBytes }: MemberStatus): Counters {
  return { reads, hits, writes, linkBytes, errors: Object.values(errors).reduce((all, count) => all + count, 0) };
}

function perSecond(before: Counters, now: Counters, seconds: number): Rates {
  const rate = (name: keyof Counters): number => Math.max(0, (now[name] - before[name]) / seconds);
  return { reads: rate("reads"), hits: rate("hits"), writes: rate("writes"), errors: rate("errors"), linkBytes: rate("linkBytes") };
}
