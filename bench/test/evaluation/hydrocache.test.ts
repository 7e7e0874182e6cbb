// HydroCache: what a cut exposes, the snapshot that its conservative form prepares, and the versions and aborts of its optimistic form.

import { afterEach, describe, expect, test } from "vitest";
import { CausalTable, GET_VERSIONS, PUT_VERSIONS } from "../../src/evaluation/store/causal-table.js";
import { readStored, type StoredVersion } from "../../src/evaluation/store/causal-version.js";
import { CausalCut } from "../../src/evaluation/systems/hydrocache/causal-cut.js";
import { conservativeClient, optimisticClient } from "../../src/evaluation/systems/hydrocache/client.js";
import { Conservative } from "../../src/evaluation/systems/hydrocache/conservative.js";
import { CLEAN, FETCH, FLUSH, PIN, PREPARE, PULL, READ_PINNED } from "../../src/evaluation/systems/hydrocache/messages.js";
import { Optimistic } from "../../src/evaluation/systems/hydrocache/optimistic.js";
import { type HydroParts, startHydroServer } from "../../src/evaluation/systems/hydrocache/server.js";
import type { SystemClient } from "../../src/evaluation/systems/system.js";
import { writeVersion } from "../../src/evaluation/systems/versions.js";
import { readList, writeTexts } from "../../src/evaluation/wire/rpc.js";
import { until, workflow, World } from "./support/world.js";

const KEYS = ["x", "y", "z"];
let world: World;
let table: CausalTable;
let parts: HydroParts[];
let conservatives: Conservative[];

async function start(kind: "conservative" | "optimistic"): Promise<SystemClient> {
  world = new World(2);
  parts = [];
  conservatives = [];
  table = new CausalTable();
  await world.store(table.serve);
  await world.servers((options) =>
    startHydroServer(options, (own) => {
      parts[own.index] = own;
      return kind === "optimistic" ? new Optimistic(own) : (conservatives[own.index] = new Conservative(own));
    }),
  );
  const client = await world.client(kind === "optimistic" ? optimisticClient : conservativeClient);
  await client.fill(KEYS, "none");
  for (const server of [0, 1]) await client.warm(server, KEYS);
  world.sent.length = 0;
  return client;
}

const version = (key: string, value: string, vector: number[], dependencies: Record<string, number[]> = {}): StoredVersion => {
  return { key, value, vector, dependencies: new Map(Object.entries(dependencies)), writes: [vector] };
};
const X1 = version("x", "x1", [1, 0]);
/** Follows X1. */
const Y2 = version("y", "y2", [2, 0], { x: [1, 0] });

afterEach(async () => await world?.end());

