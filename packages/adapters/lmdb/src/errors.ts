// What LMDB and the file system say, as the mesh's errors.

import { MeshError, type MeshErrorCode } from "@causalmesh/core";

const CAUSES: readonly (readonly [pattern: RegExp, code: MeshErrorCode, advice: string])[] = [
  [/ENOSPC|No space left|MDB_MAP_FULL|disk quota|EDQUOT/i, "STORE_FULL", "the disk is full; make room, writing goes on by itself then"],
  [/EACCES|EPERM|EROFS|Permission denied|Read-only/i, "STORE_LOCKED", "this user may not write there; give it the folder, or choose another"],
  [/ENOTDIR|EEXIST|Not a directory/i, "STORE_INVALID", "there is a file in the way; give the path of a folder"],
  [
    /MDB_INVALID|MDB_CORRUPTED|MDB_VERSION_MISMATCH|not an LMDB|PAGE_NOTFOUND/i,
    "STORE_INVALID",
    "the folder holds something else than an intact LMDB database; choose another, or restore it",
  ],
  [/MDB_READERS_FULL/i, "STORE_LOCKED", "too many processes read it at once; end some of them"],
  [/closed/i, "CLOSED", "it was closed; open it again"],
];

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
