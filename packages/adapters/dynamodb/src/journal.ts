// The table as the database of the kit's journal. Rows are written each unless the table has a newer one: together in transactions where the server has
// them, and otherwise each by a conditional put of its own.

import { randomUUID } from "node:crypto";
import { DeleteItemCommand, GetItemCommand, PutItemCommand, TransactGetItemsCommand, TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import type { Put, TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import type { Head, JournalDatabase } from "@causalmesh/adapter-kit";
import type { Row } from "@causalmesh/core";
import { nameOf, unless } from "./errors.js";
import { readItems } from "./read.js";
import { decodeHead, decodeSheet, encodeHead, encodeRow, encodeSheet, headKey, rowBytes, sheetKey, VALUE_BYTES_MAX } from "./schema.js";
import type { Table } from "./table.js";

/**
 * What one request takes, and how many are under way: a client of the SDK has 50 connections, and reads want some too; and transactions cost as much as twice their
 * rows. A transaction takes 100 items, one of which is left for the head.
 */
const PUT = { rowsMax: 1, bytesMax: Infinity, headWithRows: false, inFlightMax: 32 };
const TRANSACTION = { rowsMax: 99, bytesMax: 4 * 1024 * 1024, bytesOf: rowBytes, headWithRows: true, inFlightMax: 8 };

export function journalDatabase(table: Table): JournalDatabase {
  const { name, send, TableName, prefix } = table;
  return {
    name,
    sheetBounds: { rowsMax: Infinity, bytesMax: VALUE_BYTES_MAX, bytesOf: rowBytes },
    get writeBounds() {
      return table.transacts ? TRANSACTION : PUT;
    },
    write: async (rows, head) => await putAtOnce(table, rows, head),
    readHead: async () => await readHead(table),
    async writeSheet(sheet, contents) {
      await send(new PutItemCommand({ TableName, Item: encodeSheet(prefix, sheet, contents) }));
    },
    async readSheets(sheets) {
      const keys = sheets.map((sheet) => sheetKey(prefix, sheet));
      return (await readItems(table, keys)).map(decodeSheet);
    },
    async removeSheets(sheets) {
      await Promise.all(sheets.map((sheet) => send(new DeleteItemCommand({ TableName, Key: sheetKey(prefix, sheet) }))));
    },
  };
}

/**
 * By a transaction of one item where the server has those, which it is found out by: a plain read gives the head as it was before a batch that is being committed, whose
 * rows may be seen already; this one waits for it.
 */
export async function readHead(table: Table): Promise<Head | undefined> {
  const { send, name, TableName, prefix } = table;
  const Get = { TableName, Key: headKey(prefix) };
  const found = table.transacts ? await unless(/^UnknownOperation/, send(new TransactGetItemsCommand({ TransactItems: [{ Get }] }))) : undefined;
  table.transacts = found !== undefined;
  const { Item } = found?.Responses?.[0] ?? (await send(new GetItemCommand({ ...Get, ConsistentRead: true })));
  return Item && decodeHead(name, Item);
}

function putHead({ TableName, prefix }: Table, next: Head): Put {
  const before = next.version - 1;
  return {
    TableName,
    Item: encodeHead(prefix, next),
    ConditionExpression: before === 0 ? "attribute_not_exists(pk)" : "version = :before",
    ...(before === 0 ? {} : { ExpressionAttributeValues: { ":before": { N: String(before) } } }),
  };
}

function putRow({ TableName, prefix }: Table, row: Row): Put {
  const Item = encodeRow(prefix, row);
  return {
    TableName,
    Item,
    ConditionExpression: "attribute_not_exists(pk) OR #timestamp < :timestamp OR (#timestamp = :timestamp AND #replica < :replica)",
    ExpressionAttributeNames: { "#timestamp": "timestamp", "#replica": "replica" },
    ExpressionAttributeValues: { ":timestamp": Item.timestamp, ":replica": Item.replica },
  };
}

/** All that wins, with the head, or nothing; what loses falls out, and the others are sent again. False for a head that has changed. */
async function putAtOnce(table: Table, rows: readonly Row[], head?: Head): Promise<boolean> {
  const { send } = table;
  const last = head && putHead(table, head);
  for (let left = rows.map((row) => putRow(table, row)); ;) {
    const puts = last === undefined ? left : [...left, last];
    try {
      // The SDK may send it several times when answers are lost; under its token it happens once.
      const transaction = { TransactItems: puts.map((Put) => ({ Put })), ClientRequestToken: randomUUID() };
      if (puts.length > 1) await send(new TransactWriteItemsCommand(transaction));
      else for (const put of puts) await send(new PutItemCommand(put));
      return true;
    } catch (error) {
      const reasons = (error as TransactionCanceledException).CancellationReasons ?? [{ Code: nameOf(error) }];
      const lost = puts.filter((_, index) => reasons[index]?.Code?.startsWith("ConditionalCheckFailed"));
      if (lost.length === 0) throw error;
      if (last !== undefined && lost.includes(last)) return false;
      left = left.filter((put) => !lost.includes(put));
    }
  }
}
