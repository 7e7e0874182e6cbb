// Rows that show nothing any more, deletions and what has expired, and when they may go. They are kept for a stated time, so that an
// older write that arrives late cannot bring the key back; an index of its own finds those whose time is over.
//
//   key: deadAt u64 big-endian, so that the index is in the order of time · the row's key      value: the row's stamp
//
// Both functions are called inside of the transaction that writes the rows.

import { limits, type Row } from "@causalmesh/core";
import type { Database } from "lmdb";
import { encodeKey, stampOf } from "./schema.js";

/** Rows that one apply removes at most: as many as a batch can bring, so that it keeps up. */
const REMOVED_MAX = limits.FLUSH_ROWS_MAX;
const TIME_BYTES = 8;

function timeBytes(ms: number): Buffer {
  const bytes = Buffer.allocUnsafe(TIME_BYTES);
  bytes.writeBigUInt64BE(BigInt(Math.round(ms)));
  return bytes;
}

/** Notes a row that is being written, if it is to go. `now` is in milliseconds since 1970. */
export function noteDead(index: Database<Buffer, Buffer>, { key, value, expiresAt }: Row, stored: Buffer, now: number): void {
  if (value !== null && expiresAt === 0) return;
  const deadAt = Math.max(value === null ? 0 : expiresAt, now) + limits.TOMBSTONE_TTL_MS;
  void index.put(Buffer.concat([timeBytes(deadAt), encodeKey(key)]), stampOf(stored));
}

/** Removes rows whose time is over, unless they have been written again. */
export function removeDead(index: Database<Buffer, Buffer>, rows: Database<Buffer, Buffer>, now: number): void {
  // All of them first: the loop changes what the range goes through.
  const over = [...index.getRange({ end: timeBytes(now), limit: REMOVED_MAX })];
  for (const { key: entry, value: stamp } of over) {
    const key = entry.subarray(TIME_BYTES);
    const row = rows.getBinary(key);
    if (row !== undefined && stampOf(row).equals(stamp)) void rows.remove(key);
    void index.remove(entry);
  }
}
