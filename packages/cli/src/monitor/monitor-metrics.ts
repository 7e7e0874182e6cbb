// The monitor's numbers for Prometheus.

import { ANOMALIES } from "@causalmesh/checker";
import type { MonitorNumbers } from "@causalmesh/monitor";
import { counter, formatMetric, gauge } from "../metrics-format.js";
import { processMetrics, type ProcessNumbers } from "../metrics.js";

export interface IntakeNumbers extends MonitorNumbers {
  /** Lines that were none of a history. */
  readonly refusedLines: number;
}

export function formatMonitorMetrics({ violations, judged, dropped, refusedLines, kept, windows }: IntakeNumbers, numbers: ProcessNumbers): string {
  return [
    counter(
      "causalmesh_violations_total",
      "Violations found, by anomaly.",
      // All of them from the beginning, so that the first is an increase.
      ...ANOMALIES.map((anomaly) => ({ labels: { anomaly }, value: violations[anomaly] ?? 0 })),
    ),
    counter(
      "causalmesh_monitor_operations_total",
      "Operations that were judged, and those of lines that were longer than the window takes.",
      { labels: { result: "judged" }, value: judged },
      { labels: { result: "dropped" }, value: dropped },
    ),
    counter("causalmesh_monitor_refused_lines_total", "Lines that are none of a history.", { value: refusedLines }),
    counter("causalmesh_monitor_windows_total", "How often the window was judged.", { value: windows }),
    gauge("causalmesh_monitor_window_operations", "Operations in the window.", { value: kept }),
    ...processMetrics(numbers),
  ]
    .map(formatMetric)
    .join("");
}
