// An apply that is more than one transaction: written down first, so that an apply that was cut off can be completed by somebody else.
//
// Rows are written in any order, as a batch as given has none: it holds the newest write of each key, so that an early row may follow what comes later. What
// must not be seen is part of a batch, and that is kept from those who would take it for the whole:
//   - another node of the mesh judges a row by its dot: it shows what the row follows as well, which is in its log until this batch is
//     flushed, or says that it is behind;
//   - a mesh that begins later begins with the registry, and whoever reads or swaps that completes first what the head names;
//   - a process that ends in the middle leaves the batch under its name in the head, and so for the next one to complete.
// Nothing is lost by completing an apply twice, or while it is still under way elsewhere, since rows keep winners and counters only rise.
//
// Its rows stand in parts under its name, with its counters in the first; only when all of them are there, the name goes into the head's `applies`, as NAME#PARTS,
// under the fence of its epoch. From then on it will be done, whatever happens.

import { randomUUID } from "node:crypto";
import { DeleteItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { joined } from "@causalmesh/adapter-kit";
import type { FlushedCounters } from "@causalmesh/core";
import { changeHead, fenced, type Head } from "./head.js";
import { readItems } from "./read.js";
import { decodeCounters, encodeCounters, inParts, number, VALUE_BYTES_MAX, type Item } from "./schema.js";
import type { Table } from "./table.js";
import { putAll } from "./write.js";

/** What was cut off before it had its name in the head is never completed, and goes by itself after a year. */
const KEPT_MS = 365 * 24 * 60 * 60 * 1000;

export interface Batch {
  readonly rows: readonly Item[];
  readonly flushed: FlushedCounters;
  readonly epoch: number | undefined;
}

function keysOf(prefix: string, name: string): Item[] {
  const [apply, parts] = name.split("#");
  return Array.from({ length: Number(parts) }, (_, part) => ({ pk: { S: `${prefix}#journal#${apply}` }, sk: { S: String(part) } }));
}

/** Gives its name. Throws NODE_BEHIND where its epoch is over; nothing of it will be written then. */
export async function writeDown(table: Table, { rows, flushed, epoch }: Batch): Promise<string> {
  const { send, TableName, prefix } = table;
  const parts = inParts(rows, Infinity, VALUE_BYTES_MAX);
  const name = `${randomUUID()}#${parts.length}`;
  const common = { flushed: encodeCounters(flushed), goneAt: number(Math.ceil((Date.now() + KEPT_MS) / 1000)) };
  const items = keysOf(prefix, name).map((key, index) => ({ ...key, ...common, rows: { L: parts[index].map((row) => ({ M: row })) } }));
  await Promise.all(items.map((Item) => send(new PutItemCommand({ TableName, Item }))));
  await changeHead(table, (head) => ({ ...fenced(table, head, epoch), applies: [...new Set([...head.applies, name])] }));
  return name;
}

/** Writes the rows of what has been written down, then strikes it out with its counters. `goOn` as in `putAll`. */
export async function carryOut(table: Table, name: string, { rows, flushed }: Omit<Batch, "epoch">, goOn?: () => void): Promise<void> {
  const { send, TableName, prefix } = table;
  await putAll(table, rows, goOn);
  await changeHead(table, (head) => ({ ...head, applies: head.applies.filter((other) => other !== name), flushed: joined(head.flushed, flushed) }));
  // Nobody waits for it, and what stays goes by itself.
  void Promise.allSettled(keysOf(prefix, name).map((Key) => send(new DeleteItemCommand({ TableName, Key }))));
}

/**
 * Completes what is under way. Rows that the counters have reached since are left alone: somebody else flushed them, and what has followed
 * may be gone again, such as a deletion. An apply whose name is there without its parts was done before.
 */
export async function complete(table: Table, { applies, flushed }: Head, goOn?: () => void): Promise<void> {
  const reached = new Map(flushed);
  for (const name of applies) {
    const keys = keysOf(table.prefix, name);
    const found = await readItems(table, keys);
    const parts = found.length < keys.length ? [] : found;
    const rows = parts.flatMap((part) => part.rows.L!.map(({ M }) => M!));
    const left = rows.filter(({ replica, counter }) => Number(counter.N) > (reached.get(Number(replica.N)) ?? 0));
    await carryOut(table, name, { rows: left, flushed: decodeCounters(parts[0]?.flushed) }, goOn);
  }
}
