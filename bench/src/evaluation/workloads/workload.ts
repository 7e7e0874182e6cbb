// What a workload is: keys that the store is filled with, and workflows drawn one after another from a seed.

import type { WorkflowSpec } from "../load/flow.js";

export interface Draw {
  /** In [0, 1). */
  readonly random: () => number;
  readonly servers: number;
}

export interface Workload {
  readonly keys: readonly string[];
  /** What every key holds at first. */
  readonly fill: string;
  next(): WorkflowSpec;
}

/** The parameters of a workload by its name; they go to the process that runs the functions as they are. */
export type WorkloadName = "micro" | "length" | "media" | "anomalies" | "ycsb";

export interface WorkloadOptions {
  readonly name: WorkloadName;
  readonly keys: number;
  /** Of `length` and `anomalies`: functions of a workflow. */
  readonly functions?: number;
  /** Of `ycsb`: A to F. */
  readonly letter?: string;
}

export async function openWorkload(options: WorkloadOptions, draw: Draw): Promise<Workload> {
  switch (options.name) {
    case "micro":
      return (await import("./micro.js")).micro(options, draw);
    case "length":
      return (await import("./length.js")).length(options, draw);
    case "anomalies":
      return (await import("./length.js")).anomalies(options, draw);
    case "media":
      return (await import("./media.js")).media(options, draw);
    case "ycsb":
      return (await import("./ycsb.js")).ycsb(options, draw);
  }
}

export function below(random: () => number, limit: number): number {
  return Math.floor(random() * limit);
}

export function keyNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `key:${String(index).padStart(8, "0")}`);
}
