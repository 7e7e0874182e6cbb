// A node's numbers for Prometheus. Every number is read when it is asked for; never a key in a label.

import type { DurationName, DurationSummary, MemberStatus } from "@causalmesh/core";
import { counter, formatMetric, gauge, histogram, type Metric } from "./metrics-format.js";

/** What the process knows beside the node; base units. */
export interface ProcessNumbers {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  /** Seconds since 1970. */
  readonly startTime: number;
}

export interface NodeNumbers {
  readonly status: MemberStatus;
  readonly durations: Readonly<Record<DurationName, DurationSummary>>;
}

export function formatMetrics({ status, durations }: NodeNumbers, numbers: ProcessNumbers): string {
  return [...meshMetrics(status), ...nodeMetrics(status, durations), ...processMetrics(numbers)].map(formatMetric).join("");
}

/** The node as a member. */
function meshMetrics({ replica, address, version, epoch, ring, suspected, departed, linked }: MemberStatus): Metric[] {
  return [
    gauge("causalmesh_node_info", "The replica id, the address and the release of this start of the node.", {
      labels: { replica, address, version },
      value: 1,
    }),
    gauge("causalmesh_epoch", "The epoch of the view that the node is in.", { value: epoch }),
    gauge(
      "causalmesh_members",
      "Members of the view as this node sees them: alive, or suspected and about to leave; and the departed whom vectors still name.",
      { labels: { state: "alive" }, value: ring.length - suspected },
      { labels: { state: "suspected" }, value: suspected },
      { labels: { state: "departed" }, value: departed },
    ),
    gauge("causalmesh_link_up", "1 while the link to the next node of the ring is up, or the node is alone.", { value: linked ? 1 : 0 }),
  ];
}

function nodeMetrics(status: MemberStatus, durations: NodeNumbers["durations"]): Metric[] {
  return [
    counter(
      "causalmesh_operations_total",
      "Operations answered. A read's result is hit (from the cache) or miss.",
      { labels: { op: "read", result: "hit" }, value: status.hits },
      { labels: { op: "read", result: "miss" }, value: Math.max(0, status.reads - status.hits) },
      { labels: { op: "write", result: "ok" }, value: status.writes },
    ),
    counter(
      "causalmesh_errors_total",
      "Requests answered with an error, by code.",
      ...Object.entries(status.errors).map(([code, value]) => ({ labels: { code }, value })),
    ),
    {
      name: "causalmesh_operation_duration_seconds",
      type: "histogram",
      help: "A write until it is answered at its durability level, a read of keys from the store (load), a batch to the store (flush).",
      samples: Object.entries(durations).flatMap(([op, summary]) => histogram(op, summary)),
    },
    counter("causalmesh_session_waits_total", "Requests whose session had seen more than the node has received; other nodes answered them.", {
      value: status.sessionWaits,
    }),
    gauge("causalmesh_visibility_lag_seconds", "Age of the oldest write that is received and not yet readable.", { value: status.visibilityLagMs / 1_000 }),
    gauge("causalmesh_store_flush_lag_seconds", "Age of the oldest write that is not known to be in the store.", { value: status.flushLagMs / 1_000 }),
    gauge("causalmesh_store_failing", "1 while the store does not do what it is asked.", { value: status.storeFailing ? 1 : 0 }),
    gauge("causalmesh_pending_writes", "Writes received and not yet readable.", { value: status.pending }),
    gauge("causalmesh_log_writes", "Writes kept for resending and flushing.", { value: status.log }),
    gauge("causalmesh_log_bytes", "Bytes of the writes kept for resending and flushing.", { value: status.logBytes }),
    counter("causalmesh_link_sent_bytes_total", "Bytes sent to the successor in the ring.", { value: status.linkBytes }),
    gauge("causalmesh_cache_entries", "Keys in the cache.", { value: status.cacheEntries }),
    gauge("causalmesh_cache_bytes", "Memory that the cache takes.", { value: status.cacheBytes }),
    gauge("causalmesh_cache_bytes_max", "The bound of the cache.", { value: status.cacheBytesMax }),
    counter("causalmesh_evictions_total", "Keys that left the cache for want of room.", { value: status.evictions }),
    gauge("causalmesh_version_bytes", "Memory that versions kept for the snapshots of transactions take.", { value: status.versionBytes }),
    counter(
      "causalmesh_transaction_aborts_total",
      "Transactions given up, by why the version that they needed was not there.",
      ...Object.entries(status.transactionAborts).map(([cause, value]) => ({ labels: { cause }, value })),
    ),
    gauge(
      "causalmesh_vector_counter",
      "Per replica, the counter up to which writes are received, common, applied and flushed, as this node knows.",
      ...(["received", "common", "applied", "flushed"] as const).flatMap((vector) =>
        Object.entries(status[vector]).map(([of, value]) => ({ labels: { vector, replica: of }, value })),
      ),
    ),
  ];
}

export function processMetrics({ cpuSeconds, residentBytes, startTime }: ProcessNumbers): Metric[] {
  return [
    counter("process_cpu_seconds_total", "Processor time, user and system.", { value: cpuSeconds }),
    gauge("process_resident_memory_bytes", "Resident memory.", { value: residentBytes }),
    gauge("process_start_time_seconds", "Start of the process in seconds since 1970.", { value: startTime }),
  ];
}

export function processNumbers(): ProcessNumbers {
  const { user, system } = process.cpuUsage();
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: process.memoryUsage.rss(),
    startTime: Math.round(performance.timeOrigin) / 1000,
  };
}
