// How the mesh stands in a table, whose key is `pk` and `sk`, both strings. With the prefix `causalmesh`:
//
//   pk                             sk          other attributes
//   causalmesh#0 … causalmesh#15   KEY         value, timestamp, replica, counter, expiresAt, goneAt      one key's newest write
//   causalmesh#meta                head        format, version, epoch, view, flushed, applies      see head.ts
//   causalmesh#meta                view#NAME   bytes, flushed                                      the registry of the head's view
//   causalmesh#journal#NAME        0, 1, 2 …   rows, flushed, goneAt                               see journal.ts
//
// DynamoDB gives the items of one pk in the order of the UTF-8 bytes of sk, which is the order of scans. One pk bears about 1 000 writes in
// a second, so rows are dealt out to several by a hash of the key, and a scan merges them.
// A value is a string where its bytes are UTF-8, so that a person can read it in the console, and bytes where they are not. A
// deletion has no value.

import { createHash } from "node:crypto";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { damagedRow, partsOf } from "@causalmesh/adapter-kit";
import { limits, type FlushedCounters, type Row } from "@causalmesh/core";

/** Raised with each change of the format; a store of another version is refused. */
export const FORMAT = 1;
export const SHARDS = 16;
/** DynamoDB takes items of 400 KiB with the names of their attributes; 2 KiB are more than keys, prefix, names and numbers take. */
export const VALUE_BYTES_MAX = 398 * 1024;
/** More than key, names and numbers of an item take, beside its value. */
const ITEM_BYTES = 2 * 1024;

export type Item = Record<string, AttributeValue>;

export const metaKey = (prefix: string, name: string): Item => ({ pk: { S: `${prefix}#meta` }, sk: { S: name } });
export const shardPk = (prefix: string, shard: number): string => `${prefix}#${shard}`;
export const number = (value: number): AttributeValue => ({ N: String(value) });

export const encodeCounters = (counters: FlushedCounters): AttributeValue => ({
  M: Object.fromEntries(counters.map(([replica, counter]) => [replica, number(counter)])),
});
export const decodeCounters = (attribute: AttributeValue | undefined): FlushedCounters =>
  Object.entries(attribute?.M ?? {}).map(([replica, counter]) => [Number(replica), Number(counter.N)]);

/** The shard is the same in every version: it says where a row stands. */
export function rowKey(prefix: string, key: string): Item {
  const shard = createHash("sha1").update(key).digest().readUInt32BE(0) % SHARDS;
  return { pk: { S: shardPk(prefix, shard) }, sk: { S: key } };
}

/** Text where the bytes are the UTF-8 of a text, and a copy of them where not: the caller has its bytes back before everything is sent. */
export function encodeBytes(bytes: Uint8Array): AttributeValue {
  try {
    // A byte order mark is a part of the value like any other.
    return { S: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { B: new Uint8Array(bytes) };
  }
}

export function decodeBytes(attribute: AttributeValue | undefined): Uint8Array | undefined {
  return attribute?.S === undefined ? attribute?.B : new TextEncoder().encode(attribute.S);
}

/** Gone when it has outlived all older writes that may come late, by this machine's clock: the table has none that could be asked. */
export function encodeRow(prefix: string, { key, value, timestamp, replica, counter, expiresAt }: Row): Item {
  const goneAt = Math.ceil((Math.max(expiresAt, Date.now()) + limits.TOMBSTONE_TTL_MS) / 1000);
  return {
    ...rowKey(prefix, key),
    ...(value === null ? {} : { value: encodeBytes(value) }),
    timestamp: number(timestamp),
    replica: number(replica),
    counter: number(counter),
    expiresAt: number(expiresAt),
    ...(value === null || expiresAt > 0 ? { goneAt: number(goneAt) } : {}),
  };
}

/** Throws STORE_INVALID for an item that is no row. */
export function decodeRow(item: Item): Row {
  const key = item.sk?.S;
  const [timestamp, replica, counter, expiresAt] = [item.timestamp, item.replica, item.counter, item.expiresAt].map((each) => Number(each?.N));
  const value = item.value === undefined ? null : decodeBytes(item.value);
  if (key === undefined || value === undefined || ![timestamp, replica, counter, expiresAt].every((each) => Number.isSafeInteger(each) && each >= 0))
    throw damagedRow(key ?? "");
  return { key, value, timestamp, replica, counter, expiresAt };
}

/** What one request or item takes, in parts: by how many items and by their bytes. */
export function inParts(items: readonly Item[], itemsMax: number, bytesMax: number): Item[][] {
  const bytesOf = ({ value }: Item): number => ITEM_BYTES + (value?.B?.length ?? Buffer.byteLength(value?.S ?? ""));
  return partsOf(items, { rowsMax: itemsMax, bytesMax, bytesOf });
}
