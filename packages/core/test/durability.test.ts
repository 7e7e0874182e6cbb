// Durability levels, the store's outages and bounds, and beginning again from the store: what an acknowledgement is worth, and that nothing
// acknowledged is dropped.

import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { memoryTransport } from "../src/embedded/memory-transport.js";
import { LOG_BYTES_MAX } from "../src/limits.js";
import { cluster, codeOf, until } from "./support/cluster.js";
import { CutTransport } from "./support/cut-transport.js";
import { storeWithPast, TestStore } from "./support/test-store.js";

/** A gate that holds calls of the store until it is opened. */
function gate(): { closed: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const closed = new Promise<void>((resolve) => (open = resolve));
  return { closed, open };
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const state = await Promise.race([
    promise.then(
      () => "settled",
      () => "settled",
    ),
    sleep(30, "pending"),
  ]);
  return state === "pending";
}

describe("durability", () => {
  it("`stored` is answered when the store has the write, and not before", async () => {
    const { connect, store, addresses } = await cluster();
    const mesh = await connect();
    for (const node of addresses) {
      const session = mesh.session(undefined, { node });
      const { closed, open } = gate();
      store.applyGate = closed;
      const write = session.set(`k ${node}`, node, { durability: "stored" });
      expect(await isPending(write)).toBe(true);
      expect(store.value(`k ${node}`)).toBeUndefined();
      open();
      await write;
      expect(store.value(`k ${node}`)).toBe(node);
      await session.delete(`k ${node}`, { durability: "stored" });
      expect(store.content.rows.get(`k ${node}`)).toMatchObject({ value: null });
    }
  });

  it("`everywhere` is answered when every node has it, and `replicated` when the successor has, whatever the store does", async () => {
    const { connect, store, addresses, hosts } = await cluster();
    store.applyGate = new Promise(() => undefined);
    const mesh = await connect();
    for (const [index, node] of addresses.entries()) {
      const session = mesh.session(undefined, { node });
      await session.set("k", node, { durability: "replicated" });
      const replica = hosts[index].replica;
      expect(hosts[(index + 1) % 3].status().received[replica]).toBe(1);
      await session.set("k", node, { durability: "everywhere" });
      for (const host of hosts) expect(host.status().received[replica]).toBe(2);
      expect(store.content.rows.size).toBe(0);
    }
    store.applyGate = Promise.resolve();
    store.away = true;
  }, 20_000);

  it("`memory` is answered although nobody else can be reached, `replicated` is not", async () => {
    const transport = new CutTransport(memoryTransport());
    const { connect, hosts } = await cluster({ transport });
    const mesh = await connect({ transport: transport, nodes: ["n1"] });
    await until(() => hosts[0].status().linkBytes > 0);
    transport.unreachable.add("n2");
    for (const link of transport.to("n2")) link.cut();
    const session = mesh.session(undefined, { node: "n1" });
    await session.set("k", 1, { durability: "memory" });
    expect(await session.get("k")).toBe(1);
    const replicated = session.set("k", 2, { durability: "replicated" });
    expect(await isPending(replicated)).toBe(true);
    // The link comes back and goes on from what the successor has: nothing is lost, nothing comes twice.
    transport.unreachable.clear();
    await replicated;
    await session.set("k", 3, { durability: "everywhere" });
    for (const host of hosts) expect(host.status().received[1]).toBe(3);
    expect(await mesh.session(await session.token(), { node: "n2" }).get("k")).toBe(3);
  });

  it("of a mesh of one node takes `replicated` and `everywhere` for `stored`: nobody else could have it", async () => {
    const { connect, store } = await cluster({ nodes: 1 });
    const mesh = await connect();
    const { closed, open } = gate();
    store.applyGate = closed;
    const levels = ["replicated", "everywhere"] as const;
    const writes = levels.map((durability) => mesh.session().set(durability, 1, { durability }));
    for (const write of writes) expect(await isPending(write)).toBe(true);
    await mesh.session().set("other", 1, { durability: "memory" });
    open();
    await Promise.all(writes);
    for (const level of levels) expect(store.value(level)).toBe(1);
  });

  it("that is not reached in time is a TIMEOUT that says what may still happen", async () => {
    const { connect, store } = await cluster();
    const { closed, open } = gate();
    store.applyGate = closed;
    const session = (await connect()).session();
    await expect(session.set("k", 1, { durability: "stored", timeoutMs: 40 })).rejects.toMatchObject({
      code: "TIMEOUT",
      message: expect.stringContaining("a write may still happen") as string,
    });
    open();
    await until(() => store.value("k") === 1);
  });

  it("of a mesh or a session holds for all its writes", async () => {
    const { connect, store } = await cluster();
    const mesh = await connect({ durability: "stored" });
    await mesh.session().set("a", 1);
    expect(store.value("a")).toBe(1);
    const { closed, open } = gate();
    store.applyGate = closed;
    await mesh.session(undefined, { durability: "memory" }).set("b", 1);
    expect(store.value("b")).toBeUndefined();
    open();
  });

  it("of `memory` keeps nothing from the store: it gets what sessions of the same process write without a pause while they write", async () => {
    const { connect, store } = await cluster({ nodes: 1 });
    const session = (await connect({ durability: "memory" })).session();
    let writes = 0;
    while (store.content.rows.size === 0 && writes < 20_000) await session.set("k", (writes += 1));
    expect(store.value("k")).toBeLessThanOrEqual(writes);
  });
});

