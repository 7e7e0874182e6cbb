// Reading: many keys in few requests, and a scan over all shards in the order of keys.

import { BatchGetItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import { compareKeys, partsOf, withRetries } from "@causalmesh/adapter-kit";
import type { Row, ScanPage } from "@causalmesh/core";
import { nameOf } from "./errors.js";
import { decodeRow, itemKey, rowKey, SHARDS, shardPk, type Item } from "./schema.js";
import type { Table } from "./table.js";

/** What one BatchGetItem takes. */
const BATCH = { rowsMax: 100, bytesMax: Infinity };

export async function readMany(table: Table, keys: readonly string[]): Promise<(Row | undefined)[]> {
  const asked = [...new Set(keys)].map((key) => rowKey(table.prefix, key));
  const found = new Map((await readItems(table, asked)).map((item) => [item.sk.S, item]));
  // Bytes returned are the caller's: a key that is asked for twice has them twice.
  return keys.map((key) => {
    const item = found.get(key);
    return item && decodeRow(item);
  });
}

/** Those that there are, in any order. */
export async function readItems(table: Table, keys: readonly Item[]): Promise<Item[]> {
  return (await Promise.all(partsOf(keys, BATCH).map((batch) => readBatch(table, batch)))).flat();
}

/** DynamoDB answers with 16 MB at most, and under load with less; the rest is asked for again, after a pause where nothing came. */
async function readBatch({ send, TableName }: Table, keys: Item[]): Promise<Item[]> {
  const found: Item[] = [];
  let unread = keys;
  const readSome = async (): Promise<void> => {
    const { Responses, UnprocessedKeys } = await send(new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys: unread, ConsistentRead: true } } }));
    const items = Responses?.[TableName] ?? [];
    found.push(...items);
    unread = UnprocessedKeys?.[TableName]?.Keys ?? [];
    if (items.length === 0 && unread.length > 0) throw Object.assign(new Error(`${unread.length} keys`), { name: "Unread" });
  };
  while (unread.length > 0) await withRetries(readSome, (error) => nameOf(error) === "Unread");
  return found;
}

/** Each shard gives its part of the page, and the page goes as far as all of them are known: seldom less than asked for, since keys are dealt out by a hash. */
export async function readPage(table: Table, prefix: string, cursor: string | undefined, limit: number): Promise<ScanPage> {
  const even = limit / SHARDS;
  const each = Math.min(limit + 1, Math.ceil(even + 4 * Math.sqrt(even) + 4));
  const shards = Array.from({ length: SHARDS }, (_, shard) => shardPk(table.prefix, shard));
  const pages = await Promise.all(shards.map((pk) => readShard(table, pk, prefix, cursor, each)));
  const found = pages.flatMap(({ rows }) => rows).sort((a, b) => compareKeys(a.key, b.key));
  const ends = pages.flatMap((page) => page.cursor ?? []);
  const rows = found.filter(({ key }) => ends.every((end) => compareKeys(key, end) <= 0)).slice(0, limit);
  return { rows, cursor: ends.length === 0 && rows.length === found.length ? undefined : rows[rows.length - 1].key };
}

async function readShard({ send, TableName }: Table, pk: string, prefix: string, cursor: string | undefined, Limit: number): Promise<ScanPage> {
  const { Items = [], LastEvaluatedKey } = await send(
    new QueryCommand({
      TableName,
      ConsistentRead: true,
      KeyConditionExpression: prefix === "" ? "pk = :pk" : "pk = :pk AND begins_with(sk, :prefix)",
      ExpressionAttributeValues: { ":pk": { S: pk }, ...(prefix === "" ? {} : { ":prefix": { S: prefix } }) },
      // A key to begin behind need not exist.
      ExclusiveStartKey: cursor === undefined ? undefined : itemKey(pk, cursor),
      Limit,
    }),
  );
  return { rows: Items.map(decodeRow), cursor: LastEvaluatedKey?.sk.S };
}
