// A look at a table from outside the store: what is there, and what these credentials may.

import { BatchGetItemCommand, DeleteItemCommand, DescribeTimeToLiveCommand, GetItemCommand, PutItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import { versionOrProblem, type Inspection } from "@causalmesh/adapter-kit";
import { nameOf } from "./errors.js";
import { readHead } from "./journal.js";
import type { DynamodbStoreOptions } from "./options.js";
import { FORMAT, sheetKey } from "./schema.js";
import { checkKey, describeTable, openTable, type Table } from "./table.js";

/** What stands in a table, and what the credentials that asked may do there. */
export interface DynamodbInspection extends Inspection {
  /** The table's, such as ACTIVE; undefined where there is no table, or where the credentials may not ask. */
  readonly status: string | undefined;
  /** Whether the table drops deleted and expired rows in time; undefined where there is no table, or where that cannot be asked. */
  readonly expires: boolean | undefined;
  /** Actions that a node needs and that these credentials are refused; those that make a table cannot be found out. */
  readonly missing: readonly string[];
}

/** Looks at the table of a store. Throws OPTION_INVALID; rejects with STORE_UNAVAILABLE or STORE_LOCKED where it cannot look. */
export async function inspectDynamodb(options: DynamodbStoreOptions): Promise<DynamodbInspection> {
  const table = openTable(options);
  try {
    return await table.run(async () => await inspect(table));
  } finally {
    table.close();
  }
}

async function inspect(table: Table): Promise<DynamodbInspection> {
  const { name, TableName, send } = table;
  const found = await describeTable(table);
  const mayAsk = found === undefined || found.TableStatus !== undefined;
  const missing = [...(mayAsk ? [] : ["dynamodb:DescribeTable"]), ...(await missingRights(table))];
  const timeToLive = await send(new DescribeTimeToLiveCommand({ TableName })).catch(() => undefined);
  const expires = timeToLive && timeToLive.TimeToLiveDescription?.TimeToLiveStatus === "ENABLED";
  const told = await versionOrProblem(async () => {
    if (found !== undefined) checkKey(name, found);
    const isUsed = found !== undefined && !missing.includes("dynamodb:GetItem") && (await readHead(table)) !== undefined;
    return isUsed ? FORMAT : undefined;
  });
  return { name, status: found?.TableStatus, versionExpected: FORMAT, expires, missing, ...told };
}

/** Asks for each action, those that write under a condition that never holds: AWS looks at the rights before the table. */
async function missingRights({ send, TableName, prefix }: Table): Promise<string[]> {
  const Key = sheetKey(prefix, "meta/nothing is ever here");
  const never = { TableName, ConditionExpression: "attribute_exists(pk)" };
  const attempts: Record<string, () => Promise<unknown>> = {
    GetItem: () => send(new GetItemCommand({ TableName, Key })),
    BatchGetItem: () => send(new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys: [Key] } } })),
    Query: () => send(new QueryCommand({ TableName, KeyConditionExpression: "pk = :pk", ExpressionAttributeValues: { ":pk": Key.pk }, Limit: 1 })),
    PutItem: () => send(new PutItemCommand({ ...never, Item: Key })),
    DeleteItem: () => send(new DeleteItemCommand({ ...never, Key })),
  };
  const held = await Promise.all(Object.values(attempts).map(isAllowed));
  return Object.keys(attempts).flatMap((action, index) => (held[index] ? [] : [`dynamodb:${action}`]));
}

async function isAllowed(attempt: () => Promise<unknown>): Promise<boolean> {
  try {
    await attempt();
    return true;
  } catch (error) {
    if (nameOf(error) === "AccessDeniedException") return false;
    // There is no table, or not of this key; the condition did not hold.
    if (/^(ResourceNotFound|Validation|ConditionalCheckFailed)/.test(nameOf(error))) return true;
    throw error;
  }
}
