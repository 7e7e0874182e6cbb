// What can be wrong with options, a table, the rights or the way there: each has its code and a message that says what to do.

import { inspect } from "node:util";
import {
  CreateTableCommand,
  DeleteItemCommand,
  DescribeTableCommand,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  ScanCommand,
  DynamoDBClient,
  type ScanCommandOutput,
} from "@aws-sdk/client-dynamodb";
import { createMesh, limits, type MeshError, type Row } from "@causalmesh/core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { dynamodbStore, type DynamodbStoreOptions } from "../src/index.js";
import { clientOf, CREDENTIALS, REGION, startDynamodb, type DynamodbServer } from "./support/dynamodb.js";
import { faultyWay, type FaultyWay } from "./support/faulty.js";

const TABLE = `causalmesh-trouble-${process.pid}`;
const SECRET = "correct-horse-battery";
let server: DynamodbServer;
let way: FaultyWay;
let client: DynamoDBClient;
let prefix: string;
let prefixes = 0;
const opened: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  server = await startDynamodb();
  client = clientOf(server);
});
beforeEach(async () => {
  way = await faultyWay(server.endpoint);
  prefix = `p${prefixes++}`;
});
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  await way.stop();
});
afterAll(async () => {
  client.destroy();
  await server.stop();
});

const row = (key: string, fields: Partial<Row> = {}): Row => ({
  key,
  value: Buffer.from("value"),
  timestamp: 1,
  replica: 1,
  counter: 1,
  expiresAt: 0,
  ...fields,
});

function open(options: Partial<DynamodbStoreOptions> = {}): ReturnType<typeof dynamodbStore> {
  const credentials = { ...CREDENTIALS, secretAccessKey: SECRET };
  const store = dynamodbStore({ table: TABLE, region: REGION, endpoint: way.endpoint, connection: { credentials }, prefix, shards: 4, ...options });
  opened.push(store);
  return store;
}

async function refusal(call: Promise<unknown>): Promise<MeshError> {
  return await call.then(
    () => {
      throw new Error("nothing was refused");
    },
    (error: unknown) => error as MeshError,
  );
}

/** The rows that were sent, in the order in which they came; without what was only written down before. */
const puts = (): string[] =>
  way.seen
    .filter(({ operation, body }) => operation === "PutItem" && !(body.Item as Key).pk.S.includes("#journal#"))
    .map(({ body }) => (body.Item as Key).sk.S);

interface Key {
  readonly pk: { readonly S: string };
  readonly sk: { readonly S: string };
}

/** How many items of applies that were written down are in the table. */
async function journalItems(): Promise<number> {
  let found = 0;
  let ExclusiveStartKey: ScanCommandOutput["LastEvaluatedKey"];
  do {
    const page = await client.send(new ScanCommand({ TableName: TABLE, ConsistentRead: true, ExclusiveStartKey }));
    found += page.Items!.filter(({ pk }) => pk.S!.startsWith(`${prefix}#journal#`)).length;
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
  return found;
}

const itemOf = async (pk: string, sk: string) => (await client.send(new GetItemCommand({ TableName: TABLE, Key: { pk: { S: pk }, sk: { S: sk } } }))).Item;

describe("options", () => {
  it.each([
    undefined,
    {},
    { table: "" },
    { table: "a b" },
    { table: "abc", prefix: "a#b" },
    { table: "abc", shards: 0 },
    { table: "abc", shards: 1.5 },
    { table: "abc", timeoutMs: 0 },
    { table: "abc", endpoint: "localhost:8000" },
    { table: "abc", endpoint: `http://me:${SECRET}@localhost:8000` },
    { table: "abc", client: {} },
    { table: "abc", client: { send: () => undefined }, region: "eu-central-1" },
  ])("that make no sense are refused: %#", (options) => {
    try {
      dynamodbStore(options as never);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: "OPTION_INVALID" });
      expect(inspect(error, { depth: 9 })).not.toContain(SECRET);
    }
  });

  it("without a region are refused at the first call", async () => {
    const before = { ...process.env };
    for (const name of ["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"]) delete process.env[name];
    process.env.AWS_CONFIG_FILE = process.env.AWS_SHARED_CREDENTIALS_FILE = "no-such-file";
    try {
      expect(await refusal(open({ region: undefined }).getMany(["a"]))).toMatchObject({
        code: "OPTION_INVALID",
        message: expect.stringContaining("AWS_REGION"),
      });
    } finally {
      process.env = before;
    }
  });
});

