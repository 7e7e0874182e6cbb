// Keyv's own suite, and what is the mesh's about it.

import keyvTestSuite, { keyvApiTests } from "@keyv/test-suite";
import { createMesh, type Mesh } from "@causalmesh/core";
import { memoryStore } from "@causalmesh/adapter-memory";
import Keyv from "keyv";
import * as vitest from "vitest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keyvStore, type KeyvStoreOptions } from "../src/index.js";

let mesh: Mesh;

/** Each with a mesh of its own: Keyv's suite sets the clock of the process. */
function withMesh(name: string, nodes: number, tests: () => void): void {
  describe(name, () => {
    beforeAll(async () => void (mesh = await createMesh({ nodes, store: memoryStore() })));
    afterAll(() => mesh.close());
    tests();
  });
}

// The suite's tests do not follow one another in a session, and each expects what the one before has cleared to be gone: one node, which all of them ask.
withMesh("@keyv/test-suite", 1, () => {
  keyvTestSuite(vitest, Keyv, () => keyvStore(mesh));
});

withMesh("@keyv/test-suite within a session", 1, () => {
  // Each test in a session of its own, but for those that await nothing: a session refuses to end then.
  const it = (name: string, test: (context: vitest.TestContext) => Promise<void>): void => {
    if (!name.includes("returns a Promise")) vitest.it(name, (context) => mesh.run(() => test(context)));
  };
  const within = { ...vitest, it };
  keyvApiTests(within as never, Keyv, () => keyvStore(mesh, { prefix: "within" }));
});

withMesh("a Keyv", 3, () => {
  const open = (options: KeyvStoreOptions & { namespace?: string } = {}): Keyv =>
    new Keyv({ store: keyvStore(mesh, { durability: "memory", ...options }), namespace: options.namespace, throwOnErrors: true });

  it("in each function of a workflow sees what those before it set and cleared, at whichever node", async () => {
    for (let round = 0; round < 30; round++) {
      const token = await mesh.run(
        undefined,
        async () => {
          const keyv = open();
          await Promise.all([keyv.set("a", `old ${round}`), keyv.set("gone", round)]);
          await keyv.clear();
          await Promise.all([
            keyv.set("a", round),
            keyv.setMany([
              { key: "b", value: round },
              { key: "c", value: round, ttl: 60_000 },
            ]),
          ]);
          return await mesh.token();
        },
        { node: "node-1" },
      );
      const seen = await mesh.run(token, () => open().getMany(["a", "b", "c", "gone"]), { node: `node-${1 + (round % 3)}` });
      expect(seen).toEqual([round, round, round, undefined]);
    }
  });

  it("has a namespace that is cleared alone, also where the names look alike", async () => {
    // Apart from the clearing of other tests, which these sessions do not follow.
    const [plain, a, ab] = [undefined, "a", "a:b"].map((namespace) => open({ prefix: "alike", namespace }));
    await a.set("b:c", 1);
    await ab.set("c", 2);
    await plain.set("a:b:c", 3);
    expect([await a.get("b:c"), await ab.get("c"), await plain.get("a:b:c")]).toEqual([1, 2, 3]);
    await a.clear();
    expect([await a.get("b:c"), await ab.get("c"), await plain.get("a:b:c")]).toEqual([undefined, 2, 3]);
  });

  it("tells which of several keys are there, and lets them expire by itself", async () => {
    const keyv = open({ prefix: "expiry" });
    await keyv.set("short", 1, 300);
    await keyv.set("long", 1);
    expect(await keyv.hasMany(["short", "long", "never"])).toEqual([true, true, false]);
    await new Promise((resolve) => setTimeout(resolve, 400));
    // By the mesh's own clock, and not by Keyv's: nothing of the value is left.
    expect(await keyvStore(mesh, { prefix: "expiry" }).hasMany!(["keyv:short"])).toEqual([false]);
    expect(await keyv.has("long")).toBe(true);
  });

  it("reports what the mesh refuses", async () => {
    await expect(open().set("k", "x".repeat(2 * 1024 * 1024))).rejects.toMatchObject({ code: "VALUE_TOO_LARGE" });
    const silent = new Keyv({ store: keyvStore(mesh) });
    const failure = new Promise((resolve) => silent.on("error", resolve));
    await silent.set("k", "x".repeat(2 * 1024 * 1024));
    expect(await failure).toMatchObject({ code: "VALUE_TOO_LARGE" });
  });

  it("leaves the mesh open when it is disconnected", async () => {
    const keyv = open();
    await keyv.disconnect();
    await keyv.set("k", 1);
    expect(await keyv.get("k")).toBe(1);
  });
});
