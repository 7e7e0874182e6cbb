// How the mesh stands in a table, whose key is `pk` and `sk`, both strings. With the prefix `causalmesh`:
//
//   pk                 sk              other attributes
//   causalmesh#0 …     KEY             value, timestamp, replica, counter, expiresAt, goneAt      one key's newest write
//   causalmesh#meta    flushed#7       counter
//   causalmesh#meta    registry        epoch, bytes, swap (the name of the last change)
//   causalmesh#meta    schema          version, shards
//   causalmesh#journal#0 …             applies under way: see journal.ts
//
// DynamoDB gives the items of one pk in the order of the UTF-8 bytes of sk, which is the order of scans. One pk bears about 1 000 writes in
// a second, so rows are dealt out to several by a hash of the key, and a scan merges them: more shards write faster and scan dearer.
// A value is a string where its bytes are UTF-8, so that a person can read it in the console, and bytes where they are not. A
// deletion has no value.

import { createHash } from "node:crypto";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { limits, MeshError, type Row } from "@causalmesh/core";

/** Raised with each change of the format; a store of another version is refused. */
export const SCHEMA_VERSION = "1";
export const PREFIX_DEFAULT = "causalmesh";
export const SHARDS_DEFAULT = 16;
export const SHARDS_MAX = 256;

/** DynamoDB takes items of 400 KiB with the names of their attributes; 2 KiB are more than key, prefix, names and numbers take. */
export const VALUE_BYTES_MAX = 398 * 1024;

export type Item = Record<string, AttributeValue>;

/** A prefix has no "#", so that no pk of one prefix can be one of another. Throws OPTION_INVALID. */
export function checkPrefix(prefix: unknown): string {
  if (typeof prefix === "string" && /^[\w.-]{1,100}$/.test(prefix)) return prefix;
  throw new MeshError("OPTION_INVALID", 'prefix must have 1 to 100 letters, digits, ".", "_" or "-", such as "shop"; it keeps meshes in one table apart');
}

export const metaKey = (prefix: string, name: string): Item => ({ pk: { S: metaPk(prefix) }, sk: { S: name } });
export const metaPk = (prefix: string): string => `${prefix}#meta`;
export const shardPk = (prefix: string, shard: number): string => `${prefix}#${shard}`;

export function rowKey(prefix: string, key: string, shards: number): Item {
  return { pk: { S: shardPk(prefix, shardOf(key, shards)) }, sk: { S: key } };
}

/** The same in every version: it says where a row stands. */
function shardOf(key: string, shards: number): number {
  return createHash("sha1").update(key).digest().readUInt32BE(0) % shards;
}

export const number = (value: number): AttributeValue => ({ N: String(value) });

/** Text where the bytes are the UTF-8 of a text, and a copy of them where not: a call that timed out may still be sending. */
export function encodeBytes(bytes: Uint8Array): AttributeValue {
  try {
    // A byte order mark is a part of the value like any other.
    return { S: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { B: new Uint8Array(bytes) };
  }
}

export function decodeBytes(attribute: AttributeValue | undefined): Uint8Array | undefined {
  if (attribute?.S !== undefined) return new TextEncoder().encode(attribute.S);
  return attribute?.B;
}

/** `now` is this machine's clock: the table has none that could be asked. */
export function encodeRow({ value, timestamp, replica, counter, expiresAt }: Row, now: number): Item {
  const item: Item = { timestamp: number(timestamp), replica: number(replica), counter: number(counter), expiresAt: number(expiresAt) };
  if (value !== null) item.value = encodeBytes(value);
  // Not gone when it expires, but later: until then it has to win over older writes that come late.
  if (value === null || expiresAt > 0) item.goneAt = number(Math.ceil((Math.max(expiresAt, now) + limits.TOMBSTONE_TTL_MS) / 1000));
  return item;
}

/** Throws STORE_INVALID for an item that is no row. */
export function decodeRow(item: Item): Row {
  const key = item.sk?.S;
  const [timestamp, replica, counter, expiresAt] = [item.timestamp, item.replica, item.counter, item.expiresAt].map((each) => Number(each?.N));
  const value = item.value === undefined ? null : decodeBytes(item.value);
  if (key === undefined || value === undefined || ![timestamp, replica, counter, expiresAt].every((each) => Number.isSafeInteger(each) && each >= 0))
    throw new MeshError("STORE_INVALID", `the row of ${JSON.stringify(key)} is damaged, or not of CausalMesh; restore the store from a copy`);
  return { key, value, timestamp, replica, counter, expiresAt };
}
