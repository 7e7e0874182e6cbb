// The table at the end of a run.

import { ANOMALIES } from "./anomalies.js";
import type { Figures, SystemFigures } from "./figures.js";
import { SYSTEMS } from "./systems.js";
import { WORKFLOWS } from "./workflows.js";

const milliseconds = (ms: number): string => ms.toFixed(ms < 10 ? 1 : 0);

export function table(figures: Figures): string {
  const head = ["system", "workflows", ...ANOMALIES, ...WORKFLOWS.map((name) => `${name} p50/p99 ms`), "workflows/s"];
  const rows = SYSTEMS.map((system) => [system === "plain" ? "plain caches" : system, ...cells(figures.of(system))]);
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column].length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join("  ");
  return [line(head), widths.map((width) => "─".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}

function cells({ workflows, anomalies, latency, perSecond }: SystemFigures): string[] {
  const latencies = WORKFLOWS.map((name) => `${milliseconds(latency[name].p50)} / ${milliseconds(latency[name].p99)}`);
  return [String(workflows), ...ANOMALIES.map((kind) => String(anomalies[kind])), ...latencies, perSecond.toFixed(0)];
}
