// Whether the disk takes more bytes, asked of the file system itself. LMDB cannot be asked: where it cannot write its lock
// file it ends the process by a signal, and of a write that was cut short it says "Input/output error".

import { randomUUID } from "node:crypto";
import { closeSync, openSync, statSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";

/** What a new store takes on the disk, and more. */
export const ROOM_TO_OPEN_BYTES = 256 * 1024;

/**
 * Writes and removes a file of so many bytes; throws what the file system says. They begin where the data file would grow, which also finds limits on
 * the length of files; but not on Windows, which fills the gap before with real bytes.
 */
export function checkRoom(folder: string, bytes: number): void {
  const offset = process.platform === "win32" ? 0 : (statSync(join(folder, "data.mdb"), { throwIfNoEntry: false })?.size ?? 0);
  const probe = join(folder, `room-${randomUUID()}.probe`);
  const file = openSync(probe, "w");
  try {
    const zeros = Buffer.alloc(bytes);
    for (let done = 0; done < bytes;) done += writeSync(file, zeros, done, bytes - done, offset + done);
  } finally {
    closeSync(file);
    unlinkSync(probe);
  }
}
