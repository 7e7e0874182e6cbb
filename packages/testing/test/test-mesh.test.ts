// Worlds for tests: time that is virtual, faults that happen when they are ordered, and assertions that fail where they should.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as realSleep } from "node:timers/promises";
import { inspectToken, MeshError } from "@causalmesh/core";
import { describe, expect, it } from "vitest";
import { testMesh } from "../src/index.js";

const MEMORY = { durability: "memory" } as const;

describe("testMesh", () => {
  it("runs a workflow over the nodes, with sessions by hand and ambient ones", async () => {
    const result = await testMesh(async ({ mesh, nodes }) => {
      const token = await mesh.run(
        async () => {
          await mesh.all([() => mesh.set("a", 1, MEMORY), () => mesh.set("b", 2, MEMORY)]);
          return await mesh.token();
        },
        { node: nodes[0] },
      );
      return await mesh.session(token, { node: nodes[2] }).getMany(["a", "b"]);
    });
    expect(result).toEqual([1, 2]);
  });

  it("has virtual time, which passes at once", async () => {
    const begin = performance.now();
    const passed = await testMesh(async (world) => {
      const { mesh } = world;
      const before = world.now;
      const session = mesh.session();
      await session.set("short", 1, { ttl: "1h" });
      await world.sleep(59 * 60_000);
      expect(await session.get("short")).toBe(1);
      await world.sleep(2 * 60_000);
      expect(await session.get("short")).toBeUndefined();
      return world.now - before;
    });
    expect(passed).toBeGreaterThanOrEqual(61 * 60_000);
    expect(performance.now() - begin).toBeLessThan(passed);
  });

  it("delays links as ordered, and no others", async () => {
    await testMesh(async (world) => {
      const { mesh, nodes } = world;
      const session = mesh.session(undefined, { node: nodes[0] });
      const timed = async (durability: "memory" | "everywhere"): Promise<number> => {
        const begin = world.now;
        await session.set("k", 1, { durability });
        return world.now - begin;
      };
      await timed("everywhere");
      const [near, nearRound] = [await timed("memory"), await timed("everywhere")];
      expect(nearRound).toBeLessThan(20);
      world.delay(nodes[1], nodes[2], 300);
      expect(await timed("everywhere")).toBeGreaterThan(150);
      expect(await timed("memory")).toBeLessThan(near + 20);
      world.delay("client", nodes[0], 100);
      expect(await timed("memory")).toBeGreaterThan(90);
    });
  });

  it("cuts a node off: sessions go on at the others with all that they have seen, and it comes back", async () => {
    await testMesh(async (world) => {
      const { mesh, nodes } = world;
      const session = mesh.session(undefined, { node: nodes[1] });
      await session.set("before", 1);
      world.cut(nodes[1]);
      await session.set("during", 2);
      expect(session.node).not.toBe(nodes[1]);
      await world.sleep(20_000);
      expect((await mesh.status()).members.map(({ address }) => address)).not.toContain(nodes[1]);
      await world.assertSees(session, { before: 1, during: 2 });
      world.heal(nodes[1]);
      await world.sleep(20_000);
      expect((await mesh.status()).members.map(({ address }) => address)).toContain(nodes[1]);
      await world.assertSees(session, { before: 1, during: 2 });
    });
  });

  it("kills a node, whose unreplicated writes their sessions make again, and starts it again", async () => {
    await testMesh(async (world) => {
      const { mesh, nodes } = world;
      const session = mesh.session(undefined, { node: nodes[0] });
      await session.set("own", "still there", MEMORY);
      world.kill(nodes[0]);
      expect(await session.get("own")).toBe("still there");
      await world.sleep(20_000);
      await world.restart(nodes[0]);
      await world.assertSees(session, { own: "still there" });
    });
  });

  it("takes the store away and gives it back", async () => {
    await testMesh(async (world) => {
      const session = world.mesh.session();
      world.storeIsAway(true);
      await expect(session.get("never loaded")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
      world.storeIsAway(false);
      expect(await session.get("never loaded")).toBeUndefined();
    });
  });

  it("shows what no session carries: a stranger reads the old value, and the assertion names it", async () => {
    await testMesh(async (world) => {
      const { mesh, nodes } = world;
      await mesh.session().set("k", "old", { durability: "everywhere" });
      for (const node of nodes) await mesh.session(undefined, { node }).get("k");
      world.delay(nodes[0], nodes[1], 500);
      const writer = mesh.session(undefined, { node: nodes[0] });
      await writer.set("k", "new", MEMORY);
      expect(inspectToken(await writer.token()).own).toHaveLength(1);
      await world.assertSees(writer, { k: "new", absent: undefined });
      const stranger = mesh.session(undefined, { node: nodes[1] });
      expect(await stranger.get("k")).toBe("old");
      await expect(world.assertSees(stranger, { k: "new" })).rejects.toThrow(/should see k as "new" at node-\d, and sees "old" at node-\d/);
    });
  });

  it("has clients in other programs, which are cut off by their names", async () => {
    await testMesh(async (world) => {
      const other = await world.connect("other");
      const session = other.session();
      await session.set("k", 1);
      world.cut("other");
      await expect(session.get("k", { timeoutMs: 500 })).rejects.toMatchObject({ code: "TIMEOUT" });
      expect(await world.mesh.session().has("k")).toBe(true);
      world.heal("other");
      await world.sleep(5_000);
      expect(await session.get("k")).toBe(1);
    });
  });

  it("makes a snapshot too old where nodes keep no old versions", async () => {
    const read = (snapshotRetention: 0 | undefined): Promise<unknown> =>
      testMesh(
        async ({ mesh }) => {
          const writer = mesh.session();
          await writer.setMany(Object.entries({ a: 1, b: 1 }), { durability: "everywhere" });
          const transaction = mesh.session().begin();
          await transaction.get("a");
          await writer.setMany(Object.entries({ a: 2, b: 2 }), { durability: "everywhere" });
          return await transaction.get("b");
        },
        { node: { snapshotRetention } },
      );
    expect(await read(undefined)).toBe(1);
    await expect(read(0)).rejects.toMatchObject({ code: "SNAPSHOT_TOO_OLD" });
  });

  it("gives the same run for the same seed", async () => {
    const run = (seed: number): Promise<number[]> =>
      testMesh(
        async (world) => {
          const times: number[] = [];
          for (let round = 0; round < 5; round++) {
            await world.mesh.session().set(`k${round}`, round, { durability: "everywhere" });
            times.push(world.now);
          }
          return times;
        },
        { seed },
      );
    expect(await run(7)).toEqual(await run(7));
    expect(await run(7)).not.toEqual(await run(8));
  });

  it("lets the test await other things, and hands on its failure with the seed", async () => {
    expect(await testMesh(async ({ mesh }) => (await realSleep(20), await mesh.session().get("k")))).toBeUndefined();
    await expect(testMesh(() => Promise.reject(new Error("its own")), { seed: 5 })).rejects.toThrow(
      /its own\n\(in testMesh with seed 5, after \d+ virtual ms\)/,
    );
    await expect(testMesh(() => new Promise(() => {}), { nodes: 0 })).rejects.toThrow(MeshError);
  });

  it("refuses orders for what is not there", async () => {
    await testMesh(async (world) => {
      for (const order of [() => world.cut("node-9"), () => world.heal("nobody"), () => world.delay("node-1", "nobody", 5), () => world.kill("client")])
        expect(order).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
      await expect(world.restart("node-1")).rejects.toMatchObject({ code: "OPTION_INVALID" });
      await expect(world.connect("client")).rejects.toMatchObject({ code: "OPTION_INVALID" });
    });
  });
});

describe("the README", () => {
  it("has an example that runs", async () => {
    const [, code] = /<!-- example -->\n```js\n([\s\S]*?)```/.exec(readFileSync(new URL("../README.md", import.meta.url), "utf8"))!;
    const printed = execFileSync(process.execPath, ["--input-type=module", "--eval", code], { cwd: new URL("..", import.meta.url), encoding: "utf8" });
    expect(printed).toMatch(/^# pass 1$/m);
  });
});
