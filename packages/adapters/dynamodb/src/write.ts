// Writing rows, each unless the table has a newer one: together in transactions where the server has them, and otherwise each by a
// conditional put of its own.

import { randomUUID } from "node:crypto";
import { PutItemCommand, TransactWriteItemsCommand, type Put, type TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import pMap from "p-map";
import { conditionFailed } from "./errors.js";
import { inParts, type Item } from "./schema.js";
import { unless, type Table } from "./table.js";

/** What one transaction takes, one item left for the head. */
const TRANSACTION_ROWS_MAX = 99;
const TRANSACTION_BYTES_MAX = 4 * 1024 * 1024;
/** Requests that are under way at a time: a client of the SDK has 50 connections, and reads want some too; and transactions cost as much as twice their rows. */
const PUTS_IN_FLIGHT_MAX = 32;
const TRANSACTIONS_IN_FLIGHT_MAX = 8;
const LOST = "ConditionalCheckFailed";

function putRow({ TableName }: Table, row: Item): Put {
  return {
    TableName,
    Item: row,
    ConditionExpression: "attribute_not_exists(pk) OR #timestamp < :timestamp OR (#timestamp = :timestamp AND #replica < :replica)",
    ExpressionAttributeNames: { "#timestamp": "timestamp", "#replica": "replica" },
    ExpressionAttributeValues: { ":timestamp": row.timestamp, ":replica": row.replica },
  };
}

/** Whether they go in one transaction. */
export function isTransaction({ transacts }: Table, rows: readonly Item[]): boolean {
  return transacts && inParts(rows, TRANSACTION_ROWS_MAX, TRANSACTION_BYTES_MAX).length === 1;
}

/** All that wins at once, with the head, or nothing; what loses falls out, and the others are sent again. Throws ConditionalCheckFailed for a head that has changed. */
export async function transact(table: Table, rows: readonly Item[], head?: Put): Promise<void> {
  for (let left = rows; left.length > 0 || head !== undefined;) {
    const puts = [...left.map((row) => putRow(table, row)), ...(head === undefined ? [] : [head])];
    try {
      // The SDK may send it several times when answers are lost; under its token it happens once.
      return void (await table.send(new TransactWriteItemsCommand({ TransactItems: puts.map((Put) => ({ Put })), ClientRequestToken: randomUUID() })));
    } catch (error) {
      const reasons = (error as TransactionCanceledException).CancellationReasons ?? [];
      if (reasons[left.length]?.Code === LOST) throw conditionFailed();
      const winners = left.filter((_, index) => reasons[index]?.Code !== LOST);
      if (winners.length === left.length) throw error;
      left = winners;
    }
  }
}

/**
 * All that wins and is not there yet, in any order, several at a time. When a request fails, or `goOn` throws, no other one begins; who gives that
 * one may come back, so what is there is remembered.
 */
export async function putAll(table: Table, rows: readonly Item[], goOn?: () => void): Promise<void> {
  const [rowsMax, concurrency] = table.transacts ? [TRANSACTION_ROWS_MAX, TRANSACTIONS_IN_FLIGHT_MAX] : [1, PUTS_IN_FLIGHT_MAX];
  const putPart = async (part: readonly Item[]): Promise<void> => {
    if (part.length > 1) await transact(table, part);
    else for (const row of part) await unless(/^ConditionalCheckFailed/, table.send(new PutItemCommand(putRow(table, row))));
    if (goOn === undefined) return;
    for (const row of part) table.there.add(stampOf(row));
    goOn();
  };
  await pMap(inParts(missing(table, rows), rowsMax, TRANSACTION_BYTES_MAX), putPart, { concurrency });
}

export function missing({ there }: Table, rows: readonly Item[]): readonly Item[] {
  return there.size === 0 ? rows : rows.filter((row) => !there.has(stampOf(row)));
}

const stampOf = ({ sk, timestamp, replica }: Item): string => [timestamp.N, replica.N, sk.S].join(" ");
