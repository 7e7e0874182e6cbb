// The token of a session whose writes may be too large for one. A write travels in the token only until it can be read everywhere, so
// the way to a token that fits is to go on reading in the session until the node that answers shows the write.

import { setTimeout as sleep } from "node:timers/promises";
import { MeshError, type Session } from "@causalmesh/core";

/** First and longest pause between two reads; they double in between. A write is usually readable after two trips round the ring. */
const PAUSE_MS_MIN = 5;
const PAUSE_MS_MAX = 200;

export interface FittingTokenOptions {
  /** By `performance.now()`. */
  readonly deadline: number;
  readonly signal: AbortSignal;
}

/** The session's token. Reads `key` again until it fits; throws TIMEOUT where it does not in time. */
export async function fittingToken(session: Session, key: string, { deadline, signal }: FittingTokenOptions): Promise<string> {
  for (let pauseMs = PAUSE_MS_MIN; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
    try {
      return await session.token();
    } catch (error) {
      if ((error as MeshError).code !== "TOKEN_TOO_LARGE") throw error;
      if (deadline - performance.now() <= pauseMs) throw notInTime(error);
      await sleep(pauseMs, undefined, { signal });
      await session.getEntry(key, { signal, timeoutMs: Math.max(1, Math.round(deadline - performance.now())) });
    }
  }
}

function notInTime(cause: unknown): MeshError {
  const what = "the session's writes are made, but did not become readable everywhere in time, and are too large to travel in its token";
  return new MeshError("TIMEOUT", `${what}; allow more with --timeout, or look at the mesh's status`, { cause });
}
