// A server that is killed while several stores write, and comes back; processes that end without closing; a mesh on top.

import { execFile } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { createMesh, limits, type MeshError, type Row } from "@causalmesh/core";
import { startRedis, type RedisServer } from "@causalmesh/test-servers";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { redisStore } from "../src/index.js";
import { namesOf, withRedis } from "./support/redis.js";

let server: RedisServer;
beforeAll(async () => void (server = await startRedis({ own: true })));
afterAll(async () => await server.stop());

describe("a server that is killed in the middle of applies", () => {
  it("comes back with whole batches, everything that was acknowledged among them, and the stores find it by themselves", async () => {
    const KEYS = 40;
    const store = redisStore({ url: server.url, prefix: "killed" });
    let acknowledged = 0;
    let refused = 0;
    let writing = true;
    const writer = (async () => {
      for (let batch = 1; writing;) {
        const rows = Array.from({ length: KEYS }, (_, index) => ({
          key: `key ${index}`,
          value: Buffer.alloc(2000, batch & 0xff),
          timestamp: batch,
          replica: 1,
          counter: batch,
          expiresAt: 0,
        }));
        try {
          await store.apply(rows, [[1, batch]]);
          acknowledged = batch++;
        } catch (error) {
          expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
          refused++;
          await pause(5);
        }
      }
    })();
    for (let round = 0; round < 4; round++) {
      const before = acknowledged;
      await expect.poll(() => acknowledged, { timeout: 15_000 }).toBeGreaterThan(before + 5 + round * 7);
      await server.kill();
      const atKill = acknowledged;
      await pause(60);
      const begin = performance.now();
      await expect(store.getMany(["key 0"])).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
      expect(performance.now() - begin).toBeLessThan(2_000);
      expect(acknowledged).toBe(atKill);
      await server.restart();

      const other = redisStore({ url: server.url, prefix: "killed" });
      const { rows } = await other.scan("", undefined, 1000);
      expect(rows.length).toBe(KEYS);
      expect(new Set(rows.map(({ timestamp }) => timestamp)).size).toBe(1);
      expect(rows.every(({ timestamp, value }) => value![1999] === (timestamp & 0xff))).toBe(true);
      expect(rows[0].timestamp).toBeGreaterThanOrEqual(atKill);
      expect((await other.readRegistry()).flushed[0][1]).toBeGreaterThanOrEqual(rows[0].timestamp);
      await other.close();
    }
    writing = false;
    await writer;
    expect(refused).toBeGreaterThan(0);
    await store.close();
  });
});

describe("a client of the user's, which would keep calls until the server is back", () => {
  it("is not given any while the server is away, and is used again afterwards", async () => {
    const client = new Redis(server.url, { retryStrategy: () => 20 });
    const store = redisStore({ client, prefix: "client" });
    await store.apply([], [[1, 1]]);
    await server.kill();
    const begin = performance.now();
    for (let call = 0; call < 3; call++) await expect(store.getMany(["a"])).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(performance.now() - begin).toBeLessThan(2_000);
    await server.restart();
    await expect.poll(async () => await store.readRegistry().then(({ flushed }) => flushed, String), { timeout: 10_000 }).toEqual([[1, 1]]);
    await store.close();
    client.disconnect();
  });
});

describe("a server that takes long to read what it kept", () => {
  it("is said to do so, and is used when it has done", async () => {
    const slow = await startRedis({ args: ["--key-load-delay", "200"] });
    const store = redisStore({ url: slow.url });
    const rows = Array.from({ length: limits.FLUSH_ROWS_MAX }, (_, index): Row => ({
      key: `key ${index}`,
      value: null,
      timestamp: 1,
      replica: 1,
      counter: index + 1,
      expiresAt: 0,
    }));
    await store.apply(rows, [[1, rows.length]]);
    await slow.kill();
    const restarted = slow.restart();
    let refusal = "";
    const read = async (): Promise<string> => {
      return await store.getMany(["key 0"]).then(
        ([found]) => found?.key ?? "missing",
        ({ code, message }: MeshError) => {
          if (/still reading/.test(message)) refusal = code;
          return code;
        },
      );
    };
    await expect.poll(read, { timeout: 20_000 }).toBe("key 0");
    expect(refusal).toBe("STORE_UNAVAILABLE");
    await restarted;
    await store.close();
    await slow.stop();
  });
});

describe("a server behind a Sentinel", () => {
  it("is followed to the replica that takes its place", async () => {
    const primary = await startRedis({ own: true });
    const replica = await startRedis({ args: ["--replicaof", "127.0.0.1", new URL(primary.url).port] });
    const sentinel = await startRedis({ sentinelOf: primary });
    const sentinels = [{ host: "127.0.0.1", port: Number(new URL(sentinel.url).port) }];
    const store = redisStore({ connection: { sentinels, name: "primary" }, timeoutMs: 2_000 });
    const row = (counter: number): Row => ({ key: "a", value: null, timestamp: counter, replica: 1, counter, expiresAt: 0 });
    await store.apply([row(1)], [[1, 1]]);
    // The Sentinel asks the primary for its replicas every ten seconds, and this one has to have the row.
    await withRedis(sentinel.url, async (redis) => {
      await expect.poll(async () => ((await redis.call("SENTINEL", ["REPLICAS", "primary"])) as unknown[]).length, { timeout: 20_000 }).toBe(1);
    });
    await expect.poll(async () => await namesOf(replica.url, "causalmesh"), { timeout: 10_000 }).toContain("causalmesh:row:a");
    await primary.kill();
    await expect
      .poll(
        async () =>
          await store.apply([row(2)], [[1, 2]]).then(
            () => "written",
            ({ code }: MeshError) => code,
          ),
        { timeout: 30_000 },
      )
      .toBe("written");
    expect((await store.getMany(["a"]))[0]?.counter).toBe(2);
    expect(await namesOf(replica.url, "causalmesh")).toContain("causalmesh:flushed");
    await store.close();
    for (const server of [sentinel, replica, primary]) await server.stop();
  });
});

describe("a process", () => {
  const run = promisify(execFile);
  const program = (url: string): string => `
    const { redisStore } = await import(${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)});
    const store = redisStore({ url: ${JSON.stringify(url)} });
    await store.getMany(["a"]).then((rows) => console.log(rows.length), ({ code }) => console.log(code));`;

  it.each([
    ["connected", () => server.url, "1\n"],
    ["trying to connect", () => "redis://127.0.0.1:1", "STORE_UNAVAILABLE\n"],
  ])("is not kept alive by a store that is %s", async (_, url, answer) => {
    const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", program(url())], { timeout: 10_000 });
    expect(stdout).toBe(answer);
  });
});

describe("a mesh of three nodes", () => {
  it("goes on while the server is away, and flushes when it is back", async () => {
    const store = redisStore({ url: server.url, prefix: "away" });
    const mesh = await createMesh({ nodes: 3, store });
    const session = mesh.session();
    await session.set("before", 1, { durability: "stored" });
    // A key that was only written is not wholly in memory before it is read.
    expect(await session.get("before")).toBe(1);
    await server.kill();
    await session.set("meanwhile", 2);
    expect(await session.get("before")).toBe(1);
    await expect(session.get("elsewhere")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await server.restart();
    await session.set("after", 3, { durability: "stored" });
    expect((await store.getMany(["before", "meanwhile", "after"])).map((found) => found?.key)).toEqual(["before", "meanwhile", "after"]);
    await mesh.close();
    await store.close();
  });
});
