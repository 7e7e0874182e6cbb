// A node's numbers in the Prometheus text format, version 0.0.4. Written by hand: a dozen lines of format against a
// dependency. Every number is read when it is asked for; never a key in a label.

import type { MemberStatus } from "@causalmesh/core";

export const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

interface Sample {
  readonly labels?: Readonly<Record<string, string | number>>;
  readonly value: number;
}

interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** What the process knows beside the node; base units. */
export interface ProcessNumbers {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  /** Seconds since 1970. */
  readonly startTime: number;
}

export function formatMetrics(status: MemberStatus, numbers: ProcessNumbers): string {
  return [...nodeMetrics(status), ...processMetrics(numbers)].map(formatMetric).join("");
}

function nodeMetrics(status: MemberStatus): Metric[] {
  const { replica, address } = status;
  return [
    gauge("causalmesh_node_info", "The replica id and the address of this start of the node.", { labels: { replica, address }, value: 1 }),
    counter(
      "causalmesh_operations_total",
      "Operations answered. A read's result is hit (from the cache) or miss.",
      { labels: { op: "read", result: "hit" }, value: status.hits },
      { labels: { op: "read", result: "miss" }, value: Math.max(0, status.reads - status.hits) },
      { labels: { op: "write", result: "ok" }, value: status.writes },
    ),
    gauge("causalmesh_pending_writes", "Writes received and not yet readable.", { value: status.pending }),
    gauge("causalmesh_log_writes", "Writes kept for resending and flushing.", { value: status.log }),
    gauge("causalmesh_log_bytes", "Bytes of the writes kept for resending and flushing.", { value: status.logBytes }),
    counter("causalmesh_link_sent_bytes_total", "Bytes sent to the successor in the ring.", { value: status.linkBytes }),
    gauge("causalmesh_cache_entries", "Keys in the cache.", { value: status.cacheEntries }),
    gauge("causalmesh_cache_bytes", "Memory that the cache takes.", { value: status.cacheBytes }),
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

function processMetrics({ cpuSeconds, residentBytes, startTime }: ProcessNumbers): Metric[] {
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

function counter(name: string, help: string, ...samples: Sample[]): Metric {
  return { name, type: "counter", help, samples };
}

function gauge(name: string, help: string, ...samples: Sample[]): Metric {
  return { name, type: "gauge", help, samples };
}

function formatMetric({ name, type, help, samples }: Metric): string {
  const lines = samples.map(({ labels, value }) => `${name}${formatLabels(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function formatLabels(labels: Sample["labels"]): string {
  if (labels === undefined) return "";
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(String(value))}"`);
  return `{${pairs.join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
}
