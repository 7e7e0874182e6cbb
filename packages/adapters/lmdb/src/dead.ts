// Rows that show nothing any more, deletions and what has expired, and when they may go. They are kept for a stated time, so that an
// older write that arrives late cannot bring the key back; an index of its own finds those whose time is over.
//
//   key: deadAt u64 big-endian, so that the index is in the order of time · the row's key      value: the row's stamp

import { limits, type Row } from "@causalmesh/core";
import type { Database } from "lmdb";
import { encodeKey, stampOf } from "./schema.js";

/** Rows that one apply removes at most: as many as a batch can bring, so that it keeps up. */
const REMOVED_MAX = limits.FLUSH_ROWS_MAX;
const TIME_BYTES = 8;

/** When a row may go, in milliseconds since 1970; undefined for one that stays. */
function deadAt({ value, expiresAt }: Row, now: number): number | undefined {
  if (value !== null && expiresAt === 0) return undefined;
  return Math.round(Math.max(value === null ? 0 : expiresAt, now)) + limits.TOMBSTONE_TTL_MS;
}

function timeBytes(ms: number): Buffer {
  const bytes = Buffer.allocUnsafe(TIME_BYTES);
  bytes.writeBigUInt64BE(BigInt(Math.round(ms)));
  return bytes;
}

export class DeadRows {
  readonly #rows: Database<Buffer, Buffer>;
  readonly #index: Database<Buffer, Buffer>;

  constructor(rows: Database<Buffer, Buffer>, index: Database<Buffer, Buffer>) {
    this.#rows = rows;
    this.#index = index;
  }

  /** Notes a row that is being written. Called inside of the transaction, as `remove` is. */
  note(row: Row, stored: Buffer, now: number): void {
    const at = deadAt(row, now);
    if (at !== undefined) void this.#index.put(Buffer.concat([timeBytes(at), encodeKey(row.key)]), stampOf(stored));
  }

  /** Removes rows whose time is over, unless they have been written again. */
  remove(now: number): void {
    // All of them first: the loop changes what the range goes through.
    const over = [...this.#index.getRange({ end: timeBytes(now), limit: REMOVED_MAX })];
    for (const { key: entry, value: stamp } of over) {
      const key = entry.subarray(TIME_BYTES);
      const row = this.#rows.getBinary(key);
      if (row !== undefined && stampOf(row).equals(stamp)) void this.#rows.remove(key);
      void this.#index.remove(entry);
    }
  }
}
