// Writing items, each unless the table has a newer one: together in transactions where the server has them, and otherwise each by a
// conditional put of its own.

import { randomUUID } from "node:crypto";
import { PutItemCommand, TransactWriteItemsCommand, type Put, type TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import { isConditionFailed, nameOf } from "./errors.js";
import { fence, fenced } from "./fence.js";
import { inParts, type Item } from "./schema.js";
import type { Table } from "./table.js";

/** What one transaction takes, one item left for the fence. */
const TRANSACTION_ITEMS_MAX = 99;
const TRANSACTION_BYTES_MAX = 4 * 1024 * 1024;
/** Requests that are under way at a time: a client of the SDK has 50 connections, and reads want some too. */
const REQUESTS_IN_FLIGHT_MAX = 32;
/** Whatever is in the table by now, however it came there. */
const LOST = "ConditionalCheckFailed";

const isRow = (item: Item): boolean => item.timestamp !== undefined;

/** A row unless there is one with a greater or equal (timestamp, replica), a counter unless there is a greater or equal one. */
function conditionalPut(TableName: string, item: Item): Put {
  const { timestamp, replica, counter } = item;
  if (!isRow(item))
    return {
      TableName,
      Item: item,
      ConditionExpression: "attribute_not_exists(pk) OR #counter < :counter",
      ExpressionAttributeNames: { "#counter": "counter" },
      ExpressionAttributeValues: { ":counter": counter },
    };
  return {
    TableName,
    Item: item,
    ConditionExpression: "attribute_not_exists(pk) OR #timestamp < :timestamp OR (#timestamp = :timestamp AND #replica < :replica)",
    ExpressionAttributeNames: { "#timestamp": "timestamp", "#replica": "replica" },
    ExpressionAttributeValues: { ":timestamp": timestamp, ":replica": replica },
  };
}

/** Whether they are one transaction's. */
export function isTransaction({ transacts }: Table, items: readonly Item[]): boolean {
  return transacts && inParts(items, TRANSACTION_ITEMS_MAX, TRANSACTION_BYTES_MAX).length <= 1;
}

/**
 * All that wins at once, or nothing; what loses falls out, and the others are sent again. False, and nothing is written, where the
 * server has no transactions. Throws NODE_BEHIND for an epoch that is over.
 */
export async function transact(table: Table, items: readonly Item[], epoch?: number): Promise<boolean> {
  const { send, TableName } = table;
  const check = epoch === undefined ? [] : [{ ConditionCheck: { TableName, ...fence(table, epoch) } }];
  for (let left = items; ;) {
    if (left.length + check.length === 0) return true;
    const TransactItems = [...left.map((item) => ({ Put: conditionalPut(TableName, item) })), ...check];
    try {
      // The SDK may send it several times when answers are lost; under its token it happens once.
      await send(new TransactWriteItemsCommand({ TransactItems, ClientRequestToken: randomUUID() }));
      return true;
    } catch (error) {
      if (nameOf(error) === "UnknownOperationException") return (table.transacts = false);
      const reasons = (error as TransactionCanceledException).CancellationReasons;
      if (reasons === undefined) throw error;
      if (reasons[left.length]?.Code === LOST) throw await fenced(table);
      const winners = left.filter((_, index) => reasons[index]?.Code !== LOST);
      if (winners.length === left.length) throw error;
      if (winners.length === 0) return true;
      left = winners;
    }
  }
}

/**
 * All that wins, in any order, several at a time, the counters last. `there` is told of what is in the table, by this or by what wins over
 * it; when it throws, or a request fails, no other one begins.
 */
export async function putAll(table: Table, items: readonly Item[], there: (part: readonly Item[]) => void = () => undefined): Promise<void> {
  for (const some of [items.filter(isRow), items.filter((item) => !isRow(item))]) {
    const left = each(inParts(some, table.transacts ? TRANSACTION_ITEMS_MAX : 1, TRANSACTION_BYTES_MAX));
    const work = async (): Promise<void> => {
      // One generator for all of them: leaving the loop by an error ends it for the others too.
      for (const part of left) {
        if (part.length === 1 || !(await transact(table, part))) for (const item of part) await put(table, item);
        there(part);
      }
    };
    await Promise.all(Array.from({ length: REQUESTS_IN_FLIGHT_MAX }, work));
  }
}

function* each<Value>(values: readonly Value[]): Generator<Value> {
  yield* values;
}

async function put({ send, TableName }: Table, item: Item): Promise<void> {
  try {
    await send(new PutItemCommand(conditionalPut(TableName, item)));
  } catch (error) {
    if (!isConditionFailed(error)) throw error;
  }
}
