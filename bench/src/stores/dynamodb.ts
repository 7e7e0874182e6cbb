// dynalite, an emulator of DynamoDB in JavaScript, in a process of its own and with its data in a temporary folder.

import { randomUUID } from "node:crypto";
import {
  BatchGetItemCommand,
  CreateTableCommand,
  DynamoDBClient,
  PutItemCommand,
  waitUntilTableExists,
  type AttributeValue,
  type CreateTableCommandInput,
} from "@aws-sdk/client-dynamodb";
import { dynamodbStore } from "@causalmesh/adapter-dynamodb";
import type { Row } from "@causalmesh/core";
import { startDynamodb } from "@causalmesh/test-servers";
import type { BareClient, Database } from "./database.js";

const TABLE: Omit<CreateTableCommandInput, "TableName"> = {
  BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [{ AttributeName: "key", AttributeType: "S" }],
  KeySchema: [{ AttributeName: "key", KeyType: "HASH" }],
};
/** As many as the adapter has under way. */
const PUTS_IN_FLIGHT = 32;
const TABLE_SECONDS_MAX = 10;
/** What one BatchGetItem takes. */
const KEYS_MAX = 100;

/** The server removes a table in its own time, so an empty one is another. */
async function makeTable(client: DynamoDBClient): Promise<string> {
  const TableName = `bare-${randomUUID()}`;
  await client.send(new CreateTableCommand({ ...TABLE, TableName }));
  await waitUntilTableExists({ client, maxWaitTime: TABLE_SECONDS_MAX, minDelay: 1, maxDelay: 1 }, { TableName });
  return TableName;
}

async function bareClient(client: DynamoDBClient): Promise<BareClient> {
  let TableName = await makeTable(client);
  const decoder = new TextDecoder();
  const write = async ({ key, value, timestamp, replica, counter, expiresAt }: Row): Promise<void> => {
    const numbers = Object.entries({ timestamp, replica, counter, expiresAt }).map(([name, number]) => [name, { N: String(number) }]);
    await client.send(
      new PutItemCommand({
        TableName,
        Item: { key: { S: key }, value: { S: decoder.decode(value!) }, ...Object.fromEntries(numbers) },
        ConditionExpression: "attribute_not_exists(#key) OR #timestamp < :timestamp",
        ExpressionAttributeNames: { "#key": "key", "#timestamp": "timestamp" },
        ExpressionAttributeValues: { ":timestamp": { N: String(timestamp) } },
      }),
    );
  };
  const readPart = async (keys: readonly string[]): Promise<Record<string, AttributeValue>[]> => {
    const Keys = keys.map((key) => ({ key: { S: key } }));
    const { Responses } = await client.send(new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys, ConsistentRead: true } } }));
    return Responses![TableName];
  };
  const read = async (keys: readonly string[]): Promise<Record<string, AttributeValue>[]> => {
    const parts = Array.from({ length: Math.ceil(keys.length / KEYS_MAX) }, (_, index) => keys.slice(index * KEYS_MAX, (index + 1) * KEYS_MAX));
    return (await Promise.all(parts.map(readPart))).flat();
  };
  return {
    clear: async () => void (TableName = await makeTable(client)),
    writeMany: async (rows) => {
      const left = rows.values();
      const work = async (): Promise<void> => {
        for (const row of left) await write(row);
      };
      await Promise.all(Array.from({ length: PUTS_IN_FLIGHT }, work));
    },
    write,
    readMany: async (keys) => {
      const values = new Map((await read(keys)).map(({ key, value }) => [key.S!, JSON.parse(value.S!) as unknown]));
      return keys.map((key) => values.get(key));
    },
    countMany: async (keys) => (await read(keys)).length,
    close: async () => client.destroy(),
  };
}

export async function openDynamodb(): Promise<Database> {
  const server = await startDynamodb({ own: true });
  Object.assign(process.env, server.env);
  const { endpoint, region, credentials } = server;
  let stores = 0;
  return {
    name: "dynamodb",
    share: 1 / 20,
    store: async () => dynamodbStore({ table: "mesh", endpoint, region, connection: { credentials }, prefix: `mesh${stores++}` }),
    bare: async () => await bareClient(new DynamoDBClient({ endpoint, region, credentials })),
    stop: async () => await server.stop(),
  };
}
