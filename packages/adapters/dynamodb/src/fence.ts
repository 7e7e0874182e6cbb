// The registry's item as a fence: a batch of an epoch that is over is not written. The item also names the applies that are under way
// (journal.ts), so that no epoch ends before all that have begun under it are done.

import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import { fencedError, type MeshError } from "@causalmesh/core";
import { metaKey, number, type Item } from "./schema.js";
import type { Table } from "./table.js";

export const EPOCH = { "#epoch": "epoch" };

/** What must hold of the registry for a batch of this epoch. */
export function fence({ prefix }: Table, epoch: number) {
  return {
    Key: metaKey(prefix, "registry"),
    ConditionExpression: "attribute_not_exists(#epoch) OR #epoch <= :epoch",
    ExpressionAttributeNames: EPOCH,
    ExpressionAttributeValues: { ":epoch": number(epoch) },
  };
}

export async function fenced(table: Table): Promise<MeshError> {
  return fencedError(table.name, Number((await readItem(table)).epoch?.N));
}

export async function readItem({ send, TableName, prefix }: Table): Promise<Item> {
  return (await send(new GetItemCommand({ TableName, Key: metaKey(prefix, "registry"), ConsistentRead: true }))).Item ?? {};
}
