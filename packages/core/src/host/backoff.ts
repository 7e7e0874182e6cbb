// Pauses between attempts at something that fails.

import type { Random } from "../clock.js";
import { RETRY_DELAY_MS_MAX, RETRY_DELAY_MS_MIN } from "../limits.js";

/** Doubles with each failure up to the bound, and is jittered so that many do not come back at once. */
export function backoffMs(failures: number, random: Random): number {
  const longest = Math.min(RETRY_DELAY_MS_MAX, RETRY_DELAY_MS_MIN * 2 ** Math.min(failures, 16));
  return longest * (0.5 + random() / 2);
}
