// What LMDB and the file system say, as the mesh's errors.

import { MeshError, type MeshErrorCode } from "@causalmesh/core";

const CAUSES: readonly (readonly [pattern: RegExp, code: MeshErrorCode, advice: string])[] = [
  [
    /ENOSPC|No space left|MDB_MAP_FULL|EDQUOT|disk quota|EFBIG|File too large/i,
    "STORE_FULL",
    "the disk is full; make room, a running node then goes on by itself",
  ],
  [
    /EACCES|EPERM|EROFS|Permission denied|Operation not permitted|Read-only/i,
    "STORE_LOCKED",
    "this user may not write there; give it the folder, or choose another",
  ],
  [/ENOTDIR|EEXIST|EISDIR|Not a directory/i, "STORE_INVALID", "there is a file in the way; give the path of a folder"],
  [
    /MDB_INVALID|MDB_CORRUPTED|MDB_VERSION_MISMATCH|not an LMDB|PAGE_NOTFOUND/i,
    "STORE_INVALID",
    "the folder holds something else than an intact LMDB database; choose another, or restore it",
  ],
  [/MDB_READERS_FULL/i, "STORE_LOCKED", "too many processes have it open; end some of them"],
];

/** The system's number for an input or output error, which is also what LMDB says of a write that was cut short. */
const EIO = 5;

/** Whether the cause says no more than that something could not be written. */
export function isVague(cause: unknown): boolean {
  const { code, message } = cause as { code?: unknown; message?: unknown };
  return code === EIO || code === "EIO" || /Input\/output error/i.test(String(message));
}

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
export function storeError(name: string, cause: unknown): MeshError {
  if (cause instanceof MeshError) return cause;
  const { code, message } = cause as { code?: unknown; message?: unknown };
  const text = `${String(code ?? "")} ${String(message ?? cause)}`;
  for (const [pattern, meshCode, advice] of CAUSES) {
    if (pattern.test(text)) return new MeshError(meshCode, `${name}: ${advice} (${String(message ?? cause)})`, { cause });
  }
  return new MeshError("STORE_UNAVAILABLE", `${name} failed: ${String(message ?? cause)}; check the disk and the folder`, { cause });
}
