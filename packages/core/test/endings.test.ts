// How nodes end: what was acknowledged is in the store afterwards or somebody is told that it is not, and a store has one mesh at a time.

import { describe, expect, it } from "vitest";
import { createMesh } from "../src/embedded/create-mesh.js";
import { memoryTransport } from "../src/embedded/memory-transport.js";
import { startHost } from "../src/embedded/start-node.js";
import { cluster, codeOf, until, type Cluster } from "./support/cluster.js";
import { CutTransport } from "./support/cut-transport.js";
import { TestStore } from "./support/test-store.js";

/** Cuts a node off from the others and the store, as if its machine had lost power. */
function kill(address: string, transport: CutTransport, opened: ReadonlyMap<string, string>, dying: TestStore): void {
  dying.away = true;
  transport.unreachable.add(address);
  for (const link of transport.tapped) if (link.address === address || link.address === opened.get(address)) link.cut();
}

describe("a ring that has lost a node", () => {
  for (const lost of ["n1", "n2", "n3"]) {
    it(`keeps what was acknowledged as \`replicated\` when the others end in order (${lost} is lost)`, async () => {
      const inner = memoryTransport();
      const transport = new CutTransport(inner);
      const store = new TestStore();
      const dying = new TestStore(store.content);
      const { connect, hosts }: Cluster = await cluster({ transport, store, storeOf: (index) => (`n${index + 1}` === lost ? dying : store) });
      const mesh = await connect({ transport: inner });
      const sessions = ["n1", "n2", "n3"].map((node) => mesh.session(undefined, { node }));
      for (const [index, session] of sessions.entries()) await session.set(`early-${index}`, index, { durability: "stored" });
      // From here on nothing comes back from the node that will be lost: it acknowledges, and no write goes all the way round.
      const after = `n${(Number(lost[1]) % 3) + 1}`;
      transport.unreachable.add(after);
      for (const link of transport.to(after)) link.cut();
      const before = sessions.filter((session) => session.node !== lost);
      await Promise.all(before.map((session, index) => session.set(`late-${index}`, index, { durability: "replicated" })));
      kill(lost, transport, new Map([[lost, after]]), dying);
      await Promise.all(hosts.filter(({ address }) => address !== lost).map((host) => host.close()));
      expect([0, 1].map((index) => store.value(`late-${index}`))).toEqual([0, 1]);
      expect([0, 1, 2].map((index) => store.value(`early-${index}`))).toEqual([0, 1, 2]);
      await hosts
        .find(({ address }) => address === lost)!
        .close()
        .catch(() => undefined);

      const again = await createMesh({ nodes: 2, store });
      expect(await again.session().getMany(["early-0", "late-0", "late-1"])).toEqual([0, 0, 1]);
      await again.close();
    });
  }
});

describe("a node that ends", () => {
  it("answers no request any more, and says what was not stored", async () => {
    const store = new TestStore();
    const mesh = await createMesh({ nodes: 2, store });
    const session = mesh.session();
    await session.set("k", 1);
    store.away = true;
    await session.set("k", 2);
    expect(await codeOf(mesh.close())).toBe("STORE_UNAVAILABLE");
    expect(await codeOf(session.get("k"))).toBe("CLOSED");
  }, 20_000);

  it("is no reason to make a write twice that it has refused, nor to call its outcome unknown", async () => {
    const { connect, hosts } = await cluster();
    const mesh = await connect({ retryWrites: false });
    const session = mesh.session(undefined, { node: "n1" });
    await session.set("k", 0);
    const closing = hosts[0].close();
    for (let round = 1; round <= 50; round++) await session.set("k", round, { durability: "memory" });
    await closing;
    expect(session.node).not.toBe("n1");
    expect(await session.get("k")).toBe(50);
    expect(hosts.reduce((sum, host) => sum + host.status().writes, 0)).toBe(51);
  });
});

describe("a store", () => {
  it("belongs to the newest mesh: the one before it writes nothing any more, and stops", async () => {
    const store = new TestStore();
    const before = await cluster({ store, nodes: 2 });
    const old = (await before.connect()).session();
    await old.set("a", "before", { durability: "stored" });
    const after = await cluster({ store, nodes: 2 });
    const session = (await after.connect()).session();
    expect(await session.get("a")).toBe("before");
    expect(await codeOf(old.set("a", "late", { durability: "stored", timeoutMs: 1_000 }))).not.toBe("none");
    await until(() => before.fatals.length > 0);
    expect(before.fatals[0]).toMatchObject({ code: "NODE_BEHIND", message: expect.stringContaining("epoch 2") as string });
    expect(store.value("a")).toBe("before");
    await session.set("b", "after", { durability: "stored" });
    const third = await createMesh({ nodes: 3, store });
    expect(await third.session().getMany(["a", "b"])).toEqual(["before", "after"]);
    await third.close();
    expect(after.fatals).toEqual([expect.objectContaining({ code: "NODE_BEHIND" })].slice(0, after.fatals.length));
  });

  it("knows best how far the departed came: what they flushed while the next view was made is shown", async () => {
    const store = new TestStore();
    const first = await createMesh({ nodes: 1, store });
    await first.session().set("a", 1, { durability: "stored" });
    await first.close();
    // A batch of the first mesh that reached the store between the look at its counters and the swap.
    const second = await createMesh({ nodes: 1, store });
    await second.close();
    store.put("b", 2, { replica: 1, counter: 7, timestamp: 5 });
    store.content.flushed.set(1, 7);
    const third = await createMesh({ nodes: 1, store });
    expect(await third.session().getMany(["a", "b"])).toEqual([1, 2]);
    await third.close();
  });
});

describe("a replica id", () => {
  it("that has flushed writes is not started again", async () => {
    const store = new TestStore();
    const { connect, hosts, transport } = await cluster({ store, nodes: 1 });
    await (await connect()).session().set("k", 1, { durability: "stored" });
    await hosts[0].close();
    const again = startHost({ store, transport, address: "n1", replica: 1 });
    await expect(again).rejects.toMatchObject({ code: "OPTION_INVALID", message: expect.stringContaining("never used again") as string });
  });

  it("whose writes its successor has is not started again either", async () => {
    const store = new TestStore();
    const { connect, hosts, transport } = await cluster({ store, nodes: 2, storeOf: () => store });
    const session = (await connect()).session(undefined, { node: "n2" });
    store.away = true;
    await session.set("k", 1, { durability: "replicated" });
    await hosts[1].close().catch(() => undefined);
    store.away = false;
    store.content.flushed.clear();
    const fatals: Error[] = [];
    const host = await startHost({ store, transport, address: "n2", replica: 2, onFatal: (error) => fatals.push(error) });
    await until(() => fatals.length > 0);
    expect(fatals[0]).toMatchObject({ code: "OPTION_INVALID", message: expect.stringContaining("never used again") as string });
    await host.close();
  }, 20_000);
});

describe("a mesh's status", () => {
  it("names the nodes that do not answer", async () => {
    const { connect, hosts } = await cluster();
    const mesh = await connect();
    expect(await mesh.status()).toMatchObject({ members: [{ replica: 1 }, { replica: 2 }, { replica: 3 }], unreachable: [] });
    await hosts[1].close();
    expect(await mesh.status()).toMatchObject({ members: [{ replica: 1 }, { replica: 3 }], unreachable: ["n2"] });
  });
});
