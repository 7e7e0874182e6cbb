// FaaSTCC: the promises of its store, what its caches answer by themselves, the aborts of its workflows, and its commits.

import { afterEach, describe, expect, test } from "vitest";
import { COMMIT as STORE_COMMIT, COMMIT_ONE, Partition, partitionOf, PREPARE, READ_AT, versionTable } from "../../src/evaluation/store/version-table.js";
import { faasClient } from "../../src/evaluation/systems/faastcc/client.js";
import { startFaasServer, TimedCache } from "../../src/evaluation/systems/faastcc/server.js";
import type { SystemClient } from "../../src/evaluation/systems/system.js";
import { until, workflow, World } from "./support/world.js";

describe("a partition of the store", () => {
  let now = 1_000;
  const partitionAt = (time: number): Partition => {
    now = time;
    const partition = new Partition(() => now);
    partition.fill("x", "x0");
    return partition;
  };

  test("promises the newest version up to now, and that no later commit comes before that", () => {
    const partition = partitionAt(1_000);
    expect(partition.readAt("x", 0, Infinity)).toEqual({ value: "x0", timestamp: 1, promise: 1_000 });
    expect(partition.commitOne(0, [["x", "x1"]])).toBe(1_001);
  });

  test("ends the promise of a replaced version before the next, and reads it for older snapshots", () => {
    const partition = partitionAt(1_000);
    const committed = partition.commitOne(0, [["x", "x1"]]);
    now = 5_000;
    expect(partition.readAt("x", 0, committed - 1)).toEqual({ value: "x0", timestamp: 1, promise: committed - 1 });
    expect(partition.readAt("x", committed, 4_000)).toEqual({ value: "x1", timestamp: committed, promise: 5_000 });
  });

  test("promises nothing beyond a commit that is prepared", () => {
    const partition = partitionAt(1_000);
    const proposed = partition.prepare(7, 0);
    now = 9_000;
    expect(partition.stable()).toBe(proposed - 1);
    expect(partition.readAt("x", proposed, Infinity)).toBeUndefined();
    partition.commit(7, proposed, [["x", "x1"]]);
    expect(partition.stable()).toBe(9_000);
    expect(partition.readAt("x", 0, Infinity)?.value).toBe("x1");
  });

  test("tells of a version again that is later than what it could promise", () => {
    const partition = partitionAt(1_000);
    const held = partition.prepare(7, 0);
    const later = partition.commitOne(0, [["x", "x1"]]);
    expect(partition.takeChanged(partition.stable())).toEqual(["x"]);
    partition.commit(7, held, []);
    now = later + 1_000;
    expect(partition.takeChanged(partition.stable())).toEqual(["x"]);
    expect(partition.takeChanged(partition.stable())).toEqual([]);
  });

  test("proposes a time after everything that the workflow has read", () => {
    expect(partitionAt(1_000).prepare(1, 8_000)).toBeGreaterThan(8_000);
    expect(partitionAt(1_000).commitOne(8_000, [["x", "x1"]])).toBeGreaterThan(8_000);
  });
});

describe("a cache", () => {
  test("answers within the interval alone, and its promises grow with what the store says", () => {
    const cache = new TimedCache();
    cache.keep("x", { value: "x1", timestamp: 10, promise: 20 });
    expect(cache.fitting("x", 0, 9)).toBeUndefined();
    expect(cache.fitting("x", 21, 30)).toBeUndefined();
    cache.grow(40, []);
    expect(cache.fitting("x", 21, 30)).toEqual({ value: "x1", timestamp: 10, promise: 40 });
    cache.grow(50, [["x", { value: "x2", timestamp: 45, promise: 50 }]]);
    expect(cache.fitting("x", 0, 44)).toBeUndefined();
  });
});

describe("workflows", () => {
  let world: World;
  /** Of two partitions. */
  const X = "x";
  const Y = ["a", "b", "c", "d"].find((key) => partitionOf(key) !== partitionOf(X))!;

  async function start(): Promise<SystemClient> {
    world = new World(2);
    await world.store(versionTable());
    await world.servers(startFaasServer);
    const client = await world.client(faasClient);
    await client.fill([X, Y], "none");
    for (const server of [0, 1]) await client.warm(server, [X, Y]);
    world.sent.length = 0;
    return client;
  }

  afterEach(async () => await world.end());

  test("read one snapshot, although the keys are written meanwhile", async () => {
    const client = await start();
    const run = await client.enter([], 0, [X]);
    expect(await run.read([X])).toEqual(["none"]);
    const contexts = [await run.leave()];
    await workflow(client, [{ at: 1, writes: { [X]: "new", [Y]: "new" } }]);
    await until(async () => (await workflow(client, [{ at: 1, reads: [Y] }]))[Y] === "new", "the cache is told of the write");
    world.sent.length = 0;
    const later = await client.enter(contexts, 1, [Y]);
    expect(await later.read([Y])).toEqual(["none"]);
    // The newest does not fit: an older one comes from the store.
    expect(world.count(READ_AT, "1")).toBe(1);
  });

  test("are given up where no version is within their interval", async () => {
    const client = await start();
    const old = await client.enter([], 0, [X]);
    await old.read([X]);
    const before = await old.leave();
    await workflow(client, [{ at: 1, writes: { [X]: "new" } }]);
    await until(async () => (await workflow(client, [{ at: 1, reads: [X] }]))[X] === "new", "the cache is told of the write");
    const young = await client.enter([], 1, [X]);
    await young.read([X]);
    const after = await young.leave();
    await expect(client.enter([before, after], 0, [])).rejects.toMatchObject({ name: "Aborted", reason: "branches have read of different snapshots" });
  });

  test("commit writes of several partitions in two phases, and of one at once", async () => {
    const client = await start();
    await workflow(client, [{ at: 0, writes: { [X]: "1" }, after: () => undefined }]);
    expect([world.count(PREPARE), world.count(STORE_COMMIT), world.count(COMMIT_ONE)]).toEqual([0, 0, 1]);
    await workflow(client, [
      { at: 0, writes: { [X]: "2" }, after: () => expect(world.count(PREPARE)).toBe(0) },
      { at: 1, writes: { [Y]: "2" } },
    ]);
    expect([world.count(PREPARE, "1"), world.count(STORE_COMMIT, "1")]).toEqual([2, 2]);
    await until(async () => {
      const read = await workflow(client, [{ at: 0, reads: [X, Y] }]);
      expect(read[Y] === "2").toBe(read[X] === "2");
      return read[X] === "2";
    }, "the writes are shown, together");
  });

  test("hits need nobody else", async () => {
    const client = await start();
    await workflow(client, [
      { at: 0, reads: [X] },
      { at: 1, reads: [Y] },
    ]);
    expect(world.count(READ_AT)).toBe(0);
  });
});
