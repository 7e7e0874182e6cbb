// The table as this store reaches it: found, or made at the first use.

import {
  CreateTableCommand,
  DescribeTableCommand,
  TransactGetItemsCommand,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
  type DynamoDBClient,
  type TableDescription,
} from "@aws-sdk/client-dynamodb";
import { Calls, withRetries } from "@causalmesh/adapter-kit";
import { MeshError } from "@causalmesh/core";
import type { Head } from "./head.js";
import { isContended, nameOf } from "./errors.js";
import { resolveOptions, type DynamodbStoreOptions } from "./options.js";
import { metaKey } from "./schema.js";

export interface Table {
  readonly client: DynamoDBClient;
  readonly send: DynamoDBClient["send"];
  /** The store's, for messages. */
  readonly name: string;
  readonly TableName: string;
  readonly prefix: string;
  /** Whether the server has transactions, which is asked when the table is prepared. */
  transacts: boolean;
  /** The head as this store wrote it last. */
  head: Head | undefined;
  /** Rows that are in the table since an apply last succeeded, by `stampOf`: who repeats one does not send them again. */
  readonly there: Set<string>;
}

export interface OpenTable {
  readonly table: Table;
  readonly calls: Calls;
  /** Ends what is under way, and lets go of the client unless it is the user's. */
  readonly close: () => void;
}

/** Throws OPTION_INVALID. */
export function openTable(options: DynamodbStoreOptions): OpenTable {
  const { client, name, table: TableName, prefix, timeoutMs } = resolveOptions(options);
  const calls = new Calls({ name, timeoutMs, advice: "check the network and the table's capacity" });
  const close = (): void => {
    calls.close();
    if (options.client === undefined) client.destroy();
  };
  const send = (async (command: never) =>
    await calls.run(async (abortSignal) => await withRetries(async () => await client.send(command, { abortSignal }), isContended))) as DynamoDBClient["send"];
  return { table: { client, send, name, TableName, prefix, transacts: false, head: undefined, there: new Set() }, calls, close };
}

/** Making a table takes DynamoDB about ten seconds. */
const CREATED = { maxWaitTime: 60, minDelay: 0.5, maxDelay: 0.5 };
const AttributeDefinitions = ["pk", "sk"].map((AttributeName) => ({ AttributeName, AttributeType: "S" as const }));
const KeySchema = [
  { AttributeName: "pk", KeyType: "HASH" as const },
  { AttributeName: "sk", KeyType: "RANGE" as const },
];

/** Finds the table, or makes it, and asks the server what it can. */
export async function prepareTable(table: Table, createTable: boolean, abortSignal: AbortSignal): Promise<void> {
  const { client, send, name, TableName, prefix } = table;
  const found = await describeTable(table);
  if (found === undefined) {
    if (!createTable) throw new MeshError("STORE_INVALID", `${name}: the table is not there; make it as the README says, or allow createTable`);
    // Another process may be making it.
    await unless(/^ResourceInUse/, send(new CreateTableCommand({ TableName, BillingMode: "PAY_PER_REQUEST", AttributeDefinitions, KeySchema })));
    await waitUntilTableExists({ client, abortSignal, ...CREATED }, { TableName });
    // Lets DynamoDB drop deleted and expired rows. Where that cannot be, they stay and cost their bytes, and nothing else: another process
    // did it, or these credentials may not, or this server cannot.
    const TimeToLiveSpecification = { AttributeName: "goneAt", Enabled: true };
    await unless(/^(Validation|AccessDenied|UnknownOperation|ResourceInUse)/, send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification })));
  } else if (found !== "unknown") checkKey(table, found);
  const any = { Get: { TableName, Key: metaKey(prefix, "head") } };
  table.transacts = (await unless(/^UnknownOperation/, send(new TransactGetItemsCommand({ TransactItems: [any] })))) !== undefined;
}

/** undefined where there is none; "unknown" where these credentials may not ask, which is no reason not to work. */
export async function describeTable({ send, TableName }: Table): Promise<TableDescription | "unknown" | undefined> {
  try {
    return (await send(new DescribeTableCommand({ TableName }))).Table;
  } catch (error) {
    if (nameOf(error) === "ResourceNotFoundException") return undefined;
    if (nameOf(error) === "AccessDeniedException") return "unknown";
    throw error;
  }
}

/** Throws STORE_INVALID. */
export function checkKey({ name }: Table, found: TableDescription): void {
  const types = new Map(found.AttributeDefinitions?.map(({ AttributeName, AttributeType }) => [AttributeName, AttributeType]));
  const key = found.KeySchema?.map(({ AttributeName, KeyType }) => `${AttributeName} ${types.get(AttributeName)} ${KeyType}`).join(", ");
  if (key === "pk S HASH, sk S RANGE") return;
  throw new MeshError(
    "STORE_INVALID",
    `${name}: the table's key is ${key}; the store needs pk (string, partition) and sk (string, sort): give it a table of its own`,
  );
}

/** undefined where it fails with one of these. */
export async function unless<Answer>(names: RegExp, call: Promise<Answer>): Promise<Answer | undefined> {
  return await call.catch((error: unknown) => {
    if (!names.test(nameOf(error))) throw error;
    return undefined;
  });
}