describe("a table", () => {
  it("is made once by several stores at once, and is on-demand", async () => {
    const table = `${TABLE}-made`;
    await Promise.all([1, 2, 3].map(async (replica) => await open({ table }).apply([row("a", { replica })], [[replica, 1]])));
    expect((await open({ table }).readRegistry()).flushed).toEqual([1, 2, 3].map((replica) => [replica, 1]));
    const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
    expect(Table?.BillingModeSummary?.BillingMode).toBe("PAY_PER_REQUEST");
    const lifetime = way.seen.find(({ operation }) => operation === "UpdateTimeToLive");
    expect(lifetime?.body).toMatchObject({ TimeToLiveSpecification: { AttributeName: "goneAt", Enabled: true } });
  });

  it("is not made where that is not allowed", async () => {
    const table = `${TABLE}-missing`;
    expect(await refusal(open({ table, createTable: false }).getMany(["a"]))).toMatchObject({
      code: "STORE_INVALID",
      message: expect.stringContaining("not there"),
    });
    expect((await client.send(new ListTablesCommand({}))).TableNames).not.toContain(table);
  });

  it("of another key is refused", async () => {
    const table = `${TABLE}-other`;
    await client.send(
      new CreateTableCommand({
        TableName: table,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [{ AttributeName: "id", AttributeType: "N" }],
        KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      }),
    );
    expect(await refusal(open({ table }).getMany(["a"]))).toMatchObject({ code: "STORE_INVALID", message: expect.stringContaining("key is id N HASH") });
  });

  it("of another version is refused, and says which", async () => {
    await open().getMany(["a"]);
    const schema = { pk: { S: `${prefix}#meta` }, sk: { S: "schema" }, version: { N: "7" }, shards: { N: "4" } };
    await client.send(new PutItemCommand({ TableName: TABLE, Item: schema }));
    expect(await refusal(open().getMany(["a"]))).toMatchObject({ code: "STORE_INVALID", message: expect.stringContaining("format 7") });
  });

  it("keeps the shards of its first store", async () => {
    const keys = Array.from({ length: 40 }, (_, index) => `key ${index + 10}`);
    await open({ shards: 3 }).apply(
      keys.map((key) => row(key)),
      [],
    );
    const other = open({ shards: 9 });
    expect((await other.getMany(keys)).map((found) => found?.key)).toEqual(keys);
    expect((await other.scan("key", undefined, 100)).rows.map(({ key }) => key)).toEqual(keys);
  });

  it("of two prefixes leaves them alone", async () => {
    const [one, other] = [open(), open({ prefix: `${prefix}.other` })];
    await one.apply([row("a")], [[1, 5]]);
    await one.swapRegistry(0, { epoch: 1, bytes: Buffer.from("one") });
    expect(await other.getMany(["a"])).toEqual([undefined]);
    expect(await other.readRegistry()).toEqual({ registry: undefined, flushed: [] });
    expect((await other.scan("", undefined, 10)).rows).toEqual([]);
    expect(await other.swapRegistry(0, { epoch: 1, bytes: Buffer.from("other") })).toBe(true);
  });

  it("with a damaged row fails what reads it", async () => {
    const store = open({ shards: 1 });
    await store.apply([row("a"), row("z")], []);
    await client.send(new PutItemCommand({ TableName: TABLE, Item: { pk: { S: `${prefix}#0` }, sk: { S: "a" }, timestamp: { N: "1" } } }));
    expect(await refusal(store.getMany(["a"]))).toMatchObject({ code: "STORE_INVALID", message: expect.stringContaining('"a" is damaged') });
    expect(await refusal(store.scan("", undefined, 10))).toMatchObject({ code: "STORE_INVALID" });
    expect((await store.getMany(["z"]))[0]?.key).toBe("z");
  });
});