describe("while the store is away", () => {
  it("hits, writes and their way round go on, misses fail at once, and flushing resumes", async () => {
    const store = await storeWithPast();
    const { connect, addresses, hosts, fatals } = await cluster({ store });
    store.put("only in the store", 1);
    const mesh = await connect();
    const session = mesh.session();
    await session.set("k", 1, { durability: "stored" });
    for (const node of addresses) expect(await mesh.session(await session.token(), { node }).get("k")).toBe(1);
    store.away = true;
    for (let round = 0; round < 30; round++) {
      const moved = mesh.session(await session.token(), { node: addresses[round % 3] });
      await moved.set(`during ${round}`, round, { durability: "everywhere" });
      expect(await moved.get("k")).toBe(1);
      // Nobody can say whether the store has a newer row of a key that is new here.
      expect(await moved.get(`during ${round}`).catch((error: { code: string }) => error.code)).toBe("STORE_UNAVAILABLE");
    }
    await expect(session.get("only in the store")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
    await expect(session.getMany(["k", "only in the store"])).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(await codeOf(session.set("k", 2, { durability: "stored", timeoutMs: 50 }))).toBe("TIMEOUT");
    store.away = false;
    await until(() => store.value("during 29") === 29 && store.value("k") === 2);
    expect(await session.get("only in the store")).toBe(1);
    await until(() => hosts.every((host) => host.status().log === 0));
    expect(fatals).toEqual([]);
  });

  it("writes are refused with OVERLOADED at the bound and taken again afterwards; nothing acknowledged is lost", async () => {
    const { connect, store, hosts } = await cluster();
    store.away = true;
    const mesh = await connect();
    const session = mesh.session(undefined, { node: "n2" });
    const value = "v".repeat(1024 * 1024 - 2);
    let acknowledged = 0;
    let refused: { code?: string; retryAfterMs?: number } = {};
    while (refused.code === undefined) {
      try {
        await session.set(`k${acknowledged % 4}`, value, { durability: "everywhere" });
        await session.set("last", acknowledged + 1, { durability: "everywhere" });
        acknowledged += 1;
      } catch (error) {
        refused = error as typeof refused;
      }
    }
    expect(refused).toMatchObject({ code: "OVERLOADED", retryable: true, retryAfterMs: 250 });
    expect(hosts[1].status().logBytes).toBeGreaterThan(LOG_BYTES_MAX / 3 - 4 * 1024 * 1024);
    // Another node has its own share.
    await mesh.session(undefined, { node: "n3" }).set("other", 1, { durability: "everywhere" });
    store.away = false;
    await until(async () => (await codeOf(session.set("after", 1, { durability: "stored" }))) === "none");
    expect(store.value("last")).toBe(acknowledged);
    expect(store.value("other")).toBe(1);
    await until(() => hosts.every((host) => host.status().logBytes === 0));
  });
});

describe("a cache that is too small", () => {
  it("evicts what the store has, loads it again, and never shows anything but the newest", async () => {
    const { connect, hosts, addresses, fatals } = await cluster({ cacheBytes: 64 * 1024 });
    const mesh = await connect();
    const newest = new Map<string, string>();
    let token: string | undefined;
    for (let round = 0; round < 300; round++) {
      const session = mesh.session(token, { node: addresses[round % 3] });
      const key = `k${(round * 7) % 150}`;
      newest.set(key, `${round} ${"x".repeat(1500)}`);
      await session.set(key, newest.get(key), { durability: "replicated" });
      const other = `k${(round * 13) % 150}`;
      expect(await session.get(other)).toBe(newest.get(other));
      const several = [`k${round % 150}`, `k${(round * 3) % 150}`, `k${(round * 5) % 150}`];
      expect(await session.getMany(several)).toEqual(several.map((each) => newest.get(each)));
      token = await session.token();
    }
    expect(hosts.some((host) => host.status().evictions > 50)).toBe(true);
    expect(fatals).toEqual([]);
  });

  it("asks the store once for what many miss at once, and once for all keys of a tick", async () => {
    const store = await storeWithPast();
    const { connect } = await cluster({ nodes: 1, store });
    for (let index = 0; index < 20; index++) store.put(`k${index}`, index);
    const mesh = await connect();
    const values = await Promise.all(Array.from({ length: 200 }, (_, index) => mesh.session().get(`k${index % 20}`)));
    expect(values).toEqual(Array.from({ length: 200 }, (_, index) => index % 20));
    const asked = store.getManyCalls.flat();
    expect(asked.sort()).toEqual([...new Set(asked)].sort());
    expect(store.getManyCalls.length).toBeLessThan(10);
    // Absent keys are remembered as absent.
    for (let round = 0; round < 5; round++) expect(await mesh.session().get("never")).toBeUndefined();
    expect(store.getManyCalls.flat().filter((key) => key === "never")).toHaveLength(1);
  });

  it("merges a write with the row that it did not know: the winner is shown, whichever came first", async () => {
    const store = await storeWithPast();
    const { connect, hosts } = await cluster({ nodes: 1, store });
    const mesh = await connect();
    store.put("older row", "of the store", { timestamp: 1 });
    await mesh.session().set("older row", "of the mesh", { durability: "memory" });
    expect(await mesh.session().get("older row")).toBe("of the mesh");
    // A row from a clock that was ahead of this node's: it wins, and what is written after reading it wins over it.
    store.put("newer row", "of the store", { timestamp: hosts[0].node.clock.now() + 4096 * 10_000 });
    await mesh.session().set("newer row", "of the mesh", { durability: "memory" });
    expect(await mesh.session().get("newer row")).toBe("of the store");
    const session = mesh.session();
    await session.get("newer row");
    await session.set("newer row", "newest", { durability: "stored" });
    expect([await session.get("newer row"), store.value("newer row")]).toEqual(["newest", "newest"]);
  });

  it("tells nobody what a row says whose write this node never received: it is behind", async () => {
    const { connect, store, fatals } = await cluster({ nodes: 1 });
    const mesh = await connect();
    store.put("k", 1, { replica: 1, counter: 500, timestamp: 5 });
    expect(await codeOf(mesh.session().get("k"))).toBe("NODE_BEHIND");
    expect(await mesh.session().get("another")).toBeUndefined();
    expect(fatals).toEqual([]);
  });
});

describe("beginning again from the store", () => {
  it("finds everything that was written, and tokens from before go on", async () => {
    const store = new TestStore();
    const before = await cluster({ store });
    const mesh = await before.connect();
    const session = mesh.session(undefined, { node: "n2" });
    await session.setMany(
      [
        ["a", 1],
        ["b", 2],
      ],
      { durability: "memory" },
    );
    await session.delete("a", { durability: "memory" });
    await session.set("c", 3, { durability: "memory" });
    const token = await session.token();
    // `close` flushes.
    await before.close();
    expect([store.value("a"), store.value("b"), store.value("c")]).toEqual([undefined, 2, 3]);
    const after = await cluster({ store, nodes: 2 });
    expect(after.hosts.map((host) => host.replica)).toEqual([4, 5]);
    const again = await after.connect();
    expect(await again.session().getMany(["a", "b", "c"])).toEqual([undefined, 2, 3]);
    const continued = again.session(token, { node: "n2" });
    expect(await continued.getMany(["a", "b", "c"])).toEqual([undefined, 2, 3]);
    await continued.set("b", 4, { durability: "stored" });
    expect(store.value("b")).toBe(4);
  });

  it("tells a session whose past died with the nodes: CAUSAL_PAST_LOST, never a silent step back", async () => {
    const store = new TestStore();
    const dying = new TestStore(store.content);
    const before = await cluster({ store, storeOf: () => dying, nodes: 1 });
    const mesh = await before.connect();
    const reader = mesh.session();
    await reader.set("k", "kept", { durability: "stored" });
    expect(await reader.get("k")).toBe("kept");
    const kept = await reader.token();
    dying.away = true;
    await reader.set("k", "lost", { durability: "memory" });
    const wrote = await reader.token();
    const saw = mesh.session();
    await until(async () => (await saw.get("k")) === "lost");
    const after = await cluster({ store, nodes: 2 });
    const again = await after.connect();
    expect(await again.session(kept).get("k")).toBe("kept");
    await expect(again.session(await saw.token()).get("k")).rejects.toMatchObject({
      code: "CAUSAL_PAST_LOST",
      retryable: false,
      message: expect.stringContaining("begin a new session") as string,
    });
    expect(await again.session().get("k")).toBe("kept");
    // Who wrote it has it still, and makes it again.
    expect(await again.session(wrote).get("k")).toBe("lost");
    await until(async () => (await again.session().get("k")) === "lost");
  }, 20_000);
});
