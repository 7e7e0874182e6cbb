// What this process holds in memory once its garbage is gone.

import { setTimeout as pause } from "node:timers/promises";

export interface Resident {
  readonly bytes: number;
  readonly heapBytes: number;
  readonly outsideHeapBytes: number;
}

/** Collections and pauses until the allocator has given back what it gives back. */
const ROUNDS = 4;
const PAUSE_MS = 50;

/** Needs --expose-gc. */
export async function residentBytes(): Promise<Resident> {
  const collect = (globalThis as { gc?: () => void }).gc;
  if (collect === undefined) throw new Error("start this process with --expose-gc");
  for (let round = 0; round < ROUNDS; round++) {
    collect();
    await pause(PAUSE_MS);
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { bytes: rss, heapBytes: heapUsed, outsideHeapBytes: external };
}
