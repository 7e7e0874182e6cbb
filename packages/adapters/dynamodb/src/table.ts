// The table as this store reaches it: found, or made at the first use.

import { CreateTableCommand, DescribeTableCommand, UpdateTimeToLiveCommand, waitUntilTableExists } from "@aws-sdk/client-dynamodb";
import type { DynamoDBClient, TableDescription } from "@aws-sdk/client-dynamodb";
import { Calls, withRetries } from "@causalmesh/adapter-kit";
import { MeshError } from "@causalmesh/core";
import { dynamodbError, isContended, unless } from "./errors.js";
import { resolveOptions, type DynamodbStoreOptions } from "./options.js";

/** A table, under the prefix of one store. */
export type Table = ReturnType<typeof openTable>;

/** Throws OPTION_INVALID. */
export function openTable(options: DynamodbStoreOptions) {
  const { client, name, table: TableName, prefix, timeoutMs } = resolveOptions(options);
  const calls = new Calls({ name, timeoutMs, advice: "check the network and the table's capacity" });
  const send = async (command: never): Promise<unknown> =>
    await calls.run(async (abortSignal) => await withRetries(async () => await client.send(command, { abortSignal }), isContended));
  return {
    client,
    /** One request, with its deadline. Rejects with what the SDK says. */
    send: send as DynamoDBClient["send"],
    /** The store's, for messages. */
    name,
    TableName,
    prefix,
    /** Whether the server has transactions: until it says that it has none. */
    transacts: true,
    /** Does something with the table; rejects with a MeshError, with CLOSED at `close`. */
    run: async <Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> =>
      await calls.run(work, Infinity).catch((error: unknown) => Promise.reject(dynamodbError(name, error))),
    /** Lets go of the client unless it is the user's. */
    close(): void {
      calls.close();
      if (options.client === undefined) client.destroy();
    },
  };
}

/** Making a table takes DynamoDB about ten seconds. */
const CREATED = { maxWaitTime: 60, minDelay: 0.5, maxDelay: 0.5 };
const AttributeDefinitions = ["pk", "sk"].map((AttributeName) => ({ AttributeName, AttributeType: "S" as const }));
const KeySchema = [
  { AttributeName: "pk", KeyType: "HASH" as const },
  { AttributeName: "sk", KeyType: "RANGE" as const },
];

/** Finds the table, or makes it. */
export async function prepareTable(table: Table, createTable: boolean, abortSignal: AbortSignal): Promise<void> {
  const { client, send, name, TableName } = table;
  const found = await describeTable(table);
  if (found !== undefined) return checkKey(name, found);
  if (!createTable) throw new MeshError("STORE_INVALID", `${name}: the table is not there; make it as the README says, or allow createTable`);
  // Another process may be making it.
  await unless(/^ResourceInUse/, send(new CreateTableCommand({ TableName, BillingMode: "PAY_PER_REQUEST", AttributeDefinitions, KeySchema })));
  await waitUntilTableExists({ client, abortSignal, ...CREATED }, { TableName });
  // Lets DynamoDB drop deleted and expired rows. Where that cannot be, they stay and cost their bytes, and nothing else: another process
  // did it, or these credentials may not, or this server cannot.
  const TimeToLiveSpecification = { AttributeName: "goneAt", Enabled: true };
  await unless(/^(Validation|AccessDenied|UnknownOperation|ResourceInUse)/, send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification })));
}

/** undefined where there is none; empty where these credentials may not ask, which is no reason not to work. */
export async function describeTable({ send, TableName }: Table): Promise<TableDescription | undefined> {
  const found = send(new DescribeTableCommand({ TableName })).then(({ Table }) => Table);
  return await unless(/^ResourceNotFound/, unless(/^AccessDenied/, found, {}));
}

/** Throws STORE_INVALID. */
export function checkKey(name: string, { KeySchema: found, AttributeDefinitions: definitions }: TableDescription): void {
  const types = new Map(definitions?.map(({ AttributeName, AttributeType }) => [AttributeName, AttributeType]));
  const key = found?.map(({ AttributeName, KeyType }) => `${AttributeName} ${types.get(AttributeName)} ${KeyType}`).join(", ");
  if (key === undefined || key === "pk S HASH, sk S RANGE") return;
  const advice = "the store needs pk (string, partition) and sk (string, sort): give it a table of its own";
  throw new MeshError("STORE_INVALID", `${name}: the table's key is ${key}; ${advice}`);
}
