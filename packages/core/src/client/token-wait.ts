// The wait before a session with large own writes is handed on. A write rides in the token until the node that answers shows it, and then every
// node has it; so the way to a small token is to ask again a little later.

import type { Clock } from "../clock.js";
import type { MeshError } from "../errors.js";
import { TOKEN_OWN_BYTES_AIM } from "../limits.js";
import type { OwnWrites } from "./own-writes.js";

/** First and longest pause between two looks; it doubles. A write is usually readable after two trips round the ring. */
const PAUSE_MS_MIN = 1;
const PAUSE_MS_MAX = 50;

/**
 * Resolves with the milliseconds waited, when the own writes in flight are few enough, when `timeMs` is over, or when no node answers: then they
 * ride after all. `ask` makes a call of the session, with whose answer it learns what is readable. Rejects with ABORTED alone.
 */
export async function waitForOwnWrites(own: OwnWrites, ask: (timeoutMs: number) => Promise<unknown>, clock: Clock, timeMs: number): Promise<number> {
  const begin = clock.monotonic();
  for (let pauseMs = PAUSE_MS_MIN; own.bytes > TOKEN_OWN_BYTES_AIM; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
    const leftMs = begin + timeMs - clock.monotonic();
    if (leftMs <= 0 || !(await hasAnswered(ask(leftMs)))) break;
    if (own.bytes > TOKEN_OWN_BYTES_AIM) await new Promise<void>((resolve) => clock.after(Math.min(pauseMs, leftMs), resolve, true));
  }
  return clock.monotonic() - begin;
}

async function hasAnswered(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if ((error as MeshError).code === "ABORTED") throw error;
    return false;
  }
}