describe("both", () => {
  test("writes wait for the end of the workflow, and are shown together, with what they follow", async () => {
    const client = await start("optimistic");
    const written = workflow(client, [
      { at: 0, reads: ["z"], writes: { x: "new" }, after: () => expect(world.count(PUT_VERSIONS)).toBe(0) },
      { at: 1, writes: { y: "new" } },
    ]);
    await written;
    expect([world.count(FLUSH, "client"), world.count(PUT_VERSIONS, "1")]).toEqual([1, 1]);
    // Whoever is told of one of them gets the other, too.
    await parts[0].refresh.load(["y"]);
    expect(["x", "y"].map((key) => parts[0].cut.newest(key)?.value)).toEqual(["new", "new"]);
  });

  test("a changed key is fetched, and what it depends on with it, before either is shown", async () => {
    await start("optimistic");
    await put(X1, Y2);
    // Told of the effect alone.
    await parts[1].refresh.load(["y"]);
    expect(parts[1].cut.newest("y")?.value).toBe("y2");
    expect(parts[1].cut.newest("x")?.value).toBe("x1");
    expect(world.sent.filter(({ from, type }) => from === "1" && type === GET_VERSIONS)).toHaveLength(2);
    await table.publish();
    expect(parts[0].cut.newest("y")?.value).toBe("y2");
  });

  test("what is fetched brings what an overwritten version depended on", async () => {
    await start("optimistic");
    // The last write names z alone, and z names a y that is not there any more.
    await put(X1, Y2, version("z", "z3", [3, 0], { y: [2, 0] }), version("y", "y4", [4, 0], { z: [3, 0] }));
    await parts[1].refresh.load(["y"]);
    expect(KEYS.map((key) => parts[1].cut.newest(key)?.value)).toEqual(["x1", "y4", "z3"]);
  });

  test("what all caches show is not depended on any more", async () => {
    await start("optimistic");
    const dependencies = async (key: string): Promise<string[]> => {
      const [found] = await parts[0].refresh.store.call(
        GET_VERSIONS,
        (out) => writeTexts(out, [key]),
        (payload) => readList(payload, readStored),
      );
      return [...found.dependencies.keys()];
    };
    await put(X1, Y2);
    expect(await dependencies("y")).toEqual(["x"]);
    await table.publish();
    await put(version("z", "z3", [3, 0]), version("y", "y4", [4, 0], { x: [1, 0], z: [3, 0] }));
    expect(await dependencies("y")).toEqual(["z"]);
  });

  test("of concurrent versions one value is shown at all servers, and what both follow", async () => {
    const client = await start("optimistic");
    await Promise.all([workflow(client, [{ at: 0, writes: { x: "a" } }]), workflow(client, [{ at: 1, writes: { x: "b" } }])]);
    await table.publish();
    expect(parts.map(({ cut }) => cut.newest("x"))).toMatchObject([
      { value: "b", vector: [1, 1] },
      { value: "b", vector: [1, 1] },
    ]);
  });
});

describe("conservative", () => {
  test("what is older at one server of a workflow than at another is fetched before the workflow begins, and forgotten after it", async () => {
    const client = await start("conservative");
    parts[0].cut.expose([X1, Y2]);
    const read = await workflow(client, [
      { at: 0, reads: ["y"] },
      { at: 1, reads: ["x"] },
    ]);
    expect(read).toEqual({ x: "x1", y: "y2" });
    const messages = world.sent.filter(({ type }) => [PREPARE, PIN, PULL, READ_PINNED].includes(type));
    expect(messages).toEqual([
      { from: "client", to: "0", type: PREPARE },
      { from: "0", to: "1", type: PIN },
      { from: "0", to: "1", type: PULL },
      { from: "1", to: "0", type: READ_PINNED },
    ]);
    await until(() => conservatives.every(({ snapshots }) => snapshots === 0), "the snapshots are forgotten");
    expect(world.count(CLEAN, "client")).toBe(2);
  });

  test("a workflow goes on reading its snapshot while the cuts move on", async () => {
    const client = await start("conservative");
    const read = await workflow(client, [
      { at: 0, reads: ["x"], after: () => parts.forEach(({ cut }) => cut.expose([X1, Y2])) },
      { at: 1, reads: ["y"] },
    ]);
    expect(read).toEqual({ x: "none", y: "none" });
  });
});

