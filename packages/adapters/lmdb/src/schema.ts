// How rows stand in LMDB: the key's UTF-8 bytes, whose order is the order of scans; and as value a head of fixed length before the user's bytes.
//
//   flags u8 · timestamp f64 · replica u32 · counter f64 · expiresAt f64 · value      (little-endian)

import { damagedRow, wins } from "@causalmesh/adapter-kit";
import type { Row } from "@causalmesh/core";

/** Raised with each change of the format; a store of another version is refused. */
export const SCHEMA_VERSION = 1;

const TOMBSTONE = 1;
const TIMESTAMP_AT = 1;
const REPLICA_AT = 9;
const COUNTER_AT = 13;
const EXPIRES_AT = 21;
const HEAD_BYTES = 29;

export const encodeKey = (key: string): Buffer => Buffer.from(key, "utf8");

export function encodeRow({ value, timestamp, replica, counter, expiresAt }: Row): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + (value?.length ?? 0));
  bytes[0] = value === null ? TOMBSTONE : 0;
  bytes.writeDoubleLE(timestamp, TIMESTAMP_AT);
  bytes.writeUInt32LE(replica, REPLICA_AT);
  bytes.writeDoubleLE(counter, COUNTER_AT);
  bytes.writeDoubleLE(expiresAt, EXPIRES_AT);
  if (value !== null) bytes.set(value, HEAD_BYTES);
  return bytes;
}

/** The row in the bytes, with a value of its own: LMDB lends the bytes until it is next asked. Throws STORE_INVALID for bytes that are no row. */
export function decodeRow(key: string, bytes: Buffer): Row {
  checkHead(key, bytes);
  return {
    key,
    timestamp: bytes.readDoubleLE(TIMESTAMP_AT),
    replica: bytes.readUInt32LE(REPLICA_AT),
    counter: bytes.readDoubleLE(COUNTER_AT),
    expiresAt: bytes.readDoubleLE(EXPIRES_AT),
    value: (bytes[0] & TOMBSTONE) !== 0 ? null : valueIn(bytes),
  };
}

function valueIn(bytes: Buffer): Buffer {
  const value = Buffer.allocUnsafe(bytes.length - HEAD_BYTES);
  bytes.copy(value, 0, HEAD_BYTES, bytes.length);
  return value;
}

/** Whether the row replaces the stored one. Throws STORE_INVALID. */
export function replaces(row: Row, stored: Buffer): boolean {
  checkHead(row.key, stored);
  return wins(row, { timestamp: stored.readDoubleLE(TIMESTAMP_AT), replica: stored.readUInt32LE(REPLICA_AT) });
}

/** Names the write that a stored row comes from, its timestamp and replica. */
export const stampOf = (stored: Buffer): Buffer => stored.subarray(TIMESTAMP_AT, COUNTER_AT);

function checkHead(key: string, bytes: Buffer): void {
  if (bytes.length < HEAD_BYTES || bytes[0] > TOMBSTONE) throw damagedRow(key);
}
