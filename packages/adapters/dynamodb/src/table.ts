// The table as this store reaches it: found, or made at the first use.

import { CreateTableCommand, DescribeTableCommand, UpdateTimeToLiveCommand, type DynamoDBClient, type TableDescription } from "@aws-sdk/client-dynamodb";
import { Calls } from "@causalmesh/adapter-kit";
import { MeshError } from "@causalmesh/core";
import type { Head } from "./head.js";
import { isContended, nameOf } from "./errors.js";
import { resolveOptions, type DynamodbStoreOptions } from "./options.js";
import { ATTEMPTS_MAX, pause } from "./pause.js";

export interface Table {
  readonly send: DynamoDBClient["send"];
  /** The store's, for messages. */
  readonly name: string;
  readonly TableName: string;
  readonly prefix: string;
  /** What is known of the server and of what stands there. */
  readonly server: {
    /** Whether it is not known to lack transactions. */
    transacts: boolean;
    /** The head as this store wrote it last. */
    head: Head | undefined;
  };
}

export interface OpenTable {
  readonly table: Table;
  readonly calls: Calls;
  /** Ends what is under way, and lets go of the client unless it is the user's. */
  readonly close: () => void;
}

/** Throws OPTION_INVALID. */
export function openTable(options: DynamodbStoreOptions): OpenTable {
  const { client, name, table, prefix, timeoutMs } = resolveOptions(options);
  const calls = new Calls({ name, timeoutMs, advice: "check the network and the table's capacity" });
  const close = (): void => {
    calls.close();
    if (options.client === undefined) client.destroy();
  };
  const send = async (command: never): Promise<never> =>
    await calls.run(async (abortSignal) => {
      for (let attempt = 1; ; attempt++) {
        try {
          return await client.send(command, { abortSignal });
        } catch (error) {
          if (!isContended(error) || attempt === ATTEMPTS_MAX) throw error;
          await pause(attempt);
        }
      }
    });
  return { table: { send: send as DynamoDBClient["send"], name, TableName: table, prefix, server: { transacts: true, head: undefined } }, calls, close };
}

/** Making a table takes DynamoDB about ten seconds. */
const CREATED_MS_MAX = 60_000;
const POLL_MS = 500;
const KEY = "pk S HASH, sk S RANGE";

export async function prepareTable(table: Table, createTable: boolean): Promise<void> {
  const found = await describeTable(table);
  if (found === undefined) {
    if (!createTable) throw new MeshError("STORE_INVALID", `${table.name}: the table is not there; make it as the README says, or allow createTable`);
    await makeTable(table);
  } else if (found !== "unknown") checkKey(table, found);
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
export function checkKey({ name }: Table, { AttributeDefinitions, KeySchema }: TableDescription): void {
  const types = new Map(AttributeDefinitions?.map(({ AttributeName, AttributeType }) => [AttributeName, AttributeType]));
  const key = KeySchema?.map(({ AttributeName, KeyType }) => `${AttributeName} ${types.get(AttributeName)} ${KeyType}`).join(", ");
  if (key === KEY) return;
  throw new MeshError(
    "STORE_INVALID",
    `${name}: the table's key is ${key}; the store needs pk (string, partition) and sk (string, sort): give it a table of its own`,
  );
}

async function makeTable(table: Table): Promise<void> {
  const { send, TableName } = table;
  const attributes = [
    { AttributeName: "pk", AttributeType: "S", KeyType: "HASH" },
    { AttributeName: "sk", AttributeType: "S", KeyType: "RANGE" },
  ] as const;
  const AttributeDefinitions = attributes.map(({ AttributeName, AttributeType }) => ({ AttributeName, AttributeType }));
  const KeySchema = attributes.map(({ AttributeName, KeyType }) => ({ AttributeName, KeyType }));
  // Another process may be making it.
  await unless(/^ResourceInUse/, send(new CreateTableCommand({ TableName, BillingMode: "PAY_PER_REQUEST", AttributeDefinitions, KeySchema })));
  const deadline = Date.now() + CREATED_MS_MAX;
  for (let found = await describeTable(table); typeof found !== "string" && found?.TableStatus !== "ACTIVE"; found = await describeTable(table)) {
    if (Date.now() > deadline) throw new MeshError("STORE_UNAVAILABLE", `${table.name} was not made within ${CREATED_MS_MAX} ms; look at it in the console`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  // Lets DynamoDB drop deleted and expired rows. Where that cannot be, they stay and cost their bytes, and nothing else: another process
  // did it, or these credentials may not, or this server cannot.
  const TimeToLiveSpecification = { AttributeName: "goneAt", Enabled: true };
  await unless(/^(Validation|AccessDenied|UnknownOperation|ResourceInUse)/, send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification })));
}

async function unless(names: RegExp, call: Promise<unknown>): Promise<void> {
  await call.catch((error: unknown) => {
    if (!names.test(nameOf(error))) throw error;
  });
}