describe("optimistic", () => {
  test("what is too old for what was read elsewhere is fetched from there", async () => {
    const client = await start("optimistic");
    parts[0].cut.expose([X1, Y2]);
    const read = await workflow(client, [
      { at: 0, reads: ["y"] },
      { at: 1, reads: ["x"] },
    ]);
    expect(read).toEqual({ x: "x1", y: "y2" });
    expect(world.count(FETCH, "1")).toBe(1);
  });

  test("it is the version of the cut that was read of, though that has moved on", async () => {
    const client = await start("optimistic");
    parts[0].cut.expose([X1, Y2]);
    const read = await workflow(client, [
      { at: 0, reads: ["y"], after: () => parts[0].cut.expose([version("x", "x3", [3, 0])]) },
      { at: 1, reads: ["x"] },
    ]);
    expect(read.x).toBe("x1");
  });

  test("a server that has everything is asked alone", async () => {
    const client = await start("optimistic");
    await put(X1, Y2);
    await table.publish();
    await workflow(client, [
      { at: 0, reads: ["y"] },
      { at: 1, reads: ["x"] },
    ]);
    expect(world.count(FETCH)).toBe(0);
  });

  test("what was read before is read as it was, here or where it was read", async () => {
    const client = await start("optimistic");
    parts[0].cut.expose([X1]);
    const x3 = version("x", "x3", [3, 0]);
    // It is still known at server 0, which shows something newer meanwhile.
    const here = await workflow(client, [
      { at: 0, reads: ["x"], after: () => parts[0].cut.expose([x3]) },
      { at: 0, reads: ["x"] },
    ]);
    expect(here.x).toBe("x1");
    const elsewhere = await workflow(client, [
      { at: 0, reads: ["x"], after: () => parts[1].cut.expose([version("x", "x4", [4, 0])]) },
      { at: 1, reads: ["x"] },
    ]);
    expect(elsewhere.x).toBe("x3");
  });

  test("a workflow that would read the effect of something newer than it has read is given up", async () => {
    const client = await start("optimistic");
    parts[0].cut.expose([X1, Y2]);
    const steps = [
      { at: 1, reads: ["x"] },
      { at: 0, reads: ["y"] },
    ];
    await expect(workflow(client, steps)).rejects.toMatchObject({ name: "Aborted", reason: "too new for what was read" });
    // What is newer and does not depend on it may be read.
    parts[0].cut.expose([version("z", "z1", [0, 1])]);
    expect(await workflow(client, [steps[0], { at: 0, reads: ["z"] }])).toEqual({ x: "none", z: "z1" });
  });

  test("also where the server has never shown that version by itself", async () => {
    const client = await start("optimistic");
    const steps = [
      { at: 1, reads: ["x"], after: () => parts[0].refresh.load(["x", "y"]) },
      { at: 0, reads: ["y"] },
    ];
    // Before server 0 looks, x is written once more, by somebody who has not seen the first.
    await put(X1, Y2, version("x", "later", [0, 1]));
    await expect(workflow(client, steps)).rejects.toMatchObject({ name: "Aborted", reason: "too new for what was read" });
  });

  test("that a server shows a later write says nothing about the earlier ones", async () => {
    const client = await start("optimistic");
    parts[0].cut.expose([X1, Y2]);
    parts[1].cut.expose([version("z", "z3", [3, 0])]);
    const read = await workflow(client, [
      { at: 0, reads: ["y"] },
      { at: 1, reads: ["x"] },
    ]);
    expect(read).toEqual({ x: "x1", y: "y2" });
  });

  test("branches that have read of different snapshots are found out where they are joined", async () => {
    const client = await start("optimistic");
    parts[0].cut.expose([X1, Y2]);
    const branch = async (at: number, key: string): Promise<Uint8Array | string> => {
      const run = await client.enter([], at, [key]);
      await run.read([key]);
      return await run.leave();
    };
    const contexts = [await branch(1, "x"), await branch(0, "y")];
    await expect(client.enter(contexts, 1, [])).rejects.toMatchObject({ reason: "too new for what was read" });
  });
});

describe("a cut", () => {
  test("keeps what it has shown for a while", () => {
    let now = 0;
    const cut = new CausalCut(() => now);
    cut.expose([version("x", "x0", [])]);
    const { number } = cut;
    cut.expose([X1]);
    expect(cut.at("x", number)?.value).toBe("x0");
    now = 60_000;
    cut.expose([]);
    expect(cut.at("x", number)).toBeUndefined();
  });
});

/** Writes that the store gets one by one. */
async function put(...versions: readonly StoredVersion[]): Promise<void> {
  for (const one of versions) {
    await parts[0].refresh.store.call(
      PUT_VERSIONS,
      (out) => {
        out.varint(1);
        writeVersion(out, one);
      },
      () => undefined,
    );
  }
}
