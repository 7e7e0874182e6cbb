// Pauses between attempts at what a busy table may do in a moment.

import { backoffMs } from "@causalmesh/core";

/** Attempts in vain before a table counts as away. */
export const ATTEMPTS_MAX = 8;

export async function pause(failures: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, backoffMs(failures, Math.random)));
}
