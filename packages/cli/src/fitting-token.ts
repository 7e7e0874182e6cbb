// The token of a session whose writes may be too large for one. A write travels in the token only until it can be read everywhere, so
// the way to a token that fits is to go on reading in the session until the node that answers shows the write.

import { setTimeout as sleep } from "node:timers/promises";
import { MeshError, type Session } from "@causalmesh/core";

/** First and longest pause between two reads; they double in between. A write is usually readable after two trips round the ring. */
const PAUSE_MS_MIN = 5;
const PAUSE_MS_MAX = 200;

export interface FittingTokenOptions {
  /** Time for the whole of it. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** The session's token. Reads `key` again until it fits; throws TIMEOUT where it does not in time. */
export async function fittingToken(session: Session, key: string, { timeoutMs, signal }: FittingTokenOptions): Promise<string> {
  const deadline = performance.now() + timeoutMs;
  for (let pauseMs = PAUSE_MS_MIN; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
    try {
      return await session.token();
    } catch (error) {
      if ((error as MeshError).code !== "TOKEN_TOO_LARGE") throw error;
      const leftMs = deadline - performance.now();
      if (leftMs <= pauseMs) throw notInTime(timeoutMs, error);
      await sleep(pauseMs, undefined, { signal });
      // The call's own deadline is the session's, or what is left of the whole where that is less.
      await session.getEntry(key, { signal, timeoutMs: Math.max(1, Math.round(deadline - performance.now())) });
    }
  }
}

function notInTime(timeoutMs: number, cause: unknown): MeshError {
  const what = "the session's writes are made, but are not readable everywhere yet, and too large to travel in its token";
  return new MeshError("TIMEOUT", `${what}: after ${timeoutMs} ms it still did not fit; allow more with --timeout, or look at the mesh's status`, { cause });
}
