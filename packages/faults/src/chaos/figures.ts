// What the probes of a run say of a kill: when the clients of the dead node were served again, and what those of others noticed.

import type { FailedCall } from "../workflow.js";
import type { Probe } from "./probe-main.js";

/** Milliseconds, of one node that was killed. */
export interface KillFigures {
  /** From the kill until a read, or a write at the default level, of a session that was at the dead node was answered. */
  readonly readsAgainMs: number;
  readonly writesAgainMs: number;
  /** 99th percentiles of the reads at the other nodes, and their longest write: before, and in the seconds after the kill. */
  readonly readsElsewhereP99Ms: BeforeAfter;
  readonly writesElsewhereMaxMs: BeforeAfter;
}

export interface BeforeAfter {
  readonly before: number;
  readonly after: number;
}

/** In which a dead node is found out, and after which it may be back. */
const WINDOW_MS = 3_000;

export function figuresOfKill(probes: readonly Probe[], node: string, atMs: number): KillFigures {
  const after = probes.filter((probe) => probe.atMs + probe.tookMs >= atMs && probe.atMs < atMs + WINDOW_MS);
  const before = probes.filter((probe) => probe.atMs + probe.tookMs < atMs);
  const againMs = (call: Probe["call"]): number => {
    const ends = probes.filter((probe) => probe.node === node && probe.call === call && probe.failed === undefined).map((probe) => probe.atMs + probe.tookMs);
    return Math.min(...ends.filter((end) => end > atMs)) - atMs;
  };
  const elsewhere = (some: readonly Probe[], call: Probe["call"]): number[] =>
    some.filter((probe) => probe.node !== node && probe.call === call).map(({ tookMs }) => tookMs);
  return {
    readsAgainMs: againMs("read"),
    writesAgainMs: againMs("write"),
    readsElsewhereP99Ms: { before: percentile(elsewhere(before, "read"), 0.99), after: percentile(elsewhere(after, "read"), 0.99) },
    writesElsewhereMaxMs: { before: Math.max(0, ...elsewhere(before, "write")), after: Math.max(0, ...elsewhere(after, "write")) },
  };
}

/** NaN of nothing. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** How often each code occurs. */
export function countCodes(failed: readonly FailedCall[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { code } of failed) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}
