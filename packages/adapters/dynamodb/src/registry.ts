// The registry and the counters, looked at and changed only when what is under way is done (journal.ts).

import { randomUUID } from "node:crypto";
import { PutItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import { MeshError, type FlushedCounters, type RegistryRecord, type RegistryState } from "@causalmesh/core";
import { isConditionFailed } from "./errors.js";
import { EPOCH, readItem } from "./fence.js";
import { complete } from "./journal.js";
import { ATTEMPTS_MAX, pause } from "./pause.js";
import { decodeBytes, encodeBytes, metaKey, number, type Item } from "./schema.js";
import type { Table } from "./table.js";

/**
 * Completes what is under way before it looks at the counters: so whatever row anybody has read from the table before counts as flushed,
 * also where all nodes have ended in the middle of a batch.
 */
export async function readState(table: Table): Promise<RegistryState> {
  return { registry: decodeRegistry(await readQuiet(table)), flushed: await readFlushed(table) };
}

/** The registry's item when all that it named as under way is done. */
async function readQuiet(table: Table): Promise<Item> {
  const item = await readItem(table);
  if (item.applies?.SS !== undefined) await complete(table, item.applies.SS, new Map(await readFlushed(table)));
  return item;
}

async function readFlushed({ send, TableName, prefix }: Table): Promise<FlushedCounters> {
  const flushed: [number, number][] = [];
  let ExclusiveStartKey: Item | undefined;
  do {
    const answer = await send(
      new QueryCommand({
        TableName,
        ConsistentRead: true,
        KeyConditionExpression: "pk = :pk AND begins_with(sk, :sk)",
        ExpressionAttributeValues: { ":pk": metaKey(prefix, "").pk, ":sk": { S: "flushed#" } },
        ExclusiveStartKey,
      }),
    );
    flushed.push(...(answer.Items ?? []).map(({ sk, counter }): [number, number] => [Number(sk.S!.slice("flushed#".length)), Number(counter.N)]));
    ExclusiveStartKey = answer.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
  return flushed;
}

function decodeRegistry({ epoch, bytes }: Item): RegistryRecord | undefined {
  if (epoch === undefined) return undefined;
  const decoded = decodeBytes(bytes);
  if (decoded === undefined || !Number.isSafeInteger(Number(epoch.N)))
    throw new MeshError("STORE_INVALID", "the registry is damaged; restore the store from a copy");
  return { epoch: Number(epoch.N), bytes: decoded };
}

export async function swapState(table: Table, expectedEpoch: number, next: RegistryRecord): Promise<boolean> {
  const swap = randomUUID();
  const command = new PutItemCommand({
    TableName: table.TableName,
    Item: { ...metaKey(table.prefix, "registry"), epoch: number(next.epoch), bytes: encodeBytes(next.bytes), swap: { S: swap } },
    ConditionExpression: `${expectedEpoch === 0 ? "attribute_not_exists(#epoch)" : "#epoch = :epoch"} AND attribute_not_exists(applies)`,
    ExpressionAttributeNames: EPOCH,
    ...(expectedEpoch === 0 ? {} : { ExpressionAttributeValues: { ":epoch": number(expectedEpoch) } }),
  });
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    try {
      await table.send(command);
      return true;
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
    }
    const found = await readQuiet(table);
    // The SDK sends a request again whose answer was lost, and the second one finds what the first did.
    if (found.swap?.S === swap) return true;
    if (Number(found.epoch?.N ?? 0) !== expectedEpoch) return false;
    await pause(attempt);
  }
  throw new MeshError("STORE_UNAVAILABLE", `${table.name} is being flushed to all the time; end the nodes of the mesh that is to be followed`);
}
