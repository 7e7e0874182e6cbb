// What machine an evaluation runs on, and whether it does other work.

import { cpus, release, totalmem } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import type { Results } from "./report/results.js";

/** Long enough to see work that comes in bursts. */
const LOOK_MS = 2_000;

/** Looked at before anything is started. */
export async function machine(): Promise<Results["machine"]> {
  const before = times();
  await pause(LOOK_MS);
  const after = times();
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryBytes: totalmem(),
    node: process.versions.node,
    system: `${process.platform} ${release()}`,
    busyBefore: 1 - (after.idle - before.idle) / (after.total - before.total),
  };
}

/** Milliseconds of all processors. */
function times(): { readonly idle: number; readonly total: number } {
  let [idle, total] = [0, 0];
  for (const { times: of } of cpus()) {
    idle += of.idle;
    total += of.user + of.nice + of.sys + of.idle + of.irq;
  }
  return { idle, total };
}
