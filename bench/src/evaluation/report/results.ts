// The results of an evaluation as they are kept: every step as it was measured. Tables, plots and the document are made from this alone.

import type { BeyondRun } from "../beyond/beyond.js";
import type { MicroRun } from "../experiments/micro.js";
import type { AnomalyRun, SweepRun, YcsbRun } from "../experiments/others.js";
import type { Settings } from "../settings.js";

export interface Results {
  /** When it began, as ISO 8601. */
  readonly date: string;
  readonly command: string;
  readonly settings: Settings;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryBytes: number;
    readonly node: string;
    readonly system: string;
    /** The share of all processors that was busy before anything was started, from 0 to 1. */
    readonly busyBefore: number;
  };
  readonly seconds: number;
  readonly micro?: readonly MicroRun[];
  readonly servers?: readonly SweepRun[];
  readonly media?: readonly SweepRun[];
  readonly anomalies?: readonly AnomalyRun[];
  readonly ycsb?: readonly YcsbRun[];
  readonly beyond?: BeyondRun;
}

/** Processors that are busier than this before anything was started do somebody else's work. */
const BUSY_SHARE = 0.15;

/** Whether something else ran beside it, so that the figures say nothing. */
export function isBusy({ machine }: Results): boolean {
  return machine.busyBefore > BUSY_SHARE;
}

/** What an earlier run has found and a later one has not measured, with what that one has. The machine was busy where it was for one of them. */
export function joinedResults(before: Results | undefined, after: Results): Results {
  if (before === undefined) return after;
  return {
    ...before,
    ...after,
    date: before.date,
    command: `${before.command}\` and \`${after.command}`,
    machine: { ...after.machine, busyBefore: Math.max(before.machine.busyBefore, after.machine.busyBefore) },
    seconds: before.seconds + after.seconds,
  };
}
