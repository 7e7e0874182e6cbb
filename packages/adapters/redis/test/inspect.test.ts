// What `inspectRedis` says of a server, and that it leaves it as it was.

import { startRedis, type RedisServer } from "@causalmesh/test-servers";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { inspectRedis, redisStore } from "../src/index.js";
import { commandsOfReadme, withRedis } from "./support/redis.js";

let server: RedisServer;
beforeAll(async () => void (server = await startRedis({ own: true })));
afterAll(async () => await server.stop());
afterEach(async () => await withRedis(server.url, async (redis) => void (await redis.flushall())));

async function use(prefix = "causalmesh"): Promise<void> {
  const store = redisStore({ url: server.url, prefix });
  await store.readRegistry();
  await store.close();
}

const names = async (): Promise<string[]> => {
  let found: string[] = [];
  await withRedis(server.url, async (redis) => void (found = await redis.keys("*")));
  return found.sort();
};

const COMMANDS = commandsOfReadme();
const ASKING = ["+acl|whoami", "+acl|dryrun", "+info", "+config|get"];

async function user(...rules: string[]): Promise<string> {
  await withRedis(server.url, async (redis) => void (await redis.call("ACL", ["SETUSER", "mesh", "reset", "on", ">hunter2", ...rules])));
  return server.url.replace("//", "//mesh:hunter2@");
}

it("a server that no mesh has used stays as it is", async () => {
  expect(await inspectRedis({ url: server.url })).toEqual({
    name: expect.stringMatching(/^redis at 127\.0\.0\.1:\d+\/0 \(causalmesh\)$/) as string,
    user: "default",
    serverVersion: expect.stringMatching(/^\d+\.\d+\.\d+$/) as string,
    version: undefined,
    versionExpected: 1,
    problem: undefined,
    writable: true,
    persistence: { appendonly: true, appendfsync: "always" },
    maxmemoryPolicy: "noeviction",
    missing: [],
    grant: undefined,
  });
  expect(await names()).toEqual([]);
});

it("a store of this version is told apart from none, and from one of another version, by its prefix", async () => {
  await use("shop");
  await withRedis(server.url, async (redis) => void (await redis.set("later:schema", "7")));
  const before = await names();
  expect(await inspectRedis({ url: server.url, prefix: "shop" })).toMatchObject({ version: 1, problem: undefined });
  expect(await inspectRedis({ url: server.url, prefix: "later" })).toMatchObject({ version: 7, versionExpected: 1 });
  expect(await inspectRedis({ url: `${server.url}/0?prefix=other` })).toMatchObject({ version: undefined });
  expect(await names()).toEqual(before);
});

describe("a user", () => {
  it("with the rights of the README lacks none, and has all that a node does", async () => {
    const url = await user("~shop:*", ...COMMANDS, ...ASKING);
    expect(await inspectRedis({ url, prefix: "shop" })).toMatchObject({ user: "mesh", missing: [], grant: undefined });
  });

  it("that lacks commands or the prefix is told what, and the rule that helps", async () => {
    const lacking = COMMANDS.filter((rule) => rule !== "+set" && rule !== "+zadd");
    const url = await user("~other:*", ...lacking, ...ASKING);
    const found = await inspectRedis({ url, prefix: "shop" }).catch((error: unknown) => error);
    // It may not even read the version there.
    expect(found).toMatchObject({ version: undefined, missing: ["~shop:*", "+set", "+zadd"], grant: "ACL SETUSER mesh ~shop:* +set +zadd" });
    await withRedis(server.url, async (redis) => void (await redis.call(...((found as { grant: string }).grant.split(" ") as [string, ...string[]]))));
    expect(await inspectRedis({ url, prefix: "shop" })).toMatchObject({ missing: [] });
    expect(await names()).toEqual([]);
  });

  it("that may do nothing with rows lacks what the README lists, no more and no less", async () => {
    const url = await user("~shop:*", ...ASKING);
    const { missing } = await inspectRedis({ url, prefix: "shop" });
    expect([...missing!].sort()).toEqual([...COMMANDS].sort());
  });

  it("that may ask nothing is not told that it lacks anything", async () => {
    const url = await user("~*", ...COMMANDS);
    await use();
    expect(await inspectRedis({ url })).toMatchObject({
      user: undefined,
      serverVersion: undefined,
      version: 1,
      writable: undefined,
      persistence: undefined,
      missing: undefined,
      grant: undefined,
    });
  });

  it("with a wrong password is refused, and the password is not shown", async () => {
    const url = (await user("~*", "+@all")).replace("hunter2", "hunter3");
    const error = (await inspectRedis({ url }).catch((thrown: unknown) => thrown)) as Error;
    expect(error).toMatchObject({ code: "STORE_LOCKED" });
    expect(error.message).not.toContain("hunter3");
  });
});

describe("a server", () => {
  it("that is a replica takes no writes", async () => {
    const replica = await startRedis({ args: ["--replicaof", "127.0.0.1", new URL(server.url).port] });
    expect(await inspectRedis({ url: replica.url })).toMatchObject({ writable: false });
    await replica.stop();
  });

  it("that throws rows away or is of a Cluster has a problem", async () => {
    const cache = await startRedis({ args: ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"], persistence: "none" });
    const found = await inspectRedis({ url: cache.url });
    expect(found.problem).toMatchObject({ code: "STORE_INVALID", message: expect.stringContaining("set it to noeviction") as string });
    expect(found).toMatchObject({ maxmemoryPolicy: "allkeys-lru", persistence: { appendonly: false, appendfsync: expect.any(String) as string } });
    await cache.stop();
    const node = await startRedis({ args: ["--cluster-enabled", "yes"] });
    expect((await inspectRedis({ url: node.url })).problem).toMatchObject({ message: expect.stringContaining("Redis Cluster") as string });
    await node.stop();
  });

  it("that is away is unavailable", async () => {
    await expect(inspectRedis({ url: "redis://127.0.0.1:1" })).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  });

  it("can be looked at over a client of one's own, which stays open", async () => {
    const client = new Redis(server.url, { keyPrefix: "mine:" });
    const store = redisStore({ client });
    await store.readRegistry();
    await store.close();
    expect(await inspectRedis({ client })).toMatchObject({ version: 1, missing: [] });
    expect(await client.ping()).toBe("PONG");
    client.disconnect();
  });
});
