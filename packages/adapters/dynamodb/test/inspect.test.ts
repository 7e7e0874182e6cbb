// What `inspectDynamodb` says of a table, and that it leaves it as it was.

import { CreateTableCommand, DeleteItemCommand, ListTablesCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { describe, expect, it } from "vitest";
import { inspectDynamodb, type DynamodbInspection } from "../src/index.js";
import { Place, row, SECRET } from "./support/place.js";

const place = Place.use();
const ITEM_ACTIONS = ["GetItem", "BatchGetItem", "Query", "PutItem", "DeleteItem"];

async function look(table = place.table): Promise<DynamodbInspection> {
  const { region, credentials } = place.server;
  const connection = { credentials: { ...credentials, secretAccessKey: SECRET }, maxAttempts: 1 };
  return await inspectDynamodb({ table, region, endpoint: place.way.endpoint, connection, prefix: place.prefix });
}

it("a table that is not there is not made", async () => {
  const table = `${place.table}-missing`;
  expect(await look(table)).toEqual({
    name: `dynamodb table ${table} (${place.prefix})`,
    status: undefined,
    version: undefined,
    versionExpected: 1,
    problem: undefined,
    expires: undefined,
    missing: [],
  });
  expect((await place.client.send(new ListTablesCommand({}))).TableNames).not.toContain(table);
});

it("a table that a mesh has used is told apart from one that none has used under this prefix, and stays as it is", async () => {
  await place.open({ prefix: `${place.prefix}.other` }).getMany([]);
  expect(await look()).toMatchObject({ status: "ACTIVE", version: undefined, problem: undefined, missing: [] });
  expect(await place.items()).toEqual([]);
  const store = place.open();
  await store.apply([row("a")], [[1, 1]]);
  await expect.poll(() => place.journalItems()).toBe(0);
  const before = await place.items();
  // dynalite has no time to live to enable.
  expect(await look()).toMatchObject({ status: "ACTIVE", version: 1, problem: undefined, expires: false, missing: [] });
  expect(await place.items()).toEqual(before);
  place.way.fault = ({ operation }) =>
    operation === "DescribeTimeToLive" ? { answer: { TimeToLiveDescription: { TimeToLiveStatus: "ENABLED", AttributeName: "goneAt" } } } : undefined;
  expect((await look()).expires).toBe(true);
});

describe("a table that cannot be used as it is", () => {
  it("because another version has used it", async () => {
    await place.open().getMany([]);
    await place.client.send(new PutItemCommand({ TableName: place.table, Item: { ...place.headKey, format: { N: "99" } } }));
    const { version, problem } = await look();
    expect([version, problem?.code, problem?.message]).toEqual([undefined, "STORE_INVALID", expect.stringContaining("format 99")]);
    await place.client.send(new DeleteItemCommand({ TableName: place.table, Key: place.headKey }));
    expect((await look()).problem).toBeUndefined();
  });

  it("because its key is another", async () => {
    const TableName = `${place.table}-other`;
    const AttributeDefinitions = [{ AttributeName: "id", AttributeType: "N" as const }];
    const KeySchema = [{ AttributeName: "id", KeyType: "HASH" as const }];
    await place.client.send(new CreateTableCommand({ TableName, BillingMode: "PAY_PER_REQUEST", AttributeDefinitions, KeySchema }));
    expect((await look(TableName)).problem).toMatchObject({ code: "STORE_INVALID", message: expect.stringContaining("key is id N HASH") as string });
  });
});

describe("the rights of credentials", () => {
  it.each([...ITEM_ACTIONS, "DescribeTable"])("that lack %s: that one is missing", async (action) => {
    await place.open().getMany([]);
    place.way.fault = ({ operation }) => (operation === action ? { error: "AccessDeniedException" } : undefined);
    expect((await look()).missing).toEqual([`dynamodb:${action}`]);
  });

  it("that are refused everything: all that a node does is missing", async () => {
    place.way.fault = () => ({ error: "AccessDeniedException" });
    const { missing, status, version, expires } = await look();
    expect(missing).toEqual(["DescribeTable", ...ITEM_ACTIONS].map((action) => `dynamodb:${action}`));
    expect([status, version, expires]).toEqual([undefined, undefined, undefined]);
  });

  it("that AWS does not know, or a server that does not answer, end the look", async () => {
    place.way.fault = () => ({ error: "UnrecognizedClientException" });
    await expect(look()).rejects.toMatchObject({ code: "STORE_LOCKED" });
    place.way.fault = () => "drop";
    await expect(look()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  });
});
