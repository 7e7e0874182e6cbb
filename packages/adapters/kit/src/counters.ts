// Flushed counters, as every store has to treat them.

import type { FlushedCounters } from "@causalmesh/core";

/** Per replica the greater of the two: counters only rise. */
export function joined(counters: FlushedCounters, others: FlushedCounters): FlushedCounters {
  const greatest = new Map(counters);
  for (const [replica, counter] of others) greatest.set(replica, Math.max(counter, greatest.get(replica) ?? 0));
  return [...greatest];
}