describe("rows", () => {
  it("can be read in the console: text as text, bytes as bytes, each exactly", async () => {
    const store = open({ shards: 1 });
    const values = [
      Buffer.from('{"items":3}'),
      Buffer.from("\ufeffmark\u0000é😀"),
      Buffer.from([0xff, 0xfe, 0]),
      Buffer.alloc(0),
      Buffer.from([0xed, 0xa0, 0x80]),
    ];
    await store.apply(
      values.map((value, index) => row(`k${index}`, { value, counter: index + 1 })),
      [],
    );
    const items = await Promise.all(values.map(async (_, index) => (await itemOf(`${prefix}#0`, `k${index}`))?.value));
    expect(items.map((item) => Object.keys(item!)[0])).toEqual(["S", "S", "B", "S", "B"]);
    expect(items[0]).toEqual({ S: '{"items":3}' });
    const found = await store.getMany(values.map((_, index) => `k${index}`));
    expect(found.map((each) => Buffer.from(each!.value!).toString("hex"))).toEqual(values.map((value) => value.toString("hex")));
  });

  it("of the longest value and key fit into an item, as text and as bytes", async () => {
    const store = open({ prefix: "p".repeat(100) });
    const max = store.abilities.valueBytesMax;
    const greatest = { timestamp: Number.MAX_SAFE_INTEGER, replica: 2 ** 32 - 1, counter: Number.MAX_SAFE_INTEGER, expiresAt: 8_640_000_000_000_000 };
    for (const value of [Buffer.alloc(max, "é"), Buffer.alloc(max, 0xff)]) {
      const key = `${value[0]}`.padEnd(1024, "k");
      await store.apply([row(key, { value, ...greatest })], []);
      expect(Buffer.from((await store.getMany([key]))[0]!.value!).equals(value)).toBe(true);
    }
    const error = await refusal(store.apply([row("larger", { value: Buffer.alloc(400 * 1024) })], []));
    expect(error.code).toBe("STORE_INVALID");
  });

  it("that are deleted or expire are marked for DynamoDB to drop, late enough to win until then", async () => {
    const store = open({ shards: 1 });
    const future = Date.now() + 1_000_000;
    await store.apply([row("deleted", { value: null }), row("expired", { expiresAt: 1_000 }), row("expires", { expiresAt: future }), row("stays")], []);
    const items = await Promise.all(["deleted", "expired", "expires", "stays"].map((key) => itemOf(`${prefix}#0`, key)));
    const leftMs = items.map((item) => (item?.goneAt === undefined ? undefined : Number(item.goneAt.N) * 1000 - Date.now() - limits.TOMBSTONE_TTL_MS));
    expect(Math.abs(leftMs[0]!)).toBeLessThan(30_000);
    expect(Math.abs(leftMs[1]!)).toBeLessThan(30_000);
    expect(Math.abs(leftMs[2]! - 1_000_000)).toBeLessThan(30_000);
    expect(leftMs[3]).toBeUndefined();
    await store.apply([row("deleted", { timestamp: 2 })], []);
    expect((await itemOf(`${prefix}#0`, "deleted"))?.goneAt).toBeUndefined();
  });
});

