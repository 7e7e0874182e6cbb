// Trying again what may succeed in a moment.

import { backoffMs } from "@causalmesh/core";

const ATTEMPTS_MAX = 8;

/**
 * Does `work`, and again after a pause of 20 ms to 2 s, which doubles and is jittered, while it fails with what `mayPass`: 8 times at most. Rejects with what it
 * failed with last.
 */
export async function withRetries<Result>(work: () => Promise<Result>, mayPass: (error: unknown) => boolean): Promise<Result> {
  for (let failures = 0; ; failures++) {
    try {
      return await work();
    } catch (error) {
      if (failures === ATTEMPTS_MAX - 1 || !mayPass(error)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, backoffMs(failures, Math.random)));
  }
}
