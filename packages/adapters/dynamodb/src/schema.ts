// How the mesh stands in a table, whose key is `pk` and `sk`, both strings. With the prefix `causalmesh`:
//
//   pk                             sk          other attributes
//   causalmesh#0 … causalmesh#15   KEY         value, timestamp, replica, counter, expiresAt, goneAt      one key's newest write
//   causalmesh#meta                head        format, version, epoch, view, flushed, applies      the head of the journal
//   causalmesh#meta                view#NAME   bytes, flushed                                      its sheets: of the registry,
//   causalmesh#journal#NAME        0, 1, 2 …   rows, flushed, goneAt                               and of a batch under way
//
// DynamoDB gives the items of one pk in the order of the UTF-8 bytes of sk, which is the order of scans. One pk bears about 1 000 writes in
// a second, so rows are dealt out to several by a hash of the key, and a scan merges them.
// A value is a string where its bytes are UTF-8, so that a person can read it in the console, and bytes where they are not. A
// deletion has no value.

import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { damagedRow, otherFormat, type Head, type Sheet } from "@causalmesh/adapter-kit";
import { limits, type FlushedCounters, type Row } from "@causalmesh/core";

/** Raised with each change of the format; a store of another version is refused. */
export const FORMAT = 1;
export const SHARDS = 16;
/** DynamoDB takes items of 400 KiB with the names of their attributes; 2 KiB are more than keys, prefix, names and numbers take. */
export const VALUE_BYTES_MAX = 398 * 1024;
/** More than key, names and numbers of an item take, beside its value. */
const ITEM_BYTES = 2 * 1024;
/** A sheet of a batch that nobody completes goes by itself after a year. */
const SHEET_KEPT_MS = 365 * 24 * 60 * 60 * 1000;

export type Item = Record<string, AttributeValue>;

export const itemKey = (pk: string, sk: string): Item => ({ pk: { S: pk }, sk: { S: sk } });
export const headKey = (prefix: string): Item => sheetKey(prefix, "meta/head");
export const shardPk = (prefix: string, shard: number): string => `${prefix}#${shard}`;

/** The shard is the same in every version: it says where a row stands. */
export function rowKey(prefix: string, key: string): Item {
  const shard = createHash("sha1").update(key).digest().readUInt32BE(0) % SHARDS;
  return itemKey(shardPk(prefix, shard), key);
}

/** The name is the journal's. */
export function sheetKey(prefix: string, name: string): Item {
  const [pile, sheet] = name.split("/");
  return itemKey(`${prefix}#${pile}`, sheet);
}

export const rowBytes = ({ value }: Row): number => ITEM_BYTES + (value?.length ?? 0);

/** Gone when it has outlived all older writes that may come late, by this machine's clock: the table has none that could be asked. */
export function encodeRow(prefix: string, { key, value, timestamp, replica, counter, expiresAt }: Row): Item {
  return {
    ...rowKey(prefix, key),
    ...(value === null ? {} : { value: encodeBytes(value) }),
    timestamp: number(timestamp),
    replica: number(replica),
    counter: number(counter),
    expiresAt: number(expiresAt),
    ...(value === null || expiresAt > 0 ? { goneAt: seconds(Math.max(expiresAt, Date.now()) + limits.TOMBSTONE_TTL_MS) } : {}),
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

export function encodeHead(prefix: string, { version, epoch, view, applies, flushed }: Head): Item {
  return {
    ...headKey(prefix),
    format: number(FORMAT),
    version: number(version),
    epoch: number(epoch),
    flushed: encodeCounters(flushed),
    ...(view === undefined ? {} : { view: { S: view } }),
    ...(applies.length === 0 ? {} : { applies: { SS: [...applies] } }),
  };
}

/** Throws STORE_INVALID for one of another format. */
export function decodeHead(name: string, { format, version, epoch, view, applies, flushed }: Item): Head {
  if (format?.N !== String(FORMAT)) throw otherFormat(name, format?.N, FORMAT);
  return { version: Number(version.N), epoch: Number(epoch.N), view: view?.S, applies: applies?.SS ?? [], flushed: decodeCounters(flushed) };
}

export function encodeSheet(prefix: string, name: string, { flushed, bytes, rows }: Sheet): Item {
  return {
    ...sheetKey(prefix, name),
    flushed: encodeCounters(flushed),
    ...(bytes && { bytes: encodeBytes(bytes) }),
    ...(rows && { rows: { L: rows.map((row) => ({ M: encodeRow(prefix, row) })) }, goneAt: seconds(Date.now() + SHEET_KEPT_MS) }),
  };
}

export function decodeSheet({ flushed, bytes, rows }: Item): Sheet {
  return { flushed: decodeCounters(flushed), bytes: decodeBytes(bytes), rows: rows?.L?.map(({ M }) => decodeRow(M!)) };
}

const number = (value: number): AttributeValue => ({ N: String(value) });
const seconds = (ms: number): AttributeValue => number(Math.ceil(ms / 1000));

const encodeCounters = (counters: FlushedCounters): AttributeValue => ({
  M: Object.fromEntries(counters.map(([replica, counter]) => [replica, number(counter)])),
});
const decodeCounters = (attribute: AttributeValue | undefined): FlushedCounters =>
  Object.entries(attribute?.M ?? {}).map(([replica, counter]) => [Number(replica), Number(counter.N)]);

/** A byte order mark is a part of the value like any other. */
const TEXT = new TextDecoder("utf-8", { ignoreBOM: true });
const encodeBytes = (bytes: Uint8Array): AttributeValue => (isUtf8(bytes) ? { S: TEXT.decode(bytes) } : { B: bytes });
/** Bytes of its own. */
const decodeBytes = (attribute: AttributeValue | undefined): Uint8Array | undefined =>
  attribute?.S === undefined ? attribute?.B && new Uint8Array(attribute.B) : new TextEncoder().encode(attribute.S);
