// The CausalMesh of the paper: what its caches keep pending and show, the trips of a write round the ring, and the versions and aborts of its transactions.

import { afterEach, describe, expect, test } from "vitest";
import { rowTable } from "../../src/evaluation/store/row-table.js";
import { paperClient } from "../../src/evaluation/systems/paper/client.js";
import { DualCache } from "../../src/evaluation/systems/paper/dual-cache.js";
import { FIRST_TRIP, SECOND_TRIP } from "../../src/evaluation/systems/paper/messages.js";
import { startPaperServer } from "../../src/evaluation/systems/paper/server.js";
import type { CacheServer, SystemClient } from "../../src/evaluation/systems/system.js";
import { until, workflow, World } from "./support/world.js";

let world: World;

async function start(transactions = false): Promise<{ client: SystemClient; servers: CacheServer[] }> {
  world = new World(3);
  await world.store(rowTable(0));
  const servers = await world.servers((options) => startPaperServer(options, { transactions }));
  const client = await world.client((options) => paperClient(options, { transactions }));
  await client.fill(["photo", "comment", "other"], "none");
  return { client, servers };
}

const anew = async (client: SystemClient, at: number, key: string): Promise<string | undefined> => (await workflow(client, [{ at, reads: [key] }]))[key];

afterEach(async () => await world.end());

describe("sessions", () => {
  test("a workflow reads its own write at another server at once", async () => {
    const { client } = await start();
    const read = await workflow(client, [
      { at: 0, writes: { photo: "mine" } },
      { at: 1, reads: ["photo"] },
    ]);
    expect(read).toEqual({ photo: "mine" });
  });

  test("whoever has read an effect sees its cause wherever it goes on", async () => {
    const { client } = await start();
    await workflow(client, [
      { at: 0, writes: { photo: "new" } },
      { at: 1, writes: { comment: "nice" } },
    ]);
    // The tail of server 1's writes is server 0.
    await until(async () => (await anew(client, 0, "comment")) === "nice", "the comment is readable at its tail");
    expect(await anew(client, 2, "photo")).toBe("new");
    const read = await workflow(client, [
      { at: 0, reads: ["comment"] },
      { at: 1, reads: ["photo"] },
    ]);
    expect(read).toEqual({ comment: "nice", photo: "new" });
  });

  test("a write is readable at its tail, and nowhere else unless a session that follows it comes", async () => {
    const { client, servers } = await start();
    await workflow(client, [{ at: 0, writes: { photo: "new" } }]);
    await until(async () => (await anew(client, 2, "photo")) === "new", "the write is readable at its tail");
    expect([await anew(client, 0, "photo"), await anew(client, 1, "photo")]).toEqual(["none", "none"]);
    expect(servers.map((server) => server.backlog())).toEqual([1, 1, 0]);
    await workflow(client, [
      { at: 2, reads: ["photo"] },
      { at: 1, reads: ["other"] },
    ]);
    expect([await anew(client, 0, "photo"), await anew(client, 1, "photo")]).toEqual(["none", "new"]);
  });

  test("a write makes its first trip over all links but the one that would bring it back, and its second from the tail round to the tail", async () => {
    const { client } = await start();
    await workflow(client, [{ at: 0, writes: { photo: "new" } }]);
    await until(async () => (await anew(client, 2, "photo")) === "new", "the second trip has ended");
    const trips = world.sent.filter(({ type }) => type === FIRST_TRIP || type === SECOND_TRIP);
    expect(trips).toEqual([
      { from: "0", to: "1", type: FIRST_TRIP },
      { from: "1", to: "2", type: FIRST_TRIP },
      { from: "2", to: "0", type: SECOND_TRIP },
      { from: "0", to: "1", type: SECOND_TRIP },
      { from: "1", to: "2", type: SECOND_TRIP },
    ]);
  });

  test("what a session carries grows with the keys that it has read", async () => {
    const { client } = await start();
    for (const key of ["photo", "comment", "other"]) await workflow(client, [{ at: 0, writes: { [key]: "new" } }]);
    await until(async () => (await anew(client, 2, "other")) === "new", "the writes are readable at their tail");
    const sizes: number[] = [];
    let contexts: Uint8Array[] = [];
    for (const key of ["photo", "comment", "other"]) {
      const run = await client.enter(contexts, 2, [key]);
      await run.read([key]);
      contexts = [(await run.leave()) as Uint8Array];
      sizes.push(contexts[0].length);
    }
    expect(sizes[1]).toBeGreaterThan(sizes[0]);
    expect(sizes[2]).toBeGreaterThan(sizes[1]);
  });
});

