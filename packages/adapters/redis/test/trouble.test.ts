// What can be wrong with an address, a user, a server or what stands in it: each has its code and a message that says what to do.

import { createServer } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { limits, type MeshError, type Row } from "@causalmesh/core";
import { startRedis, type RedisServer } from "@causalmesh/test-servers";
import { Cluster, Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { redisStore, type RedisStoreOptions } from "../src/index.js";
import { commandsOfReadme, namesOf, withRedis } from "./support/redis.js";

const SECRET = "hunter2";
let server: RedisServer;
let guarded: RedisServer;
const opened: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  server = await startRedis({ own: true });
  guarded = await startRedis({ args: ["--requirepass", SECRET] });
});
afterAll(async () => await Promise.all([server.stop(), guarded.stop()]));
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  await withRedis(server.url, async (redis) => void (await redis.flushall()));
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

function open(options: RedisStoreOptions = { url: server.url }): ReturnType<typeof redisStore> {
  const store = redisStore(options);
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

const withSecret = (url: string, user = "", secret = SECRET): string => url.replace("//", `//${user}:${secret}@`);

describe("options", () => {
  it.each([
    undefined,
    {},
    { url: "" },
    { url: 7 },
    { url: "redis://" },
    { url: "http://h" },
    { url: "h:6379" },
    { url: "redis://h/name" },
    { url: "redis://h/1/2" },
    { url: "redis://h?db=2" },
    { url: "redis://h#1" },
    { url: "redis://u:%zz@h" },
    { url: "redis://h", prefix: "a:b" },
    { url: "redis://h", prefix: "" },
    { url: "redis://h?prefix=a*" },
    { url: "redis://h", timeoutMs: 0 },
    { url: "redis://h", client: new Redis({ lazyConnect: true }) },
    { client: {} },
    { client: new Cluster([], { lazyConnect: true }) },
  ])("that make no sense are refused: %#", (options) => {
    expect(() => redisStore(options as never)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  });

  it("say where the store is, without user and password", () => {
    expect(open({ url: "redis://me:hunter2@cache.example:7000/3?prefix=shop" }).name).toBe("redis at cache.example:7000/3 (shop)");
    expect(open({ url: "rediss://[::1]", prefix: "own" }).name).toBe("redis at ::1:6379/0 (own)");
    expect(open({ connection: { sentinels: [{ host: "a", port: 1 }], name: "primary", password: SECRET } }).name).toBe(
      "redis at sentinels' primary (causalmesh)",
    );
    expect(open({ connection: { path: "/run/redis.sock" } }).name).toBe("redis at /run/redis.sock (causalmesh)");
  });

  it.each([`redis://me:${SECRET}@h:port`, `http://me:${SECRET}@h`, `redis://me:${SECRET}%zz@h`, `redis://me:${SECRET}@h/x`])(
    "with a wrong URL never show its password: %#",
    (url) => {
      try {
        redisStore({ url });
        expect.unreachable();
      } catch (error) {
        expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SECRET);
      }
    },
  );
});

describe("a user", () => {
  it("with the password gets in, by URL and by options", async () => {
    await open({ url: withSecret(guarded.url) }).apply([row("a")], []);
    expect((await open({ url: guarded.url, connection: { password: SECRET } }).getMany(["a"]))[0]?.timestamp).toBe(1);
  });

  it.each([
    ["none", (url: string) => url],
    ["a wrong one", (url: string) => withSecret(url, "", `${SECRET}x`)],
    ["a wrong user", (url: string) => withSecret(url, "someone")],
  ])("with %s is told so, and the password is shown nowhere", async (_, urlOf) => {
    const error = await refusal(open({ url: urlOf(guarded.url) }).apply([row("a")], []));
    expect(error).toMatchObject({ code: "STORE_LOCKED", message: expect.stringMatching(/wants another user or password/) });
    expect(error.cause).toBeInstanceOf(Error);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SECRET);
  });

  it("who may do only what the README lists can do everything; one with fewer rights is told so", async () => {
    await withRedis(server.url, async (redis) => {
      await redis.call("ACL", ["SETUSER", "mesh", "on", `>${SECRET}`, "~shop:*", ...commandsOfReadme()]);
      await redis.call("ACL", ["SETUSER", "reader", "on", `>${SECRET}`, "~shop:*", "+get", "+set", "+mget"]);
    });
    const store = open({ url: withSecret(server.url, "mesh"), prefix: "shop" });
    await store.apply([row("a"), row("b", { value: null })], [[1, 1]]);
    await store.apply([row("b", { timestamp: 2 })], []);
    expect(await store.swapRegistry(0, { epoch: 1, bytes: Buffer.from("{}") })).toBe(true);
    expect((await store.readRegistry()).flushed).toEqual([[1, 1]]);
    expect((await store.scan("", undefined, 10)).rows.map(({ key }) => key)).toEqual(["a", "b"]);
    // It may not ask whether the server is durable.
    expect(store.abilities.durable).toBe(false);

    const reader = open({ url: withSecret(server.url, "reader"), prefix: "shop" });
    expect((await reader.getMany(["a"]))[0]?.timestamp).toBe(1);
    const error = await refusal(reader.apply([row("a", { timestamp: 7 })], []));
    expect(error).toMatchObject({ code: "STORE_LOCKED", message: expect.stringContaining("rights in the README") });
  });
});

