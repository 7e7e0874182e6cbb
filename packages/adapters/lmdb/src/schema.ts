// How rows stand in LMDB: the key's UTF-8 bytes, whose order is the order of scans; and as value a head of fixed length before the user's bytes.
//
//   flags u8 · timestamp f64 · replica u32 · counter f64 · expiresAt f64 · value      (little-endian)

import { MeshError, type Row } from "@causalmesh/core";

/** Raised with each change of the format; a store of another version is refused. */
export const SCHEMA_VERSION = 1;

const TOMBSTONE = 1;
const TIMESTAMP_AT = 1;
const REPLICA_AT = 9;
const COUNTER_AT = 13;
const EXPIRES_AT = 21;
const HEAD_BYTES = 29;

export function encodeKey(key: string): Buffer {
  return Buffer.from(key, "utf8");
}

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

/** The row in the bytes, which it takes over. Throws STORE_INVALID for bytes that are no row. */
export function decodeRow(key: string, bytes: Buffer): Row {
  checkHead(key, bytes);
  return {
    key,
    timestamp: bytes.readDoubleLE(TIMESTAMP_AT),
    replica: bytes.readUInt32LE(REPLICA_AT),
    counter: bytes.readDoubleLE(COUNTER_AT),
    expiresAt: bytes.readDoubleLE(EXPIRES_AT),
    value: (bytes[0] & TOMBSTONE) !== 0 ? null : bytes.subarray(HEAD_BYTES),
  };
}

/** Whether the stored row stays when this one comes: it has a greater or equal (timestamp, replica). Throws STORE_INVALID. */
export function storedWins(stored: Buffer, { key, timestamp, replica }: Row): boolean {
  checkHead(key, stored);
  const storedTimestamp = stored.readDoubleLE(TIMESTAMP_AT);
  return storedTimestamp > timestamp || (storedTimestamp === timestamp && stored.readUInt32LE(REPLICA_AT) >= replica);
}

/** Names the write that a stored row comes from, its timestamp and replica. */
export function stampOf(stored: Buffer): Buffer {
  return stored.subarray(TIMESTAMP_AT, COUNTER_AT);
}

function checkHead(key: string, bytes: Buffer): void {
  if (bytes.length >= HEAD_BYTES && bytes[0] <= TOMBSTONE) return;
  throw new MeshError("STORE_INVALID", `the row of ${JSON.stringify(key)} is damaged (${bytes.length} bytes); restore the store from a copy`);
}
