// Reading: many keys in few requests, and a scan over all shards in the order of keys.

import { BatchGetItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import { copyRow, withRetries } from "@causalmesh/adapter-kit";
import type { Row, ScanPage } from "@causalmesh/core";
import { named, nameOf } from "./errors.js";
import { decodeRow, inParts, rowKey, SHARDS, shardPk, type Item } from "./schema.js";
import type { Table } from "./table.js";

/** What one BatchGetItem takes. */
const BATCH_KEYS_MAX = 100;

export async function readMany(table: Table, keys: readonly string[]): Promise<(Row | undefined)[]> {
  const items = await readItems(
    table,
    [...new Set(keys)].map((key) => rowKey(table.prefix, key)),
  );
  const found = new Map(items.map((item) => [item.sk.S, item]));
  // Bytes returned are the caller's: a key that is asked for twice has them twice.
  return keys.map((key) => {
    const item = found.get(key);
    return item && copyRow(decodeRow(item));
  });
}

/** Those that there are, in any order. */
export async function readItems(table: Table, keys: readonly Item[]): Promise<Item[]> {
  if (keys.length === 0) return [];
  const batches = inParts(keys, BATCH_KEYS_MAX, Infinity);
  return (await Promise.all(batches.map((batch) => readBatch(table, batch)))).flat();
}

/** DynamoDB answers with 16 MB at most, and under load with less; the rest is asked for again, after a pause where nothing came. */
async function readBatch({ send, TableName }: Table, keys: Item[]): Promise<Item[]> {
  const found: Item[] = [];
  const readSome = async (unread: Item[]): Promise<Item[]> => {
    const { Responses, UnprocessedKeys } = await send(new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys: unread, ConsistentRead: true } } }));
    const items = Responses?.[TableName] ?? [];
    found.push(...items);
    const left = UnprocessedKeys?.[TableName]?.Keys ?? [];
    if (items.length === 0 && left.length > 0) throw named("Unread", `${left.length} keys`);
    return left;
  };
  for (let unread = keys; unread.length > 0;)
    unread = await withRetries(
      async () => await readSome(unread),
      (error) => nameOf(error) === "Unread",
    );
  return found;
}

interface ShardPage {
  readonly items: readonly Item[];
  readonly isLast: boolean;
}

/** Each shard gives its part of the page, and the page goes as far as all of them are known: seldom less than asked for, since keys are dealt out by a hash. */
export async function readPage(table: Table, prefix: string, cursor: string | undefined, limit: number): Promise<ScanPage> {
  const even = limit / SHARDS;
  const each = Math.min(limit + 1, Math.ceil(even + 4 * Math.sqrt(even) + 4));
  const pages = await Promise.all(Array.from({ length: SHARDS }, (_, shard) => readShard(table, shardPk(table.prefix, shard), prefix, cursor, each)));
  const ends = pages.filter(({ isLast }) => !isLast).map(({ items }) => bytesOf(items[items.length - 1]));
  const found = pages.flatMap(({ items }) => items.map((item) => ({ item, bytes: bytesOf(item) }))).sort((a, b) => Buffer.compare(a.bytes, b.bytes));
  const known = found.filter(({ bytes }) => ends.every((end) => Buffer.compare(bytes, end) <= 0)).slice(0, limit);
  const rows = known.map(({ item }) => decodeRow(item));
  return { rows, cursor: ends.length === 0 && known.length === found.length ? undefined : rows[rows.length - 1].key };
}

const bytesOf = (item: Item): Buffer => Buffer.from(item.sk.S!);

async function readShard({ send, TableName }: Table, pk: string, prefix: string, cursor: string | undefined, Limit: number): Promise<ShardPage> {
  const answer = await send(
    new QueryCommand({
      TableName,
      ConsistentRead: true,
      KeyConditionExpression: prefix === "" ? "pk = :pk" : "pk = :pk AND begins_with(sk, :prefix)",
      ExpressionAttributeValues: { ":pk": { S: pk }, ...(prefix === "" ? {} : { ":prefix": { S: prefix } }) },
      // A key to begin behind need not exist.
      ExclusiveStartKey: cursor === undefined ? undefined : { pk: { S: pk }, sk: { S: cursor } },
      Limit,
    }),
  );
  return { items: answer.Items ?? [], isLast: answer.LastEvaluatedKey === undefined };
}
