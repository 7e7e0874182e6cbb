// The Prometheus text format, version 0.0.4. Written by hand: a dozen lines of format against a dependency.

import type { DurationSummary } from "@causalmesh/core";

export const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export interface Sample {
  /** What follows the metric's name, of a histogram. */
  readonly suffix?: "_bucket" | "_sum" | "_count";
  readonly labels?: Readonly<Record<string, string | number>>;
  readonly value: number;
}

export interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** Buckets are cumulative there, and in seconds. */
export function histogram(op: string, { boundsMs, counts, sumMs }: DurationSummary): Sample[] {
  let below = 0;
  const buckets = counts.map((count, index): Sample => {
    below += count;
    return { suffix: "_bucket", labels: { op, le: index < boundsMs.length ? boundsMs[index] / 1_000 : "+Inf" }, value: below };
  });
  return [...buckets, { suffix: "_sum", labels: { op }, value: sumMs / 1_000 }, { suffix: "_count", labels: { op }, value: below }];
}

export function counter(name: string, help: string, ...samples: Sample[]): Metric {
  return { name, type: "counter", help, samples };
}

export function gauge(name: string, help: string, ...samples: Sample[]): Metric {
  return { name, type: "gauge", help, samples };
}

export function formatMetric({ name, type, help, samples }: Metric): string {
  const lines = samples.map(({ suffix = "", labels, value }) => `${name}${suffix}${formatLabels(labels)} ${value}\n`);
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
