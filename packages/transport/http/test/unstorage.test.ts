// unstorage's own http driver, unchanged, against the front.

import { createStorage, type Storage } from "unstorage";
import httpDriver from "unstorage/drivers/http";
import { describe, expect, it } from "vitest";
import { apiKeys, embedded, KEYS, served } from "./support/front.js";

async function storage(): Promise<{ storage: Storage; url: string }> {
  const mesh = await embedded({ nodes: 3 });
  const { url } = await served(mesh, { apiKeys, node: "node-1" });
  // Each call of the driver's is a session of its own: with "everywhere" a write is shown by its node to all of them once it is answered.
  const headers = { authorization: `Bearer ${KEYS.writer}`, "causalmesh-durability": "everywhere" };
  return { storage: createStorage({ driver: httpDriver({ base: `${url}/v1/blue`, headers }) }), url };
}

describe("unstorage", () => {
  it.each(["text", "", "{broken", 'with "quotes"', 5, true, null, { a: { b: [1, "x"] } }, [1, 2]])("sets and gets %j", async (value) => {
    const { storage: store } = await storage();
    await store.setItem("a:b", value);
    expect(await store.getItem("a:b")).toEqual(value);
  });

  it("sets and gets bytes as they are", async () => {
    const { storage: store } = await storage();
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    await store.setItemRaw("bytes", bytes);
    expect(new Uint8Array((await store.getItemRaw<ArrayBuffer>("bytes"))!)).toEqual(bytes);
  });

  it("tells whether there is an item, removes it, and lets it expire", async () => {
    const { storage: store } = await storage();
    expect([await store.hasItem("k"), await store.getItem("k")]).toEqual([false, null]);
    await store.setItem("k", 1);
    expect(await store.hasItem("k")).toBe(true);
    const { mtime } = await store.getMeta("k");
    expect(Math.abs(Date.now() - mtime!.getTime())).toBeLessThan(60_000);
    await store.removeItem("k");
    expect(await store.hasItem("k")).toBe(false);
    await store.setItem("short", 1, { ttl: 1 });
    expect(await store.getItem("short")).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 1_300));
    expect(await store.getItem("short")).toBeNull();
  });

  it("keeps keys with unusual characters apart", async () => {
    const { storage: store } = await storage();
    const keys = ["a", "a:b", "a b", "a%b", "ä", "a.b", "read", "write"];
    for (const key of keys) await store.setItem(key, `value of ${key}`);
    for (const key of keys) expect(await store.getItem(key)).toBe(`value of ${key}`);
  });

  it("is told in words that keys are neither listed nor cleared", async () => {
    const { storage: store } = await storage();
    await store.setItem("k", 1);
    for (const call of [store.getKeys(), store.getKeys("a"), store.clear()]) {
      const error = await call.then(
        () => undefined,
        (failure: { status: number; data: { code: string; detail: string } }) => failure,
      );
      expect([error?.status, error?.data.code, error?.data.detail]).toEqual([501, "UNSUPPORTED", expect.stringContaining("lists and clears no keys")]);
    }
    expect(await store.getItem("k")).toBe(1);
  });

  it("without credentials fails, and does not take it for an absent key", async () => {
    const { url } = await storage();
    const store = createStorage({ driver: httpDriver({ base: `${url}/v1/blue` }) });
    for (const call of [store.getItem("k"), store.hasItem("k"), store.setItem("k", 1)]) await expect(call).rejects.toMatchObject({ status: 401 });
  });
});