describe("an apply", () => {
  it("sends writes one after another, rows of one write at once, and the counters last", async () => {
    const store = open();
    await store.getMany([]);
    way.widest = 0;
    const rows = Array.from({ length: 30 }, (_, index) => row(`k${index}`, { counter: index + 1 }));
    await store.apply(rows, [[1, 30]]);
    expect(puts().slice(-30)).toEqual(rows.map(({ key }) => key));
    expect(way.widest).toBe(1);
    expect(
      way.seen
        .map(({ operation }) => operation)
        .filter((operation) => operation !== "DeleteItem")
        .slice(-2),
    ).toEqual(["PutItem", "UpdateItem"]);
    await expect.poll(journalItems).toBe(0);
    way.widest = 0;

    const together = Array.from({ length: 30 }, (_, index) => row(`t${index}`, { counter: 31 }));
    await store.apply([...together, row("after", { counter: 32 })], [[1, 32]]);
    expect(way.widest).toBeGreaterThan(4);
    expect(way.widest).toBeLessThanOrEqual(16);
    expect(puts().at(-1)).toBe("after");
  });

  it("that fails in the middle leaves what stands before, no counters, and goes on there when it is repeated", async () => {
    const store = open({ connection: { credentials: CREDENTIALS, maxAttempts: 1 } });
    const rows = Array.from({ length: 10 }, (_, index) => row(`k${index}`, { counter: index + 1 }));
    await store.getMany([]);
    way.fault = ({ operation, body }) => (operation === "PutItem" && (body.Item as Key).sk.S === "k6" ? "drop" : undefined);
    expect(await refusal(store.apply(rows, [[1, 10]]))).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
    const there = (await store.getMany(rows.map(({ key }) => key))).map((found) => found !== undefined);
    expect(there).toEqual(rows.map((_, index) => index < 6));
    expect((await store.readRegistry()).flushed).toEqual([]);

    way.fault = () => undefined;
    way.seen.length = 0;
    await store.apply(rows, [[1, 10]]);
    expect(puts()).toEqual(["k6", "k7", "k8", "k9"]);
    expect((await store.readRegistry()).flushed).toEqual([[1, 10]]);
  });

  it("that is cut off is completed by the next store, and by no other what was not yet written down whole", async () => {
    const rows = Array.from({ length: 5 }, (_, index) => row(`k${index}`, { counter: index + 1, value: Buffer.alloc(300_000, index) }));
    const first = open({ connection: { credentials: CREDENTIALS, maxAttempts: 1 } });
    await first.getMany([]);
    way.fault = ({ operation, body }) => (operation === "PutItem" && (body.Item as Key).sk.S === "k2" ? "drop" : undefined);
    expect(await refusal(first.apply(rows, [[1, 5]]))).toMatchObject({ code: "STORE_UNAVAILABLE" });
    way.fault = ({ operation, body }) => (operation === "PutItem" && "parts" in (body.Item as object) ? "drop" : undefined);
    const others = rows.map((each) => ({ ...each, key: `other ${each.key}`, replica: 2 }));
    expect(await refusal(first.apply(others, [[2, 5]]))).toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect((await first.getMany(rows.map(({ key }) => key))).map((found) => found !== undefined)).toEqual([true, true, false, false, false]);
    expect((await first.readRegistry()).flushed).toEqual([]);
    await first.close();
    // A part of this one is gone.
    const torn = { pk: { S: `${prefix}#journal#0` }, sk: { S: "torn#0" }, parts: { N: "2" }, flushed: { L: [] }, rows: { L: [] } };
    await client.send(new PutItemCommand({ TableName: TABLE, Item: torn }));
    expect(await journalItems()).toBe(5 + 4 + 1);

    way.fault = () => undefined;
    const next = open();
    expect((await next.readRegistry()).flushed).toEqual([[1, 5]]);
    expect((await next.scan("", undefined, 10)).rows.map((found) => [found.key, found.value!.length, found.value![0]])).toEqual(
      rows.map(({ key }, index) => [key, 300_000, index]),
    );
    await expect.poll(journalItems).toBe(4 + 1);
  });

  it("that is cut off and was flushed by another node since does not bring back what has been deleted and dropped", async () => {
    const first = open({ connection: { credentials: CREDENTIALS, maxAttempts: 1 } });
    await first.getMany([]);
    way.fault = ({ operation }) => (operation === "UpdateItem" ? "drop" : undefined);
    expect(await refusal(first.apply([row("a"), row("b", { counter: 2 })], [[1, 2]]))).toMatchObject({ code: "STORE_UNAVAILABLE" });
    way.fault = () => undefined;
    await first.close();
    // As another node's store would do that is open all the time; then both rows are gone, as after a deletion's time.
    await client.send(new PutItemCommand({ TableName: TABLE, Item: { pk: { S: `${prefix}#meta` }, sk: { S: "flushed#1" }, counter: { N: "1" } } }));
    for (const key of ["a", "b"]) {
      for (let shard = 0; shard < 4; shard++)
        await client.send(new DeleteItemCommand({ TableName: TABLE, Key: { pk: { S: `${prefix}#${shard}` }, sk: { S: key } } }));
    }
    expect((await open().getMany(["a", "b"])).map((found) => found?.key)).toEqual([undefined, "b"]);
    await expect.poll(journalItems).toBe(0);
  });

  it("that is cut off is not completed when the mesh has gone on without its node", async () => {
    const [first, second] = [open({ connection: { credentials: CREDENTIALS, maxAttempts: 1 } }), open()];
    await second.swapRegistry(0, { epoch: 1, bytes: Buffer.from("first") });
    await first.getMany([]);
    way.fault = ({ operation, body }) => (operation === "PutItem" && (body.Item as Key).sk.S === "k1" ? "drop" : undefined);
    const rows = Array.from({ length: 3 }, (_, index) => row(`k${index}`, { counter: index + 1 }));
    expect(await refusal(first.apply(rows, [[1, 3]], 1))).toMatchObject({ code: "STORE_UNAVAILABLE" });
    way.fault = () => undefined;
    await first.close();
    await second.swapRegistry(1, { epoch: 2, bytes: Buffer.from("second") });
    const next = open();
    expect((await next.getMany(rows.map(({ key }) => key))).map((found) => found !== undefined)).toEqual([true, false, false]);
    expect((await next.readRegistry()).flushed).toEqual([]);
    expect(await journalItems()).toBe(0);
  });

  it("that failed is struck out when a later one has reached as far, and not before", async () => {
    const store = open({ connection: { credentials: CREDENTIALS, maxAttempts: 1 } });
    await store.getMany([]);
    way.fault = ({ operation }) => (operation === "UpdateItem" ? "drop" : undefined);
    expect(await refusal(store.apply([row("a", { counter: 7 })], [[1, 7]]))).toMatchObject({ code: "STORE_UNAVAILABLE" });
    way.fault = () => undefined;
    await store.apply([row("b", { counter: 6 })], [[1, 6]]);
    await expect.poll(journalItems).toBe(1);
    await store.apply([], [[1, 7]]);
    await expect.poll(journalItems).toBe(0);
  });

  it("that comes while another runs waits for it, and does not send again what that sent", async () => {
    const store = open();
    const rows = Array.from({ length: 10 }, (_, index) => row(`k${index}`, { counter: index + 1 }));
    await Promise.all([store.apply(rows, [[1, 10]]), store.apply(rows, [[1, 10]])]);
    expect(puts().filter((key) => key.startsWith("k"))).toEqual(rows.map(({ key }) => key));
  });

  it("that is throttled is repeated, and given up when that goes on", async () => {
    const store = open({ connection: { credentials: CREDENTIALS, maxAttempts: 3 } });
    await store.getMany([]);
    let left = 2;
    way.fault = ({ operation }) => (operation === "PutItem" && left-- > 0 ? { error: "ProvisionedThroughputExceededException" } : undefined);
    await store.apply([row("a")], [[1, 1]]);
    expect(left).toBeLessThan(0);
    way.fault = ({ operation }) => (operation === "PutItem" ? { error: "ThrottlingException" } : undefined);
    const error = await refusal(store.apply([row("b")], [[1, 2]]));
    expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true, message: expect.stringContaining("more capacity") });
    expect((await store.readRegistry()).flushed).toEqual([[1, 1]]);
  });
});