describe("transactions", () => {
  const write = (cache: DualCache, key: string, value: string, vector: number[], dependencies: Record<string, number[]> = {}): void => {
    cache.keep({ key, value, vector, dependencies: new Map(Object.entries(dependencies)) });
    cache.integrate(new Map([[key, vector]]));
  };
  const cacheOf = (): DualCache => {
    const cache = new DualCache(2, true);
    for (const key of ["a", "b"]) cache.fill(key, "none");
    return cache;
  };

  test("an older version is read where the newest follows something newer than what was read", () => {
    const cache = cacheOf();
    write(cache, "a", "a1", [1, 0]);
    write(cache, "b", "b1", [2, 0], { a: [1, 0] });
    write(cache, "a", "a2", [3, 0]);
    write(cache, "b", "b2", [4, 0], { a: [3, 0] });
    expect(cache.fitting("b", new Map([["a", [1, 0]]]))?.value).toBe("b1");
    expect(cache.fitting("b", new Map([["a", [3, 0]]]))?.value).toBe("b2");
  });

  test("none fits where what was read has been overwritten too often", () => {
    const cache = cacheOf();
    for (let count = 1; count <= 20; count++) {
      write(cache, "a", `a${count}`, [2 * count, 0]);
      write(cache, "b", `b${count}`, [2 * count + 1, 0], { a: [2 * count, 0] });
    }
    expect(cache.fitting("b", new Map([["a", [2, 0]]]))).toBeUndefined();
  });

  test("a key that was read is read again as it was", () => {
    const cache = cacheOf();
    write(cache, "a", "a1", [1, 0]);
    write(cache, "a", "a2", [2, 0]);
    expect(cache.fitting("a", new Map([["a", [1, 0]]]))?.value).toBe("a1");
  });

  test("a workflow that read too old a version is given up, and gets through when it begins again", async () => {
    const { client } = await start(true);
    // Server 0 shows nothing of its own writes unprompted; their tail does, both of them.
    await workflow(client, [
      { at: 0, writes: { photo: "new" } },
      { at: 0, writes: { comment: "nice" } },
    ]);
    await until(async () => (await anew(client, 2, "comment")) === "nice", "the comment is readable at its tail");
    // So many newer photos that the one that server 0 shows is not kept at server 2.
    for (let count = 0; count < 10; count++) await workflow(client, [{ at: 0, writes: { photo: `newer ${count}` } }]);
    await until(async () => (await anew(client, 2, "photo")) === "newer 9", "the photos are readable at their tail");
    const steps = [
      { at: 0, reads: ["photo"] },
      { at: 2, reads: ["comment"] },
    ];
    const given = (await workflow(client, steps).then(
      () => undefined,
      (error: unknown) => error,
    )) as { reason: string; retryWith: Uint8Array };
    expect(given.reason).toBe("no version fits");
    const again = { ...client, begin: () => client.begin(undefined, given.retryWith) };
    expect(await workflow(again, steps)).toEqual({ photo: "newer 9", comment: "nice" });
  });

  test("branches that have read of different snapshots are found out where they are joined, and get through when they begin again", async () => {
    const { client } = await start(true);
    await workflow(client, [
      { at: 0, writes: { photo: "new" } },
      { at: 0, writes: { comment: "nice" } },
    ]);
    await until(async () => (await anew(client, 2, "comment")) === "nice", "the comment is readable at its tail");
    const joined = async (retryWith?: Uint8Array | string): Promise<void> => {
      const begun = await client.begin(undefined, retryWith);
      const branch = async (at: number, key: string): Promise<Uint8Array | string> => {
        const run = await client.enter(begun === undefined ? [] : [begun], at, [key]);
        await run.read([key]);
        return await run.leave();
      };
      await client.enter([await branch(0, "photo"), await branch(2, "comment")], 1, []);
    };
    const given = (await joined().then(
      () => undefined,
      (error: unknown) => error,
    )) as { reason: string; retryWith: Uint8Array };
    expect(given.reason).toBe("branches have read of different snapshots");
    await joined(given.retryWith);
  });
});
