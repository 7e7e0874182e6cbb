// The table: found, or made at the first use; and what stands under the prefix is of this version.

import {
  CreateTableCommand,
  DescribeTableCommand,
  GetItemCommand,
  PutItemCommand,
  UpdateTimeToLiveCommand,
  type DescribeTableCommandOutput,
} from "@aws-sdk/client-dynamodb";
import { MeshError } from "@causalmesh/core";
import type { Caller } from "./caller.js";
import { isConditionFailed, nameOf } from "./errors.js";
import { metaKey, number, SCHEMA_VERSION } from "./schema.js";

export interface TableOptions {
  readonly table: string;
  readonly prefix: string;
  readonly createTable: boolean;
  readonly shards: number;
  /** The store's, for messages. */
  readonly name: string;
}

/** Making a table takes DynamoDB about ten seconds. */
const CREATED_MS_MAX = 60_000;
const POLL_MS = 500;

/** Makes the table where it is missing and that is allowed. Answers over how many shards the rows of this prefix are dealt out. */
export async function prepareTable(caller: Caller, options: TableOptions): Promise<number> {
  const found = await describe(caller, options.table);
  if (found === "missing" && options.createTable) await makeTable(caller, options.table);
  else if (found === "missing")
    throw new MeshError("STORE_INVALID", `${options.name}: the table is not there; make it as the README says, or allow createTable`);
  else if (found !== "unknown") checkKey(found, options.name);
  return await readShards(caller, options);
}

/** "unknown" where these credentials may not ask, which is no reason not to work. */
async function describe(caller: Caller, table: string): Promise<DescribeTableCommandOutput["Table"] | "missing" | "unknown"> {
  try {
    return (await caller.send(new DescribeTableCommand({ TableName: table }))).Table;
  } catch (error) {
    if (nameOf(error) === "ResourceNotFoundException") return "missing";
    if (nameOf(error) === "AccessDeniedException") return "unknown";
    throw error;
  }
}

function checkKey(table: DescribeTableCommandOutput["Table"], name: string): void {
  const types = new Map(table?.AttributeDefinitions?.map(({ AttributeName, AttributeType }) => [AttributeName, AttributeType]));
  const key = table?.KeySchema?.map(({ AttributeName, KeyType }) => `${AttributeName} ${types.get(AttributeName)} ${KeyType}`).join(", ");
  if (key === "pk S HASH, sk S RANGE") return;
  throw new MeshError(
    "STORE_INVALID",
    `${name}: the table's key is ${key}; the store needs pk (string, partition) and sk (string, sort): give it a table of its own`,
  );
}

async function makeTable(caller: Caller, table: string): Promise<void> {
  try {
    await caller.send(
      new CreateTableCommand({
        TableName: table,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [
          { AttributeName: "pk", AttributeType: "S" },
          { AttributeName: "sk", AttributeType: "S" },
        ],
        KeySchema: [
          { AttributeName: "pk", KeyType: "HASH" },
          { AttributeName: "sk", KeyType: "RANGE" },
        ],
      }),
    );
  } catch (error) {
    // Another process makes it.
    if (nameOf(error) !== "ResourceInUseException") throw error;
  }
  await untilActive(caller, table);
  await expireRows(caller, table);
}

async function untilActive(caller: Caller, table: string): Promise<void> {
  const deadline = Date.now() + CREATED_MS_MAX;
  for (;;) {
    const found = await describe(caller, table);
    if (found === "unknown" || (typeof found === "object" && found.TableStatus === "ACTIVE")) return;
    if (Date.now() > deadline) throw new MeshError("STORE_UNAVAILABLE", `table ${table} was not made within ${CREATED_MS_MAX} ms; look at it in the console`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Lets DynamoDB drop deleted and expired rows. Where that cannot be, they stay and cost their bytes, and nothing else. */
async function expireRows(caller: Caller, table: string): Promise<void> {
  const command = new UpdateTimeToLiveCommand({ TableName: table, TimeToLiveSpecification: { AttributeName: "goneAt", Enabled: true } });
  try {
    await caller.send(command);
  } catch (error) {
    // Another process did it, or these credentials may not, or this server cannot.
    if (!["ValidationException", "AccessDeniedException", "UnknownOperationException", "ResourceInUseException"].includes(nameOf(error) ?? "")) throw error;
  }
}

/** The first store of a prefix decides about the shards, and all later ones keep to it: a row is looked for where it was put. */
async function readShards(caller: Caller, { table, prefix, shards, name }: TableOptions): Promise<number> {
  const key = metaKey(prefix, "schema");
  const read = async (): Promise<Record<string, { N?: string }> | undefined> =>
    (await caller.send(new GetItemCommand({ TableName: table, Key: key, ConsistentRead: true }))).Item as Record<string, { N?: string }> | undefined;
  const item = (await read()) ?? (await put()) ?? (await read());
  const version = item?.version?.N;
  if (version !== SCHEMA_VERSION)
    throw new MeshError(
      "STORE_INVALID",
      `${name} has format ${version}, this version reads format ${SCHEMA_VERSION}; use the version of CausalMesh that wrote it`,
    );
  return Number(item?.shards?.N);

  async function put(): Promise<Record<string, { N?: string }> | undefined> {
    const made = { version: { N: SCHEMA_VERSION }, shards: { N: number(shards).N! } };
    try {
      await caller.send(new PutItemCommand({ TableName: table, Item: { ...key, ...made }, ConditionExpression: "attribute_not_exists(pk)" }));
      return made;
    } catch (error) {
      if (isConditionFailed(error)) return undefined;
      throw error;
    }
  }
}
