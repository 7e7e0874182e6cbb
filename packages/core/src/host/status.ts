// What an operator sees of a node. It is gathered when it is asked for.

import type { MemberState, MemberStatus, NodeDebug, NodeEvent } from "../mesh.js";
import { timestampMs } from "../protocol/hybrid-clock.js";
import type { Segment } from "../protocol/segment.js";
import { vectorRecord } from "../protocol/vector.js";
import type { Member, View } from "../protocol/view.js";
import { VERSION } from "../version.js";
import { WIRE_VERSION } from "../wire/handshake.js";
import type { Host } from "./host.js";

export function statusOf(host: Host): MemberStatus {
  const { node, membership, neighbours, figures } = host;
  const { ring } = node;
  const record = (counters: readonly number[]): Record<string, number> => vectorRecord(ring.vector(counters));
  return {
    replica: node.replica,
    address: host.address,
    version: VERSION,
    protocol: WIRE_VERSION,
    state: stateOf(host),
    epoch: node.view.epoch,
    ring: node.view.members,
    departed: ring.size - ring.members,
    linked: neighbours.isLinked,
    suspected: node.view.members.filter(({ replica }) => membership.isSealed(replica)).length,
    received: record(node.received),
    common: record(node.common),
    applied: record(node.applied),
    flushed: record(node.flushed),
    pending: node.pendingWrites,
    visibilityLagMs: ageMs(host, host.node.oldestPending),
    log: node.log.writes,
    logBytes: node.log.bytes,
    flushLagMs: ageMs(host, oldestUnflushed(host)),
    storeFailing: host.storeCalls.isFailing,
    cacheEntries: node.cache.count,
    cacheBytes: node.cache.bytes,
    cacheBytesMax: host.cacheBytesMax,
    evictions: node.cache.evictions,
    versionBytes: node.cache.versions.bytes,
    transactionAborts: { ...host.aborts },
    reads: host.reads,
    hits: host.hits,
    writes: host.writes,
    sessionWaits: figures.sessionWaits,
    errors: figures.errors,
    linkBytes: neighbours.linkBytes,
    clockMs: host.platform.clock.now(),
  };
}

function stateOf(host: Host): MemberState {
  if (host.isClosing) return "leaving";
  // One that the mesh has gone on without has stopped answering, and joins anew.
  return host.isComplete && !host.hasFailed ? "serving" : "joining";
}

function ageMs({ node }: Host, segment: Segment | undefined): number {
  return segment === undefined ? 0 : Math.max(0, node.clock.nowMs() - timestampMs(segment.newest));
}

/** The log is in the order of arrival; what stands before the first one that is not flushed waits for something else. */
function oldestUnflushed({ node }: Host): Segment | undefined {
  for (const segment of node.log.segments()) if (segment.origin >= 0 && segment.last > node.flushed[segment.origin]) return segment;
  return undefined;
}

/** What has changed from these members to this view. */
export function viewEvent(before: readonly Member[], { epoch, members }: View): Extract<NodeEvent, { type: "view" }> {
  const without = (some: readonly Member[], others: readonly Member[]): Member[] =>
    some.filter(({ replica }) => !others.some((other) => other.replica === replica));
  return { type: "view", epoch, members, joined: without(members, before), left: without(before, members) };
}

export function debugOf(host: Host): NodeDebug {
  const { node, neighbours, flusher, waiters, loads } = host;
  const connections = [...host.connections].map(({ remote, kind, protocol }) => ({ remote, kind, protocol }));
  return {
    status: host.status(),
    departed: node.view.departed,
    nextReplica: node.view.nextReplica,
    sealed: node.view.members.filter(({ replica }) => host.membership.isSealed(replica)).map(({ replica }) => replica),
    isFlusher: node.isFlusher,
    flushFailures: flusher.failures,
    flushError: flusher.lastError?.message,
    linkError: neighbours.linkError,
    predecessorAlive: neighbours.isPredecessorAlive,
    waitingWrites: waiters.length,
    loadingKeys: loads.length,
    connections,
  };
}