describe("a server", () => {
  it("that nobody runs is missed at once, and again at once", async () => {
    const store = open({ url: "redis://127.0.0.1:1" });
    const begin = performance.now();
    for (const call of [() => store.getMany(["a"]), () => store.apply([row("a")], []), () => store.readRegistry()])
      expect(await refusal(call())).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true, message: expect.stringContaining("ECONNREFUSED") });
    expect(performance.now() - begin).toBeLessThan(3_000);
  });

  it("that breaks every connection is asked again after pauses that grow, and calls in between reject at once", async () => {
    let attempts = 0;
    const breaking = createServer((socket) => {
      attempts++;
      socket.destroy();
    }).listen(0, "127.0.0.1");
    await once(breaking, "listening");
    const store = open({ url: `redis://127.0.0.1:${(breaking.address() as AddressInfo).port}` });
    let calls = 0;
    for (const until = performance.now() + 1_000; performance.now() < until; calls++) {
      expect(await refusal(store.getMany(["a"]))).toMatchObject({ code: "STORE_UNAVAILABLE" });
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    // 20, 40, 80 … ms, or half of that: seven pauses at most make a second.
    expect(attempts).toBeGreaterThan(1);
    expect(attempts).toBeLessThanOrEqual(8);
    expect(calls).toBeGreaterThan(5 * attempts);
    breaking.close();
  });

  it("of a name that does not exist is missed", async () => {
    expect(await refusal(open({ url: "redis://no-such-host.invalid" }).getMany(["a"]))).toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/),
    });
  });

  it("that accepts and says nothing is given up after the timeout, and holds up neither later calls nor close", async () => {
    const silent = createServer(() => undefined).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const store = redisStore({ url: `redis://127.0.0.1:${(silent.address() as AddressInfo).port}`, timeoutMs: 150 });
    expect(await refusal(store.getMany(["a"]))).toMatchObject({ code: "STORE_UNAVAILABLE", message: expect.stringContaining("within 150 ms") });
    const begin = performance.now();
    expect(await refusal(store.getMany(["a"]))).toMatchObject({ code: "STORE_UNAVAILABLE" });
    await store.close();
    expect(performance.now() - begin).toBeLessThan(1_500);
    silent.close();
  });

  it("that hangs in the middle is given up, and used again when it goes on", async () => {
    const store = open({ url: server.url, timeoutMs: 1_000 });
    await store.apply([row("a")], []);
    process.kill(server.pid!, "SIGSTOP");
    try {
      expect(await refusal(store.getMany(["a"]))).toMatchObject({ code: "STORE_UNAVAILABLE", message: expect.stringContaining("within 1000 ms") });
    } finally {
      process.kill(server.pid!, "SIGCONT");
    }
    await expect
      .poll(
        async () =>
          await store.getMany(["a"]).then(
            ([found]) => found?.key,
            () => undefined,
          ),
        { timeout: 10_000 },
      )
      .toBe("a");
  });

  it("that is no Redis is told apart", async () => {
    const other = createServer((socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")).listen(0, "127.0.0.1");
    await once(other, "listening");
    const url = `redis://127.0.0.1:${(other.address() as AddressInfo).port}`;
    expect(await refusal(open({ url }).getMany(["a"]))).toMatchObject({ code: "STORE_INVALID", message: expect.stringContaining("no Redis server") });
    other.close();
  });

  it("without a database of that number is refused, instead of using another", async () => {
    expect(await refusal(open({ url: `${server.url}/99` }).apply([row("a")], []))).toMatchObject({
      code: "STORE_INVALID",
      message: expect.stringContaining("no database of this number"),
    });
    expect(await namesOf(server.url, "causalmesh")).toEqual([]);
  });

  it("that is a replica takes nothing, and says so", async () => {
    const replica = await startRedis({ args: ["--replicaof", "127.0.0.1", new URL(server.url).port] });
    const store = open({ url: server.url });
    await store.apply([row("a")], []);
    await expect.poll(async () => await namesOf(replica.url, "causalmesh"), { timeout: 10_000 }).toContain("causalmesh:row:a");
    const onReplica = open({ url: replica.url });
    expect((await onReplica.getMany(["a"]))[0]?.timestamp).toBe(1);
    expect(await refusal(onReplica.apply([row("b")], []))).toMatchObject({ code: "STORE_UNAVAILABLE", message: expect.stringContaining("a replica") });
    await replica.stop();
  });

  it("of a cluster is refused", async () => {
    const node = await startRedis({ args: ["--cluster-enabled", "yes"] });
    expect(await refusal(open({ url: node.url }).getMany(["a"]))).toMatchObject({ code: "STORE_INVALID", message: expect.stringContaining("Redis Cluster") });
    await node.stop();
  });

  it("that throws keys away is refused", async () => {
    const cache = await startRedis({ args: ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"] });
    expect(await refusal(open({ url: cache.url }).getMany(["a"]))).toMatchObject({ code: "STORE_INVALID", message: expect.stringContaining("noeviction") });
    await cache.stop();
  });

  it("says whether it is durable, unless the user knows better", async () => {
    const forgetful = await startRedis({ own: true, persistence: "none" });
    for (const [url, durable, expected] of [
      [server.url, undefined, true],
      [forgetful.url, undefined, false],
      [forgetful.url, true, true],
      [server.url, false, false],
    ] as const) {
      const store = open({ url, durable });
      await store.getMany([]);
      expect(store.abilities.durable).toBe(expected);
    }
    await withRedis(server.url, async (redis) => void (await redis.config("SET", "appendfsync", "everysec")));
    const store = open();
    await store.getMany([]);
    expect(store.abilities.durable).toBe(false);
    await withRedis(server.url, async (redis) => void (await redis.config("SET", "appendfsync", "always")));
    await forgetful.stop();
  });

  it("without memory refuses an apply whole, and takes it when there is room", async () => {
    const store = open();
    await store.apply([row("a")], [[1, 1]]);
    await withRedis(server.url, async (redis) => void (await redis.config("SET", "maxmemory", "1mb")));
    const next = [row("a", { timestamp: 2 }), row("b")];
    expect(await refusal(store.apply(next, [[1, 2]]))).toMatchObject({ code: "STORE_FULL", message: expect.stringContaining("make room") });
    expect((await store.getMany(["a", "b"])).map((found) => found?.timestamp)).toEqual([1, undefined]);
    expect((await store.readRegistry()).flushed).toEqual([[1, 1]]);
    await withRedis(server.url, async (redis) => void (await redis.config("SET", "maxmemory", "0")));
    await store.apply(next, [[1, 2]]);
    expect((await store.getMany(["a", "b"])).map((found) => found?.timestamp)).toEqual([2, 1]);
  });
});

describe("contents", () => {
  it("of another version are refused, and say which", async () => {
    await withRedis(server.url, async (redis) => void (await redis.set("causalmesh:schema", "7")));
    expect(await refusal(open().getMany(["a"]))).toMatchObject({ code: "STORE_INVALID", message: expect.stringContaining("format 7") });
  });

  it("that are a damaged row fail that read and that apply, whole", async () => {
    const store = open();
    const heads = [
      "1 1 1 0 other\n",
      "1 1 1 0 value",
      "1 1 1 0 deleted",
      "1 1 1 value\n",
      "-1 1 1 0 value\n",
      " 1 1 1 0 value\n",
      "1 1  1 0 value\n",
      `${"1".repeat(17)} 1 1 0 value\n`,
    ];
    for (const damage of ["", "1 1 1 0 valu", ...heads, ...heads.map((head) => `${head}value`), "x".repeat(200), "short"]) {
      await withRedis(server.url, async (redis) => void (await redis.set("causalmesh:row:damaged", damage)));
      expect(await refusal(store.getMany(["damaged"]))).toMatchObject({ code: "STORE_INVALID", message: expect.stringContaining('"damaged" is damaged') });
    }
    expect(await refusal(store.apply([row("a"), row("damaged"), row("z")], [[1, 1]]))).toMatchObject({ code: "STORE_INVALID" });
    expect(await store.getMany(["a", "z"])).toEqual([undefined, undefined]);
    expect((await store.readRegistry()).flushed).toEqual([]);
  });

  it.each(["keys", "going", "flushed", "row:a"])("of another type under %s fail an apply, whole", async (name) => {
    await withRedis(server.url, async (redis) => void (await redis.lpush(`causalmesh:${name}`, "of somebody else")));
    const store = open();
    const error = await refusal(store.apply([row("b"), row("a"), row("c", { value: null })], [[1, 1]]));
    expect(error).toMatchObject({ code: "STORE_INVALID", message: expect.stringContaining("choose another prefix") });
    expect(await store.getMany(["b", "c"])).toEqual([undefined, undefined]);
  });

  it("can be read with redis-cli", async () => {
    const store = open();
    await store.apply(
      [row("cart:42", { value: Buffer.from('{"items":3}'), timestamp: 2 ** 52 + 1, replica: 7, counter: 9 }), row("gone", { value: null })],
      [[7, 9]],
    );
    await store.swapRegistry(0, { epoch: 1, bytes: Buffer.from('{"members":[]}') });
    await withRedis(server.url, async (redis) => {
      expect(await redis.get("causalmesh:row:cart:42")).toBe('4503599627370497 7 9 0 value\n{"items":3}');
      expect(await redis.get("causalmesh:row:gone")).toBe("1 1 1 0 deleted\n");
      expect(await redis.hgetall("causalmesh:flushed")).toEqual({ 7: "9" });
      expect(await redis.hgetall("causalmesh:registry")).toMatchObject({ epoch: "1", bytes: '{"members":[]}' });
    });
  });

  it("under two prefixes leave each other alone", async () => {
    const [one, other] = [open({ url: server.url, prefix: "one" }), open({ url: `${server.url}?prefix=one.row` })];
    await one.apply([row("a"), row("keys")], [[1, 5]]);
    await one.swapRegistry(0, { epoch: 1, bytes: Buffer.from("one") });
    expect(await other.getMany(["a", "keys"])).toEqual([undefined, undefined]);
    expect(await other.readRegistry()).toEqual({ registry: undefined, flushed: [] });
    expect((await other.scan("", undefined, 10)).rows).toEqual([]);
    expect(await other.swapRegistry(0, { epoch: 1, bytes: Buffer.from("other") })).toBe(true);
    await other.apply([row("a", { timestamp: 9 })], []);
    expect((await one.getMany(["a"]))[0]?.timestamp).toBe(1);
  });
});

describe("deleted and expired rows", () => {
  const keptMs = limits.TOMBSTONE_TTL_MS;
  const inFuture = (): number => Date.now() + 1_000_000;

  it("stay for as long as they have to win, by the server's clock", async () => {
    await open().apply([row("deleted", { value: null }), row("expired", { expiresAt: 1_000 }), row("expires", { expiresAt: inFuture() }), row("stays")], []);
    await withRedis(server.url, async (redis) => {
      const left = await Promise.all(["deleted", "expired", "expires", "stays"].map((key) => redis.pttl(`causalmesh:row:${key}`)));
      expect(Math.abs(left[0] - keptMs)).toBeLessThan(30_000);
      expect(Math.abs(left[1] - keptMs)).toBeLessThan(30_000);
      expect(Math.abs(left[2] - keptMs - 1_000_000)).toBeLessThan(30_000);
      expect(left[3]).toBe(-1);
    });
  });

  it("become ordinary ones when they are written again", async () => {
    const store = open();
    await store.apply([row("a", { value: null }), row("b", { expiresAt: inFuture() })], []);
    await store.apply([row("a", { timestamp: 2 }), row("b", { timestamp: 2 })], []);
    await withRedis(server.url, async (redis) => {
      expect(await Promise.all(["a", "b"].map((key) => redis.pttl(`causalmesh:row:${key}`)))).toEqual([-1, -1]);
      expect(await redis.zcard("causalmesh:going")).toBe(0);
    });
  });

  it("are passed over by scans when Redis has dropped them, and leave nothing behind after the next applies", async () => {
    const store = open();
    const keys = Array.from({ length: 60 }, (_, index) => `k${index + 10}`);
    await store.apply(
      keys.map((key, index) => row(key, { value: index % 3 === 0 ? Buffer.from("stays") : null })),
      [],
    );
    const stays = keys.filter((_, index) => index % 3 === 0);
    await withRedis(server.url, async (redis) => {
      for (const key of keys.filter((each) => !stays.includes(each))) {
        await redis.pexpireat(`causalmesh:row:${key}`, 1);
        await redis.zadd("causalmesh:going", "1", key);
      }
      expect(await redis.zcard("causalmesh:keys")).toBe(60);
      const found: string[] = [];
      for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
        const page = await store.scan("k", cursor, 7);
        found.push(...page.rows.map(({ key }) => key));
        cursor = page.cursor;
      }
      expect(found).toEqual(stays);
      expect(await store.getMany(["k11", "k10"])).toMatchObject([undefined, { key: "k10" }]);
      for (let counter = 2; counter <= 4; counter++) await store.apply([], [[1, counter]]);
      expect(await redis.zrange("causalmesh:keys", "0", "-1")).toEqual(stays);
      expect(await redis.zcard("causalmesh:going")).toBe(0);
    });
  });

  it("of which ten thousands were dropped do not end a scan", async () => {
    const store = open();
    await store.apply([row("z")], []);
    await withRedis(server.url, async (redis) => {
      const members = (part: number): string[] => Array.from({ length: 1000 }, (_, index) => ["0", `dead ${part} ${index}`]).flat();
      for (let part = 0; part < 25; part++) await redis.zadd("causalmesh:keys", ...members(part));
    });
    expect((await store.scan("", undefined, 1)).rows.map(({ key }) => key)).toEqual(["z"]);
  });

  it("of which large ones fill a page shorten it, and the scan goes on", async () => {
    const store = open();
    const keys = Array.from({ length: 20 }, (_, index) => `k${index + 10}`);
    for (const key of keys) await store.apply([row(key, { value: Buffer.alloc(1024 * 1024) })], []);
    const first = await store.scan("", undefined, 100);
    expect(first.rows.length).toBeLessThan(10);
    const found = first.rows.map(({ key }) => key);
    for (let { cursor } = first; cursor !== undefined;) {
      const page = await store.scan("", cursor, 100);
      found.push(...page.rows.map(({ key }) => key));
      cursor = page.cursor;
    }
    expect(found).toEqual(keys);
  });
});

describe("a client of the user's", () => {
  it("is used as it is, with its own key prefix, and stays open", async () => {
    const client = new Redis(server.url, { lazyConnect: true, keyPrefix: "mine:", enableAutoPipelining: true, replyMapping: "resp3" });
    const listeners = client.eventNames().length;
    const store = redisStore({ client });
    await store.apply([row("a"), row("b", { value: null })], [[1, 1]]);
    expect((await store.getMany(["a"]))[0]?.timestamp).toBe(1);
    expect((await store.readRegistry()).flushed).toEqual([[1, 1]]);
    expect((await store.scan("", undefined, 1)).rows.map(({ key }) => key)).toEqual(["a"]);
    expect(await namesOf(server.url, "mine:causalmesh")).toContain("mine:causalmesh:row:a");
    await store.close();
    expect(await client.ping()).toBe("PONG");
    expect(client.eventNames().length).toBe(listeners);
    expect(await refusal(store.getMany(["a"]))).toMatchObject({ code: "CLOSED" });
    client.disconnect();
  });

  it("that was closed is said to be closed", async () => {
    const client = new Redis(server.url);
    await client.quit();
    await expect.poll(() => client.status).toBe("end");
    expect(await refusal(open({ client }).getMany(["a"]))).toMatchObject({ code: "STORE_UNAVAILABLE", message: expect.stringContaining("an open one") });
  });

  it("that sends again what lost its answer does not make a swap tell that it failed", async () => {
    const client = new Redis(server.url);
    const store = open({ client });
    await store.readRegistry();
    const swap = store.swapRegistry(0, { epoch: 1, bytes: Buffer.from("{}") });
    // The server has the script and answers; the answer is lost with the connection, and ioredis sends the script again.
    setTimeout(() => client.stream.removeAllListeners("data"), 0);
    await expect.poll(async () => await namesOf(server.url, "causalmesh")).toContain("causalmesh:registry");
    client.stream.destroy();
    expect(await swap).toBe(true);
    client.disconnect();
  });
});
