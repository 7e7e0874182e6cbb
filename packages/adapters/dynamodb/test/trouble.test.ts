// What can be wrong with options, a table, the rights or the way there: each has its code and a message that says what to do.

import { inspect } from "node:util";
import { CreateTableCommand, DescribeTableCommand, DynamoDBClient, ListTablesCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { limits } from "@causalmesh/core";
import { describe, expect, it } from "vitest";
import { dynamodbStore } from "../src/index.js";
import { isHeadPut, Place, refusal, row, SECRET } from "./support/place.js";

const place = Place.use();
const TABLE = place.table;
const open = place.open.bind(place);

describe("options", () => {
  it.each([
    undefined,
    {},
    { table: "" },
    { table: "a b" },
    { table: "abc", prefix: "a#b" },
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
    const { Table } = await place.client.send(new DescribeTableCommand({ TableName: table }));
    expect(Table?.BillingModeSummary?.BillingMode).toBe("PAY_PER_REQUEST");
    const lifetime = place.way.seen.find(({ operation }) => operation === "UpdateTimeToLive");
    expect(lifetime?.body).toMatchObject({ TimeToLiveSpecification: { AttributeName: "goneAt", Enabled: true } });
  });

  it("is not made where that is not allowed", async () => {
    const table = `${TABLE}-missing`;
    expect(await refusal(open({ table, createTable: false }).getMany(["a"]))).toMatchObject({
      code: "STORE_INVALID",
      message: expect.stringContaining("not there"),
    });
    expect((await place.client.send(new ListTablesCommand({}))).TableNames).not.toContain(table);
  });

  it("of another key is refused", async () => {
    const table = `${TABLE}-other`;
    await place.client.send(
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
    await place.client.send(new PutItemCommand({ TableName: TABLE, Item: { ...place.headKey, format: { N: "7" } } }));
    expect(await refusal(open().getMany(["a"]))).toMatchObject({ code: "STORE_INVALID", message: expect.stringContaining("format 7") });
  });

  it("of two prefixes leaves them alone", async () => {
    const [one, other] = [open(), open({ prefix: `${place.prefix}.other` })];
    await one.apply([row("a")], [[1, 5]]);
    await one.swapRegistry(0, { epoch: 1, bytes: Buffer.from("one") });
    expect(await other.getMany(["a"])).toEqual([undefined]);
    expect(await other.readRegistry()).toEqual({ registry: undefined, flushed: [] });
    expect((await other.scan("", undefined, 10)).rows).toEqual([]);
    expect(await other.swapRegistry(0, { epoch: 1, bytes: Buffer.from("other") })).toBe(true);
  });

  it("with a damaged row fails what reads it", async () => {
    const store = open();
    await store.apply([row("a"), row("z")], []);
    const { pk, sk } = (await place.rowItem("a"))!;
    await place.client.send(new PutItemCommand({ TableName: TABLE, Item: { pk, sk, timestamp: { N: "1" } } }));
    expect(await refusal(store.getMany(["a"]))).toMatchObject({ code: "STORE_INVALID", message: expect.stringContaining('"a" is damaged') });
    expect(await refusal(store.scan("", undefined, 10))).toMatchObject({ code: "STORE_INVALID" });
    expect((await store.getMany(["z"]))[0]?.key).toBe("z");
  });
});

describe("rows", () => {
  it("can be read in the console: text as text, bytes as bytes, each exactly", async () => {
    const store = open();
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
    const items = await Promise.all(values.map(async (_, index) => (await place.rowItem(`k${index}`))?.value));
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
    const store = open();
    const future = Date.now() + 1_000_000;
    await store.apply([row("deleted", { value: null }), row("expired", { expiresAt: 1_000 }), row("expires", { expiresAt: future }), row("stays")], []);
    const items = await Promise.all(["deleted", "expired", "expires", "stays"].map((key) => place.rowItem(key)));
    const leftMs = items.map((item) => (item?.goneAt === undefined ? undefined : Number(item.goneAt.N) * 1000 - Date.now() - limits.TOMBSTONE_TTL_MS));
    expect(Math.abs(leftMs[0]!)).toBeLessThan(30_000);
    expect(Math.abs(leftMs[1]!)).toBeLessThan(30_000);
    expect(Math.abs(leftMs[2]! - 1_000_000)).toBeLessThan(30_000);
    expect(leftMs[3]).toBeUndefined();
    await store.apply([row("deleted", { timestamp: 2 })], []);
    expect((await place.rowItem("deleted"))?.goneAt).toBeUndefined();
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
    place.way.seen.length = 0;
    const unread = new Map<string, number>();
    place.way.fault = ({ operation, body }) => {
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
    const requests = place.way.seen.filter(({ operation }) => operation === "BatchGetItem").map(({ body }) => body.RequestItems);
    expect(requests.every((request) => (request as Record<string, { ConsistentRead: boolean }>)[TABLE].ConsistentRead)).toBe(true);
  });

  it("takes what comes in parts", async () => {
    const store = open();
    await store.apply([row("a"), row("b")], []);
    place.way.fault = ({ operation, body }) => {
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
    place.way.fault = ({ operation, body }) => (operation === "BatchGetItem" ? { answer: { Responses: {}, UnprocessedKeys: body.RequestItems } } : undefined);
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
    place.way.fault = () => "hang";
    expect(await refusal(store.getMany(["a"]))).toMatchObject({ code: "STORE_UNAVAILABLE", message: expect.stringContaining("within 1000 ms") });
    place.way.fault = () => undefined;
    expect(await store.getMany(["a"])).toEqual([undefined]);

    const slow = open({ timeoutMs: 60_000 });
    await slow.getMany([]);
    place.way.fault = () => "hang";
    place.way.seen.length = 0;
    const pending = refusal(slow.getMany(["a"]));
    await expect.poll(() => place.way.seen.length).toBe(1);
    await slow.close();
    expect(await pending).toMatchObject({ code: "CLOSED" });
  });

  it("on which the answer to a swap is lost does not make it tell that it failed", async () => {
    const store = open();
    await store.readRegistry();
    let lost = 0;
    place.way.fault = (seen) => (isHeadPut(seen, "ends") && lost++ === 0 ? "lose" : undefined);
    expect(await store.swapRegistry(0, { epoch: 1, bytes: Buffer.from("{}") })).toBe(true);
    expect(lost).toBe(2);
    expect(await store.swapRegistry(0, { epoch: 1, bytes: Buffer.from("{}") })).toBe(false);
  });

  it("without rights is told apart, and no credential is shown", async () => {
    const store = open();
    await store.getMany([]);
    for (const error of ["AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException", "InvalidSignatureException"]) {
      place.way.fault = () => ({ error });
      const refused = await refusal(store.apply([row(error)], []));
      expect(refused).toMatchObject({ code: "STORE_LOCKED", message: expect.stringContaining(error) });
      expect(refused.cause).toBeInstanceOf(Error);
      expect(inspect(refused, { depth: 9, showHidden: true })).not.toContain(SECRET);
    }
  });

  it("with rights to the items alone is enough for a table that is there", async () => {
    await open().getMany([]);
    place.way.fault = ({ operation }) => (/Table|TimeToLive/.test(operation) ? { error: "AccessDeniedException" } : undefined);
    const store = open();
    await store.apply([row("a")], [[1, 1]]);
    expect((await store.getMany(["a"]))[0]?.key).toBe("a");
  });
});

describe("a client of the user's", () => {
  it("is used as it is, and can be used when the store is closed", async () => {
    let destroyed = 0;
    const { endpoint, region, credentials } = place.server;
    const users = Object.assign(new DynamoDBClient({ endpoint, region, credentials }), { destroy: () => destroyed++ });
    const store = dynamodbStore({ table: TABLE, client: users, prefix: place.prefix });
    await store.apply([row("a")], [[1, 1]]);
    await store.close();
    expect(destroyed).toBe(0);
    expect(await refusal(store.getMany(["a"]))).toMatchObject({ code: "CLOSED" });
    const again = dynamodbStore({ table: TABLE, client: users, prefix: place.prefix });
    expect((await again.getMany(["a"]))[0]?.key).toBe("a");
    await again.close();
    DynamoDBClient.prototype.destroy.call(users);
  });
});
