// The registry and the counters: a few items of one partition, read consistently.

import { randomUUID } from "node:crypto";
import { GetItemCommand, PutItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import { MeshError, type RegistryRecord, type RegistryState } from "@causalmesh/core";
import { isConditionFailed } from "./errors.js";
import type { Rows } from "./read.js";
import { decodeBytes, encodeBytes, metaKey, metaPk, number, type Item } from "./schema.js";

/** Items come in the order of `sk`: counters before the registry, which is therefore never older than they are. */
export async function readState({ caller, table, prefix }: Rows): Promise<RegistryState> {
  const flushed: [number, number][] = [];
  let registry: RegistryRecord | undefined;
  let start: Item | undefined;
  do {
    const answer = await caller.send(
      new QueryCommand({
        TableName: table,
        ConsistentRead: true,
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": { S: metaPk(prefix) } },
        ExclusiveStartKey: start,
      }),
    );
    for (const item of answer.Items ?? []) {
      const replica = /^flushed#(\d+)$/.exec(item.sk.S!)?.[1];
      if (replica !== undefined) flushed.push([Number(replica), Number(item.counter.N)]);
      else if (item.sk.S === "registry") registry = decodeRegistry(item);
    }
    start = answer.LastEvaluatedKey;
  } while (start !== undefined);
  return { registry, flushed };
}

/** 0 where there is no registry. */
export async function readEpoch({ caller, table, prefix }: Rows): Promise<number> {
  const { Item: found } = await caller.send(new GetItemCommand({ TableName: table, Key: metaKey(prefix, "registry"), ConsistentRead: true }));
  return found === undefined ? 0 : decodeRegistry(found).epoch;
}

function decodeRegistry({ epoch, bytes }: Item): RegistryRecord {
  const decoded = decodeBytes(bytes);
  if (decoded === undefined || !Number.isSafeInteger(Number(epoch?.N)))
    throw new MeshError("STORE_INVALID", "the registry is damaged; restore the store from a copy");
  return { epoch: Number(epoch.N), bytes: decoded };
}

export async function swapState({ caller, table, prefix }: Rows, expectedEpoch: number, next: RegistryRecord): Promise<boolean> {
  const swap = randomUUID();
  const Key = metaKey(prefix, "registry");
  const expected =
    expectedEpoch === 0
      ? { ConditionExpression: "attribute_not_exists(pk)" }
      : {
          ConditionExpression: "#epoch = :epoch",
          ExpressionAttributeNames: { "#epoch": "epoch" },
          ExpressionAttributeValues: { ":epoch": number(expectedEpoch) },
        };
  try {
    const Item = { ...Key, epoch: number(next.epoch), bytes: encodeBytes(next.bytes), swap: { S: swap } };
    await caller.send(new PutItemCommand({ TableName: table, Item, ...expected }));
    return true;
  } catch (error) {
    if (!isConditionFailed(error)) throw error;
    // The SDK sends a request again whose answer was lost, and the second one finds what the first did.
    const { Item: found } = await caller.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }));
    return found?.swap?.S === swap;
  }
}
