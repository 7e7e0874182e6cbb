// What an apply is about to write, written down before it writes anything, so that an apply that was cut off can be completed.
//
// Rows in the table of which the counters know nothing are what a cut-off apply leaves. After the end of all nodes nobody could tell
// any more what they follow, and the next mesh would refuse to show them. So each store completes, at its first call, every apply that is
// written down whole: nothing is lost by doing it twice, or while it is still under way elsewhere, since rows keep winners and counters only rise.
//
//   pk                      sk           other attributes
//   causalmesh#journal#0    APPLY#0      parts, flushed, epoch, rows      APPLY is a name of its own for each apply
//   causalmesh#journal#1    APPLY#1      rows                      the others of its parts, which are there before the first one is

import { randomUUID } from "node:crypto";
import { DeleteItemCommand, PutItemCommand, QueryCommand, type AttributeValue } from "@aws-sdk/client-dynamodb";
import type { FlushedCounters, Row } from "@causalmesh/core";
import type { Rows } from "./read.js";
import { decodeRow, encodeRow, number, VALUE_BYTES_MAX, type Item } from "./schema.js";

/** One partition takes a megabyte in a second, and an apply may have four. */
const SHARDS = 16;
/** More than the numbers and names of a row take. */
const ROW_BYTES = 200;

/** What was cut off and is never completed, since its first part is missing or nobody opens the store, goes by itself after so long. */
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;

/** One apply, written down. */
export interface Entry {
  readonly flushed: FlushedCounters;
  /** Of its parts, in their order. */
  readonly keys: readonly Item[];
}

/** What an apply is given. */
export interface Batch {
  readonly rows: readonly Row[];
  readonly flushed: FlushedCounters;
  readonly epoch: number | undefined;
}

export interface CutOff extends Entry, Batch {}

export async function writeDown({ caller, table, prefix }: Rows, { rows, flushed, epoch }: Batch): Promise<Entry> {
  const apply = randomUUID();
  const goneAt = number(Math.ceil((Date.now() + KEPT_MS) / 1000));
  const parts = partsOf(rows).map((part, index): Item => ({ ...keyOf(prefix, apply, index), rows: encodeRows(part), goneAt }));
  const put = async (Item: Item): Promise<unknown> => await caller.send(new PutItemCommand({ TableName: table, Item }));
  await Promise.all(parts.slice(1).map(put));
  const head: Item = { parts: number(parts.length), flushed: { L: flushed.map((pair) => ({ L: pair.map(number) })) } };
  if (epoch !== undefined) head.epoch = number(epoch);
  await put({ ...parts[0], ...head });
  return { flushed, keys: parts.map(({ pk, sk }) => ({ pk, sk })) };
}

/** The first part goes first: without it the others mean nothing. */
export async function strikeOut({ caller, table }: Rows, { keys: [first, ...others] }: Entry): Promise<void> {
  const remove = async (Key: Item): Promise<unknown> => await caller.send(new DeleteItemCommand({ TableName: table, Key }));
  await remove(first);
  await Promise.all(others.map(remove));
}

/** Every apply that is written down whole. */
export async function readCutOff(rows: Rows): Promise<CutOff[]> {
  const items = (await Promise.all(Array.from({ length: SHARDS }, (_, shard) => readShard(rows, shard)))).flat();
  const byName = new Map(items.map((item) => [item.sk.S!, item]));
  return items.flatMap((item) => {
    const [apply, part] = item.sk.S!.split("#");
    if (part !== "0") return [];
    const parts = Array.from({ length: Number(item.parts.N) }, (_, index) => byName.get(`${apply}#${index}`));
    return parts.every((each) => each !== undefined) ? [decodeEntry(parts)] : [];
  });
}

async function readShard({ caller, table, prefix }: Rows, shard: number): Promise<Item[]> {
  const found: Item[] = [];
  let start: Item | undefined;
  do {
    const answer = await caller.send(
      new QueryCommand({
        TableName: table,
        ConsistentRead: true,
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": { S: `${prefix}#journal#${shard}` } },
        ExclusiveStartKey: start,
      }),
    );
    found.push(...(answer.Items ?? []));
    start = answer.LastEvaluatedKey;
  } while (start !== undefined);
  return found;
}

function keyOf(prefix: string, apply: string, part: number): Item {
  return { pk: { S: `${prefix}#journal#${part % SHARDS}` }, sk: { S: `${apply}#${part}` } };
}

/** As many rows as an item takes, in their order. */
function partsOf(rows: readonly Row[]): Row[][] {
  const parts: Row[][] = [[]];
  let bytes = 0;
  for (const row of rows) {
    const rowBytes = Buffer.byteLength(row.key) + (row.value?.length ?? 0) + ROW_BYTES;
    if (bytes > 0 && bytes + rowBytes > VALUE_BYTES_MAX) {
      parts.push([]);
      bytes = 0;
    }
    parts[parts.length - 1].push(row);
    bytes += rowBytes;
  }
  return parts;
}

function encodeRows(rows: readonly Row[]): AttributeValue {
  return { L: rows.map((row) => ({ M: { sk: { S: row.key }, ...encodeRow(row, 0) } })) };
}

function decodeEntry(parts: readonly Item[]): CutOff {
  const rows = parts.flatMap((part) => part.rows.L!.map(({ M }) => decodeRow(M!)));
  const flushed = parts[0].flushed.L!.map(({ L }) => [Number(L![0].N), Number(L![1].N)] as const);
  const epoch = parts[0].epoch === undefined ? undefined : Number(parts[0].epoch.N);
  return { rows, flushed, epoch, keys: parts.map(({ pk, sk }) => ({ pk, sk })) };
}