describe("a read of many keys", () => {
  const keys = Array.from({ length: 250 }, (_, index) => `k${index}`);

  it("asks in hundreds, and again for what came back unread", async () => {
    const store = open();
    await store.apply(
      keys.map((key) => row(key)),
      [],
    );
    way.seen.length = 0;
    const unread = new Map<string, number>();
    way.fault = ({ operation, body }) => {
      const requested = (body.RequestItems as Record<string, { Keys: unknown[] }> | undefined)?.[TABLE];
      if (operation !== "BatchGetItem" || requested === undefined) return undefined;
      expect(requested.Keys.length).toBeLessThanOrEqual(100);
      const name = JSON.stringify(requested.Keys[0]);
      const times = unread.get(name) ?? 0;
      if (times === 3) return undefined;
      unread.set(name, times + 1);
      return { answer: { Responses: { [TABLE]: [] }, UnprocessedKeys: body.RequestItems } };
    };
    expect((await store.getMany(keys)).map((found) => found?.key)).toEqual(keys);
    expect([...unread.values()]).toEqual([3, 3, 3]);
    const requests = way.seen.filter(({ operation }) => operation === "BatchGetItem").map(({ body }) => body.RequestItems);
    expect(requests.every((request) => (request as Record<string, { ConsistentRead: boolean }>)[TABLE].ConsistentRead)).toBe(true);
  });

  it("takes what comes in parts", async () => {
    const store = open({ shards: 1 });
    await store.apply([row("a"), row("b")], []);
    way.fault = ({ operation, body }) => {
      const { Keys } = (body.RequestItems as Record<string, { Keys: { sk: { S: string } }[] }> | undefined)?.[TABLE] ?? { Keys: [] };
      if (operation !== "BatchGetItem" || Keys.length < 2) return undefined;
      const [first, ...others] = Keys;
      const part = { ...first, timestamp: { N: "1" }, replica: { N: "1" }, counter: { N: "1" }, expiresAt: { N: "0" }, value: { S: "value" } };
      return { answer: { Responses: { [TABLE]: [part] }, UnprocessedKeys: { [TABLE]: { Keys: others, ConsistentRead: true } } } };
    };
    expect((await store.getMany(["a", "b", "c"])).map((found) => found?.key)).toEqual(["a", "b", undefined]);
  });

  it("gives up when nothing is ever read", async () => {
    const store = open();
    await store.getMany([]);
    way.fault = ({ operation, body }) => (operation === "BatchGetItem" ? { answer: { Responses: {}, UnprocessedKeys: body.RequestItems } } : undefined);
    expect(await refusal(store.getMany(["a"]))).toMatchObject({ code: "STORE_UNAVAILABLE", message: expect.stringContaining("unread") });
  });
});

