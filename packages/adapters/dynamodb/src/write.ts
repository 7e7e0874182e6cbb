// Writing rows, each unless the table has a newer one: together in transactions where the server has them, and otherwise each by a
// conditional put of its own.

import { randomUUID } from "node:crypto";
import { PutItemCommand, TransactWriteItemsCommand, type Put, type TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import { conditionFailed, isConditionFailed, nameOf } from "./errors.js";
import { inParts, type Item } from "./schema.js";
import type { Table } from "./table.js";

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
export function isTransaction({ server }: Table, rows: readonly Item[]): boolean {
  return server.transacts && inParts(rows, TRANSACTION_ROWS_MAX, TRANSACTION_BYTES_MAX).length === 1;
}

/**
 * All that wins at once, with the head, or nothing; what loses falls out, and the others are sent again. False, and nothing is written, where the
 * server has no transactions. Throws ConditionalCheckFailed for a head that has changed.
 */
export async function transact(table: Table, rows: readonly Item[], head?: Put): Promise<boolean> {
  for (let left = rows; left.length > 0 || head !== undefined;) {
    const puts = [...left.map((row) => putRow(table, row)), ...(head === undefined ? [] : [head])];
    try {
      // The SDK may send it several times when answers are lost; under its token it happens once.
      await table.send(new TransactWriteItemsCommand({ TransactItems: puts.map((Put) => ({ Put })), ClientRequestToken: randomUUID() }));
      return true;
    } catch (error) {
      if (nameOf(error) === "UnknownOperationException") return (table.server.transacts = false);
      const reasons = (error as TransactionCanceledException).CancellationReasons ?? [];
      if (reasons[left.length]?.Code === LOST) throw conditionFailed();
      const winners = left.filter((_, index) => reasons[index]?.Code !== LOST);
      if (winners.length === left.length) throw error;
      left = winners;
    }
  }
  return true;
}

/**
 * All that wins, in any order, several at a time. `there` is told of what is in the table, by this or by what wins over it; when it throws, or
 * a request fails, no other one begins.
 */
export async function putAll(table: Table, rows: readonly Item[], there: (part: readonly Item[]) => void = () => undefined): Promise<void> {
  const [rowsMax, inFlight] = table.server.transacts ? [TRANSACTION_ROWS_MAX, TRANSACTIONS_IN_FLIGHT_MAX] : [1, PUTS_IN_FLIGHT_MAX];
  const left = each(inParts(rows, rowsMax, TRANSACTION_BYTES_MAX));
  const work = async (): Promise<void> => {
    // One generator for all of them: leaving the loop by an error ends it for the others too.
    for (const part of left) {
      if (part.length === 1 || !(await transact(table, part))) for (const row of part) await put(table, row);
      there(part);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, work));
}

function* each<Value>(values: readonly Value[]): Generator<Value> {
  yield* values;
}

async function put(table: Table, row: Item): Promise<void> {
  try {
    await table.send(new PutItemCommand(putRow(table, row)));
  } catch (error) {
    if (!isConditionFailed(error)) throw error;
  }
}
