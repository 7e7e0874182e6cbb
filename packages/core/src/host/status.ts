// What an operator sees of a node.

import type { MemberStatus } from "../mesh.js";
import { vectorRecord } from "../protocol/vector.js";
import type { Host } from "./host.js";

export function statusOf(host: Host): MemberStatus {
  const { node } = host;
  const record = (counters: readonly number[]): Record<string, number> => vectorRecord(node.ring.vector(counters));
  return {
    replica: node.replica,
    address: host.address,
    received: record(node.received),
    common: record(node.common),
    applied: record(node.applied),
    flushed: record(node.flushed),
    pending: node.pendingWrites,
    log: node.log.writes,
    logBytes: node.log.bytes,
    cacheEntries: node.cache.count,
    cacheBytes: node.cache.bytes,
    evictions: node.cache.evictions,
    versionBytes: node.cache.versions.bytes,
    transactionAborts: { ...host.aborts },
    reads: host.reads,
    hits: host.hits,
    writes: host.writes,
    linkBytes: host.neighbours.linkBytes,
    clockMs: host.platform.clock.now(),
  };
}
