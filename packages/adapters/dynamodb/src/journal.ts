// An apply that is more than one transaction: written down first, so that an apply that was cut off can be completed by somebody else.
//
// Rows are written in any order, as a batch as given has none: it holds the newest write of each key, so that an early row may follow what comes later. What
// must not be seen is part of a batch, and that is kept from those who would take it for the whole:
//   - another node of the mesh judges a row by its dot: it shows what the row follows as well, which is in its log until this batch is
//     flushed, or says that it is behind;
//   - a mesh that begins later begins with the registry, and whoever reads or swaps that completes first what is named there;
//   - a process that ends in the middle leaves the batch under its name in the registry, and so for the next one to complete.
// Nothing is lost by completing an apply twice, or while it is still under way elsewhere, since rows keep winners and counters only rise.
//
// Its items stand in parts under its name; only when all of them are there, the name goes into the registry's `applies`, as NAME#PARTS,
// under the fence of its epoch. From then on it will be done, whatever happens.

import { randomUUID } from "node:crypto";
import { DeleteItemCommand, PutItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { isConditionFailed } from "./errors.js";
import { readItems } from "./read.js";
import { fence, fenced } from "./fence.js";
import { metaKey, number, inParts, VALUE_BYTES_MAX, type Item } from "./schema.js";
import type { Table } from "./table.js";
import { putAll } from "./write.js";

/** What was cut off before it had its name in the registry is never completed, and goes by itself after a year. */
const KEPT_MS = 365 * 24 * 60 * 60 * 1000;

export interface Entry {
  /** NAME#PARTS */
  readonly name: string;
  readonly parts: readonly (readonly Item[])[];
  readonly epoch: number | undefined;
  /** Whether it is known to be in the registry. */
  isNamed: boolean;
}

export function entryOf(items: readonly Item[], epoch: number | undefined): Entry {
  const parts = inParts(items, Infinity, VALUE_BYTES_MAX);
  return { name: `${randomUUID()}#${parts.length}`, parts, epoch, isNamed: false };
}

function keysOf(prefix: string, name: string): Item[] {
  const [apply, parts] = name.split("#");
  return Array.from({ length: Number(parts) }, (_, part) => ({ pk: { S: `${prefix}#journal#${apply}` }, sk: { S: String(part) } }));
}

/** May be repeated. Throws NODE_BEHIND where its epoch is over; nothing of it will be written then. */
export async function writeDown(table: Table, { name, parts, epoch }: Entry): Promise<void> {
  const { send, TableName, prefix } = table;
  const goneAt = number(Math.ceil((Date.now() + KEPT_MS) / 1000));
  const put = async (key: Item, part: readonly Item[]): Promise<unknown> =>
    await send(new PutItemCommand({ TableName, Item: { ...key, items: { L: part.map((item) => ({ M: item })) }, goneAt } }));
  await Promise.all(keysOf(prefix, name).map((key, index) => put(key, parts[index])));
  const condition = epoch === undefined ? undefined : fence(table, epoch);
  const addition = {
    TableName,
    Key: metaKey(prefix, "registry"),
    UpdateExpression: "ADD applies :apply",
    ...condition,
    ExpressionAttributeValues: { ":apply": { SS: [name] }, ...condition?.ExpressionAttributeValues },
  };
  try {
    await send(new UpdateItemCommand(addition));
  } catch (error) {
    throw isConditionFailed(error) ? await fenced(table) : error;
  }
}

/** Its name goes first: an apply whose name is there without its parts was done. */
export async function strikeOut({ send, TableName, prefix }: Table, name: string): Promise<void> {
  await send(
    new UpdateItemCommand({
      TableName,
      Key: metaKey(prefix, "registry"),
      UpdateExpression: "DELETE applies :apply",
      ExpressionAttributeValues: { ":apply": { SS: [name] } },
    }),
  );
  // Nobody waits for it, and what stays goes by itself.
  const deleted = keysOf(prefix, name).map((Key) => send(new DeleteItemCommand({ TableName, Key })));
  void Promise.allSettled(deleted);
}

/**
 * Completes these applies. Rows that the counters have reached since are left alone: somebody else flushed them, and what has followed
 * may be gone again, such as a deletion.
 */
export async function complete(table: Table, names: readonly string[], reached: ReadonlyMap<number, number>): Promise<void> {
  for (const name of names) {
    const keys = keysOf(table.prefix, name);
    const parts = await readItems(table, keys);
    const items = parts.length < keys.length ? [] : parts.flatMap((part) => part.items.L!.map(({ M }) => M!));
    await putAll(
      table,
      items.filter(({ replica, counter }) => replica === undefined || Number(counter.N) > (reached.get(Number(replica.N)) ?? 0)),
    );
    await strikeOut(table, name);
  }
}
