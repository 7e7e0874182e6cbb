// Pauses between attempts at what a busy table may do in a moment.

import { limits } from "@causalmesh/core";

/** Attempts in vain before a table counts as away. */
export const ATTEMPTS_MAX = 8;

/** Doubles with each attempt; jitter keeps nodes that were refused together from coming back together. */
export async function pause(attempt: number): Promise<void> {
  const delayMs = Math.min(limits.RETRY_DELAY_MS_MAX, limits.RETRY_DELAY_MS_MIN * 2 ** attempt);
  await new Promise((resolve) => setTimeout(resolve, delayMs * (0.5 + Math.random() / 2)));
}
