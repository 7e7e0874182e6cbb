// Reading rows: many keys in few requests, and a scan over all shards in the order of keys.

import { BatchGetItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import { limits, MeshError, type Row, type ScanPage } from "@causalmesh/core";
import type { Caller } from "./caller.js";
import { decodeRow, rowKey, shardPk, type Item } from "./schema.js";

export interface Rows {
  readonly caller: Caller;
  /** The store's, for messages. */
  readonly name: string;
  readonly table: string;
  readonly prefix: string;
  readonly shards: number;
}

/** What one BatchGetItem takes. */
const BATCH_KEYS_MAX = 100;
/** Requests for keys that DynamoDB gave back unread, before it counts as away. */
const ATTEMPTS_MAX = 8;

export async function readMany(rows: Rows, keys: readonly string[]): Promise<(Row | undefined)[]> {
  const distinct = [...new Set(keys)];
  const batches = Array.from({ length: Math.ceil(distinct.length / BATCH_KEYS_MAX) }, (_, index) =>
    distinct.slice(index * BATCH_KEYS_MAX, (index + 1) * BATCH_KEYS_MAX),
  );
  const found = new Map((await Promise.all(batches.map((batch) => readBatch(rows, batch)))).flat().map((row) => [row.key, row]));
  if (distinct.length === keys.length) return keys.map((key) => found.get(key));
  // Bytes returned are the caller's: a key that is asked for twice has them twice.
  return keys.map((key) => copyRow(found.get(key)));
}

function copyRow(row: Row | undefined): Row | undefined {
  return row && { ...row, value: row.value && new Uint8Array(row.value) };
}

/** DynamoDB answers with 16 MB at most, and under load with less; the rest is asked for again, after a pause. */
async function readBatch({ caller, table, prefix, shards }: Rows, keys: readonly string[]): Promise<Row[]> {
  const found: Row[] = [];
  let unread: Item[] = keys.map((key) => rowKey(prefix, key, shards));
  for (let attempt = 0; ; attempt++) {
    const answer = await caller.send(new BatchGetItemCommand({ RequestItems: { [table]: { Keys: unread, ConsistentRead: true } } }));
    const items = answer.Responses?.[table] ?? [];
    found.push(...items.map(decodeRow));
    unread = answer.UnprocessedKeys?.[table]?.Keys ?? [];
    if (unread.length === 0) return found;
    if (items.length > 0) attempt = 0;
    if (attempt === ATTEMPTS_MAX)
      throw new MeshError("STORE_UNAVAILABLE", `table ${table} left ${unread.length} keys unread ${ATTEMPTS_MAX} times; give it more capacity`);
    if (items.length === 0) await pause(attempt);
  }
}

/** Doubles with each attempt; jitter keeps nodes that were refused together from coming back together. */
async function pause(attempt: number): Promise<void> {
  const delayMs = Math.min(limits.RETRY_DELAY_MS_MAX, limits.RETRY_DELAY_MS_MIN * 2 ** attempt);
  await new Promise((resolve) => setTimeout(resolve, delayMs * (0.5 + Math.random() / 2)));
}

/** A page ends after so many bytes, as a page of DynamoDB does. */
const PAGE_BYTES_MAX = 8 * 1024 * 1024;

export async function readPage(rows: Rows, prefix: string, cursor: string | undefined, limit: number): Promise<ScanPage> {
  const each = Math.ceil((limit + 1) / rows.shards) + 1;
  const heads = await Promise.all(Array.from({ length: rows.shards }, (_, shard) => ShardReader.open(rows, shard, { prefix, cursor, each })));
  const page: Row[] = [];
  for (let bytes = 0; ;) {
    const first = firstOf(heads);
    if (first === undefined) return { rows: page, cursor: undefined };
    if (page.length === limit || bytes >= PAGE_BYTES_MAX) return { rows: page, cursor: page[page.length - 1].key };
    const row = await first.take();
    bytes += row.value?.length ?? 0;
    page.push(row);
  }
}

/** The shard whose next key is the least. */
function firstOf(heads: readonly ShardReader[]): ShardReader | undefined {
  let first: ShardReader | undefined;
  for (const head of heads) {
    if (head.nextBytes !== undefined && (first === undefined || Buffer.compare(head.nextBytes, first.nextBytes!) < 0)) first = head;
  }
  return first;
}

interface ShardQuery {
  readonly prefix: string;
  readonly cursor: string | undefined;
  /** Rows in one request. */
  readonly each: number;
}

/** The rows of one shard in the order of keys, asked for as they are needed. */
class ShardReader {
  /** The next key in UTF-8; undefined at the end. */
  nextBytes: Buffer | undefined;
  readonly #rows: Rows;
  readonly #pk: string;
  readonly #query: ShardQuery;
  #loaded: Row[] = [];
  #at = 0;
  #start: Item | undefined;

  private constructor(rows: Rows, shard: number, query: ShardQuery) {
    this.#rows = rows;
    this.#pk = shardPk(rows.prefix, shard);
    this.#query = query;
    // A key to begin behind need not exist.
    this.#start = query.cursor === undefined ? undefined : { pk: { S: this.#pk }, sk: { S: query.cursor } };
  }

  static async open(rows: Rows, shard: number, query: ShardQuery): Promise<ShardReader> {
    const reader = new ShardReader(rows, shard, query);
    await reader.#load();
    return reader;
  }

  async take(): Promise<Row> {
    const row = this.#loaded[this.#at++];
    if (this.#at < this.#loaded.length) this.#look();
    else if (this.#start === undefined) this.nextBytes = undefined;
    else await this.#load();
    return row;
  }

  async #load(): Promise<void> {
    const { prefix, each } = this.#query;
    const within = prefix === "" ? "" : " AND begins_with(sk, :prefix)";
    const values: Item = { ":pk": { S: this.#pk }, ...(prefix === "" ? {} : { ":prefix": { S: prefix } }) };
    do {
      const answer = await this.#rows.caller.send(
        new QueryCommand({
          TableName: this.#rows.table,
          ConsistentRead: true,
          KeyConditionExpression: `pk = :pk${within}`,
          ExpressionAttributeValues: values,
          ExclusiveStartKey: this.#start,
          Limit: each,
        }),
      );
      this.#loaded = (answer.Items ?? []).map(decodeRow);
      this.#start = answer.LastEvaluatedKey;
    } while (this.#loaded.length === 0 && this.#start !== undefined);
    this.#at = 0;
    this.#look();
  }

  #look(): void {
    const next = this.#loaded[this.#at];
    this.nextBytes = next === undefined ? undefined : Buffer.from(next.key);
  }
}
