// The driver in unstorage itself.

import { createMesh, type Mesh } from "@causalmesh/core";
import { memoryStore } from "@causalmesh/adapter-memory";
import { createStorage, prefixStorage, type Storage } from "unstorage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { meshDriver, type MeshDriverOptions } from "../src/index.js";

let mesh: Mesh;
beforeAll(async () => void (mesh = await createMesh({ nodes: 3, store: memoryStore() })));
afterAll(() => mesh.close());

let count = 0;
function open(options: Partial<MeshDriverOptions> = {}): Storage {
  return createStorage({ driver: meshDriver({ mesh, prefix: `test ${++count}`, ...options }) });
}

describe("unstorage on a mesh", () => {
  it.each(["text", "", "{broken", 'with "quotes"', 5, true, null, { a: { b: [1, "x"] } }, [1, 2]])("sets and gets %j", async (value) => {
    const storage = open();
    await storage.setItem("a:b", value);
    expect(await storage.getItem("a:b")).toEqual(value);
  });

  it("sets and gets raw values as they are", async () => {
    const storage = open();
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    for (const value of [bytes, new Date(5), new Map([["a", 1n]]), { at: new Date(5) }]) {
      await storage.setItemRaw("raw", value);
      expect(await storage.getItemRaw("raw")).toEqual(value);
    }
  });

  it("tells whether there is an item, removes it, and lets it expire", async () => {
    const storage = open();
    expect([await storage.hasItem("k"), await storage.getItem("k")]).toEqual([false, null]);
    await storage.setItem("k", 1);
    expect(await storage.hasItem("k")).toBe(true);
    await storage.removeItem("k");
    expect(await storage.hasItem("k")).toBe(false);
    await storage.setItem("short", 1, { ttl: 0.3 });
    expect(await storage.getItem("short")).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await storage.getItem("short")).toBeNull();
    const shortLived = open({ ttl: 300 });
    await shortLived.setItem("k", 1);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await shortLived.hasItem("k")).toBe(false);
  });

  it("gets several items, with and without metadata, and below a prefix", async () => {
    const storage = open();
    await storage.setItems([
      { key: "a", value: "1" },
      { key: "b", value: "2" },
    ]);
    expect(await storage.getItems(["a", "b", "c"])).toEqual([
      { key: "a", value: 1 },
      { key: "b", value: 2 },
      { key: "c", value: null },
    ]);
    await storage.setMeta("a", { by: "me" });
    expect(await storage.getMeta("a")).toEqual({ by: "me" });
    const below = prefixStorage(storage, "base");
    await below.setItem("k", 1);
    expect([await below.getItem("k"), await storage.getItem("base:k")]).toEqual([1, 1]);
  });

  it("in each function of a workflow sees what those before it did, at whichever node", async () => {
    const storage = open({ durability: "memory" });
    for (let round = 0; round < 30; round++) {
      const token = await mesh.run(
        undefined,
        async () => {
          await storage.setItem("gone", round);
          await storage.clear();
          await Promise.all([storage.setItem("a", round), storage.setItem("b", round)]);
          return await mesh.token();
        },
        { node: "node-1" },
      );
      const seen = await mesh.run(token, () => Promise.all(["a", "b", "gone"].map((key) => storage.getItem(key))), { node: `node-${1 + (round % 3)}` });
      expect(seen).toEqual([round, round, null]);
    }
  });

  it("clears its own items, and says that it lists none", async () => {
    const [storage, other] = [open(), open()];
    await storage.setItem("a", 1);
    await other.setItem("a", 2);
    await storage.clear();
    expect([await storage.getItem("a"), await other.getItem("a")]).toEqual([null, 2]);
    for (const call of [other.getKeys(), other.getKeys("a")]) await expect(call).rejects.toMatchObject({ code: "OPTION_INVALID" });
    expect(await other.getItem("a")).toBe(2);
    expect(() => meshDriver({} as never)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  });
});