describe("the way there", () => {
  it("that nobody listens on is missed soon, and again soon", async () => {
    const store = open({ endpoint: "http://127.0.0.1:1" });
    const begin = performance.now();
    for (const call of [() => store.getMany(["a"]), () => store.apply([row("a")], [])])
      expect(await refusal(call())).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true, message: expect.stringContaining("ECONNREFUSED") });
    expect(performance.now() - begin).toBeLessThan(4_500);
  });

  it("on which no answer comes is given up after the timeout, and does not hold up close", async () => {
    const store = open({ timeoutMs: 1_000 });
    await store.getMany([]);
    way.fault = () => "hang";
    expect(await refusal(store.getMany(["a"]))).toMatchObject({ code: "STORE_UNAVAILABLE", message: expect.stringContaining("within 1000 ms") });
    way.fault = () => undefined;
    expect(await store.getMany(["a"])).toEqual([undefined]);

    const slow = open({ timeoutMs: 60_000 });
    await slow.getMany([]);
    way.fault = () => "hang";
    way.seen.length = 0;
    const pending = refusal(slow.getMany(["a"]));
    await expect.poll(() => way.seen.length).toBe(1);
    await slow.close();
    expect(await pending).toMatchObject({ code: "CLOSED" });
  });

  it("on which the answer to a swap is lost does not make it tell that it failed", async () => {
    const store = open();
    await store.readRegistry();
    let lost = 0;
    way.fault = ({ operation }) => (operation === "PutItem" && lost++ === 0 ? "lose" : undefined);
    expect(await store.swapRegistry(0, { epoch: 1, bytes: Buffer.from("{}") })).toBe(true);
    expect(lost).toBe(2);
    expect(await store.swapRegistry(0, { epoch: 1, bytes: Buffer.from("{}") })).toBe(false);
  });

  it("without rights is told apart, and no credential is shown", async () => {
    const store = open();
    await store.getMany([]);
    for (const error of ["AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException", "InvalidSignatureException"]) {
      way.fault = () => ({ error });
      const refused = await refusal(store.apply([row(error)], []));
      expect(refused).toMatchObject({ code: "STORE_LOCKED", message: expect.stringContaining(error) });
      expect(refused.cause).toBeInstanceOf(Error);
      expect(inspect(refused, { depth: 9, showHidden: true })).not.toContain(SECRET);
    }
  });

  it("with rights to the items alone is enough for a table that is there", async () => {
    await open().getMany([]);
    way.fault = ({ operation }) => (/Table|TimeToLive/.test(operation) ? { error: "AccessDeniedException" } : undefined);
    const store = open();
    await store.apply([row("a")], [[1, 1]]);
    expect((await store.getMany(["a"]))[0]?.key).toBe("a");
  });
});

