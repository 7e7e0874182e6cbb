// What is loaded from elsewhere: cached for a while, and never shown to a session that has seen it invalidated.

import { describe, expect, it } from "vitest";
import { memoryTransport } from "../src/embedded/memory-transport.js";
import { createMesh } from "../src/embedded/create-mesh.js";
import { readThrough } from "../src/read-through.js";
import { CutTransport } from "./support/cut-transport.js";
import { cluster, codeOf, until } from "./support/cluster.js";
import { TestStore } from "./support/test-store.js";

/** A table that others write, with a count of the loads and a gate that holds them. */
class Table {
  readonly rows = new Map<string, unknown>();
  readonly loads: (readonly string[])[] = [];
  gate: Promise<void> = Promise.resolve();
  failure: Error | undefined;

  load = async (keys: readonly string[]): Promise<unknown[]> => {
    this.loads.push([...keys]);
    // What is read is what stood there when the load began.
    const values = keys.map((key) => this.rows.get(key));
    await this.gate;
    if (this.failure !== undefined) throw this.failure;
    return values;
  };

  hold(): () => void {
    let open!: () => void;
    this.gate = new Promise((resolve) => (open = resolve));
    return open;
  }
}

describe("a key with a loader", () => {
  it("is loaded once for all who ask at a time, and remembered, absence included", async () => {
    const table = new Table();
    table.rows.set("film:1", { title: "Metropolis" });
    const { connect } = await cluster({ nodes: 1, readThrough: readThrough({ prefix: "film:", load: table.load }) });
    const mesh = await connect();
    const values = await Promise.all(Array.from({ length: 100 }, () => mesh.session().get("film:1")));
    expect(values).toEqual(values.map(() => ({ title: "Metropolis" })));
    expect(await mesh.session().getMany(["film:1", "film:2", "other"])).toEqual([{ title: "Metropolis" }, undefined, undefined]);
    expect(await mesh.session().get("film:2")).toBeUndefined();
    expect(table.loads).toEqual([["film:1"], ["film:2"]]);
  });

  it("is loaded again when its time is over", async () => {
    const table = new Table();
    const clockOffsets = [0];
    table.rows.set("k", 1);
    const { connect } = await cluster({ nodes: 1, clockOffsets, readThrough: readThrough({ load: table.load, ttl: "20s" }) });
    const session = (await connect()).session();
    expect(await session.get("k")).toBe(1);
    table.rows.set("k", 2);
    clockOffsets[0] = 19_000;
    expect(await session.get("k")).toBe(1);
    clockOffsets[0] = 21_000;
    expect(await session.get("k")).toBe(2);
    expect(await session.getMany(["k"])).toEqual([2]);
    expect(table.loads).toHaveLength(2);
  });

  it("is shown as it was written, where the mesh has a value of its own, until that is deleted", async () => {
    const table = new Table();
    table.rows.set("k", "theirs");
    const store = new TestStore();
    const { connect } = await cluster({ nodes: 2, store, readThrough: readThrough({ load: table.load }) });
    const session = (await connect()).session();
    await session.set("k", "ours", { durability: "stored" });
    expect(await session.get("k")).toBe("ours");
    await session.delete("k", { durability: "stored" });
    expect(await session.get("k")).toBe("theirs");
    expect(store.content.rows.get("k")!.value).toBeNull();
  });

  it("comes without its namespace, and its value as the mesh's codec reads it", async () => {
    const table = new Table();
    table.rows.set("k", new Date(5));
    const mesh = await createMesh({ nodes: 2, namespace: "shop", store: new TestStore(), readThrough: readThrough({ load: table.load }) });
    for (let round = 0; round < 2; round++) expect(await mesh.session().get("k")).toEqual(new Date(5));
    expect(table.loads.flat()).toContain("k");
    await mesh.close();
  });

  it("fails with the loader's reason, and is asked for again the next time", async () => {
    const table = new Table();
    table.failure = new Error("the table is locked");
    const { connect, fatals } = await cluster({ nodes: 1, readThrough: readThrough({ load: table.load }) });
    const session = (await connect()).session();
    await expect(session.get("k")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", message: expect.stringContaining("the table is locked") as string });
    table.failure = undefined;
    table.rows.set("k", 1);
    expect(await session.get("k")).toBe(1);
    const short = await cluster({ nodes: 1, readThrough: readThrough({ load: async () => [] }) });
    expect(await codeOf((await short.connect()).session().get("k"))).toBe("VALUE_INVALID");
    const large = await cluster({ nodes: 1, readThrough: readThrough({ load: async () => ["x".repeat(2 ** 20)] }) });
    expect(await codeOf((await large.connect()).session().get("k"))).toBe("VALUE_TOO_LARGE");
    expect(fatals).toEqual([]);
  });

  it("is refused wrong options", async () => {
    for (const options of [{}, { load: 1 }, { load: async () => [], ttl: "soon" }, { load: async () => [], prefix: 1 }])
      expect(await codeOf(() => readThrough(options as never))).toMatch(/^(OPTION|TTL)_INVALID$/);
  });
});

describe("invalidate", () => {
  it("keeps what was loaded before it from the session that made it, at each node, at once", async () => {
    const table = new Table();
    const { connect, addresses } = await cluster({ nodes: 3, readThrough: readThrough({ load: table.load }) });
    const mesh = await connect();
    for (let round = 0; round < 200; round++) {
      const session = mesh.session(undefined, { node: addresses[round % 3] });
      table.rows.set("k", round);
      await session.invalidate("k", { durability: round % 2 === 0 ? "memory" : "replicated" });
      const token = await session.token();
      for (const node of addresses) {
        const next = mesh.session(token, { node });
        expect(round % 4 < 2 ? await next.get("k") : (await next.getMany(["k", "other"]))[0], `round ${round} at ${node}`).toBe(round);
      }
    }
  });

  it("keeps it from whoever has seen something that follows it", async () => {
    const table = new Table();
    const { connect, addresses } = await cluster({ nodes: 3, readThrough: readThrough({ prefix: "film:", load: table.load }) });
    const mesh = await connect();
    table.rows.set("film:1", "old");
    for (const node of addresses) expect(await mesh.session(undefined, { node }).get("film:1")).toBe("old");
    const writer = mesh.session(undefined, { node: addresses[0] });
    table.rows.set("film:1", "new");
    await writer.invalidate("film:1");
    await writer.set("news", "film:1 has changed");
    for (const node of addresses) {
      const reader = mesh.session(undefined, { node });
      await until(async () => (await reader.get("news")) !== undefined);
      expect(await reader.get("film:1")).toBe("new");
    }
  });

  it("is not outrun by a load that began before it", async () => {
    const table = new Table();
    const { connect, hosts } = await cluster({ nodes: 1, readThrough: readThrough({ load: table.load }) });
    const mesh = await connect();
    table.rows.set("k", "old");
    const open = table.hold();
    const early = mesh.session().get("k");
    await until(() => table.loads.length === 1);
    const session = mesh.session();
    table.rows.set("k", "new");
    await session.invalidate("k", { durability: "memory" });
    const late = session.get("k");
    await until(() => hosts[0].status().reads === 2);
    open();
    expect(await late).toBe("new");
    expect(await early).toBe("new");
  });

  it("holds for a session whose invalidation the next node has not received", async () => {
    const table = new Table();
    const inner = memoryTransport();
    const ring = new CutTransport(inner);
    const { connect, addresses } = await cluster({ nodes: 2, transport: ring, readThrough: readThrough({ load: table.load }) });
    const mesh = await connect({ transport: inner });
    table.rows.set("k", "old");
    for (const node of addresses) expect(await mesh.session(undefined, { node }).get("k")).toBe("old");
    for (const link of ring.tapped) link.hold();
    table.rows.set("k", "new");
    const session = mesh.session(undefined, { node: addresses[0] });
    await session.invalidate("k", { durability: "memory" });
    const next = mesh.session(await session.token(), { node: addresses[1] });
    expect(await next.get("k")).toBe("new");
    expect(await next.getMany(["k"])).toEqual(["new"]);
    expect(await next.getEntry("k")).toMatchObject({ hit: true, value: "new" });
    for (const link of ring.tapped) link.release();
  });
});
