// What LMDB and the file system say, as the mesh's errors.

import { storeError, type ErrorRule } from "@causalmesh/adapter-kit";
import type { MeshError } from "@causalmesh/core";

const FULL = /ENOSPC|No space left|MDB_MAP_FULL|EDQUOT|disk quota|EFBIG|File too large/i;
const FORBIDDEN = /EACCES|EPERM|EROFS|Permission denied|Operation not permitted|Read-only/i;
const DAMAGED = /MDB_INVALID|MDB_CORRUPTED|MDB_VERSION_MISMATCH|not an LMDB|PAGE_NOTFOUND/i;

const RULES: readonly ErrorRule[] = [
  [FULL, "STORE_FULL", "the disk is full; make room, a running node then goes on by itself"],
  [FORBIDDEN, "STORE_LOCKED", "this user may not write there; give it the folder, or choose another"],
  [/ENOTDIR|EEXIST|EISDIR|Not a directory/i, "STORE_INVALID", "there is a file in the way; give the path of a folder"],
  [DAMAGED, "STORE_INVALID", "the folder holds something else than an intact LMDB database; choose another, or restore it"],
  [/JSON/, "STORE_INVALID", "its flushed counters are damaged; restore the store from a copy"],
  [/MDB_READERS_FULL/i, "STORE_LOCKED", "too many processes have it open; end some of them"],
];

/** Milliseconds in which LMDB says why a commit failed, which it does in the same turn. */
const REASON_MS = 1_000;

/** LMDB rejects a failed commit with an error that has the reason in a promise; unwatched, that promise would end the process. */
export async function commitReason(cause: unknown): Promise<unknown> {
  const reason = (cause as { commitError?: Promise<never> }).commitError;
  if (reason === undefined) return cause;
  const late = new Promise((resolve) => setTimeout(resolve, REASON_MS, cause).unref());
  return await Promise.race([reason.catch((error: unknown) => error), late]);
}

/** `name` is the store's, with its path. */
export function lmdbError(name: string, cause: unknown): MeshError {
  const { code = "", message } = cause as { code?: unknown; message?: unknown };
  return storeError(name, cause, RULES, "check the disk and the folder", { subject: `${String(code)} ${String(message ?? cause)}` });
}