describe("a client of the user's", () => {
  it("is used as it is, and can be used when the store is closed", async () => {
    let destroyed = 0;
    const users = Object.assign(clientOf(server), { destroy: () => destroyed++ });
    const store = dynamodbStore({ table: TABLE, client: users, prefix });
    await store.apply([row("a")], [[1, 1]]);
    await store.close();
    expect(destroyed).toBe(0);
    expect(await refusal(store.getMany(["a"]))).toMatchObject({ code: "CLOSED" });
    const again = dynamodbStore({ table: TABLE, client: users, prefix });
    expect((await again.getMany(["a"]))[0]?.key).toBe("a");
    await again.close();
    DynamoDBClient.prototype.destroy.call(users);
  });
});

describe("a mesh of three nodes", () => {
  it("leaves in the table what the next mesh reads", async () => {
    const store = open();
    const mesh = await createMesh({ nodes: 3, store });
    const first = mesh.session(undefined, { node: "node-1" });
    for (let index = 0; index < 50; index++) await first.set(`key ${index}`, { index, at: new Date(index) });
    await first.delete("key 7");
    const second = mesh.session(await first.token(), { node: "node-3" });
    expect(await second.get("key 9")).toEqual({ index: 9, at: new Date(9) });
    await mesh.close();
    await store.close();

    const again = open();
    const next = await createMesh({ nodes: 3, store: again });
    expect(await next.session().getMany(["key 0", "key 7", "key 49"])).toEqual([{ index: 0, at: new Date(0) }, undefined, { index: 49, at: new Date(49) }]);
    await next.close();
  });

  it("of which all nodes end between a flush's rows and its counters leaves nothing that the next mesh cannot read", async () => {
    const store = open({ connection: { credentials: CREDENTIALS, maxAttempts: 1 } });
    const mesh = await createMesh({ nodes: 3, store });
    const session = mesh.session();
    await session.set("a", 1, { durability: "stored" });
    way.fault = ({ operation }) => (operation === "UpdateItem" ? "drop" : undefined);
    await session.setMany([
      ["a", 2],
      ["b", 2],
    ]);
    await expect.poll(async () => (await store.getMany(["b"]))[0], { timeout: 10_000 }).toBeDefined();
    // The nodes are cut off from the table, as if their process had ended.
    way.fault = () => "drop";
    await Promise.allSettled([mesh.close(), store.close()]);

    way.fault = () => undefined;
    const next = await createMesh({ nodes: 3, store: open() });
    expect(await next.session().getMany(["a", "b"])).toEqual([2, 2]);
    await next.close();
  });

  it("goes on while the table is away, and flushes when it is back", async () => {
    const store = open({ connection: { credentials: CREDENTIALS, maxAttempts: 1 } });
    const mesh = await createMesh({ nodes: 3, store });
    const session = mesh.session();
    await session.set("before", 1, { durability: "stored" });
    // A key that was only written is not wholly in memory before it is read.
    expect(await session.get("before")).toBe(1);
    way.fault = () => "drop";
    await session.set("meanwhile", 2);
    expect(await session.get("before")).toBe(1);
    await expect(session.get("elsewhere")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    way.fault = () => undefined;
    await session.set("after", 3, { durability: "stored" });
    expect((await store.getMany(["before", "meanwhile", "after"])).map((found) => found?.key)).toEqual(["before", "meanwhile", "after"]);
    await mesh.close();
  });
});
