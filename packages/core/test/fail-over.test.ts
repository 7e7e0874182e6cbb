// Sessions while connections and nodes go away: they go on elsewhere with all their past, and whoever is told that a write was not made, or
// may have been, is told the truth.

import { describe, expect, it } from "vitest";
import { memoryTransport } from "../src/embedded/memory-transport.js";
import { cluster, codeOf, until } from "./support/cluster.js";
import { CutTransport } from "./support/cut-transport.js";

describe("a node that is closed", () => {
  it("hands on what it has; its sessions go on at another node with all their past", async () => {
    const { connect, hosts, store, fatals } = await cluster();
    const mesh = await connect();
    const session = mesh.session(undefined, { node: "n2" });
    for (let round = 0; round < 20; round++) await session.set(`k${round}`, round, { durability: "memory" });
    await hosts[1].close();
    expect(await session.getMany(Array.from({ length: 20 }, (_, round) => `k${round}`))).toEqual(Array.from({ length: 20 }, (_, round) => round));
    expect(session.node).not.toBe("n2");
    expect(store.value("k19")).toBe(19);
    await session.set("after", 1, { durability: "memory" });
    const moved = mesh.session(await session.token());
    expect(await moved.getMany(["k0", "after"])).toEqual([0, 1]);
    expect(fatals).toEqual([]);
  });

  it("while requests are on their way costs none of them", async () => {
    const { connect, hosts } = await cluster();
    const mesh = await connect();
    await mesh.session().set("k", "value", { durability: "everywhere" });
    const reads = Array.from({ length: 300 }, (_, index) => mesh.session(undefined, { node: ["n1", "n2", "n3"][index % 3] }).get("k"));
    const closed = hosts[2].close();
    const more = Array.from({ length: 300 }, () => mesh.session().get("k"));
    expect(new Set(await Promise.all([...reads, ...more]))).toEqual(new Set(["value"]));
    await closed;
    expect(await mesh.session(undefined, { node: "n3" }).get("k")).toBe("value");
  });

  it("and was the only one makes calls fail with the reason, in time", async () => {
    const { connect, hosts } = await cluster({ nodes: 1 });
    const mesh = await connect();
    const session = mesh.session();
    await session.set("k", 1);
    await hosts[0].close();
    expect(await codeOf(session.get("k", { timeoutMs: 2_000 }))).toBe("NODE_UNREACHABLE");
    expect(await codeOf(session.set("k", 2, { timeoutMs: 2_000 }))).toBe("NODE_UNREACHABLE");
  });
});

describe("connections that break at any moment", () => {
  it("cost no read and no write, and never the session's past", async () => {
    const inner = memoryTransport();
    const { connect, addresses, fatals } = await cluster({ transport: inner });
    const through = new CutTransport(inner);
    const mesh = await connect({ transport: through });
    let token: string | undefined;
    for (let round = 0; round < 150; round++) {
      const session = mesh.session(token, { node: addresses[(round * 5) % 3] });
      if (round > 0) expect(await session.get("counter")).toBe(round - 1);
      const write = session.set("counter", round, { durability: "replicated" });
      if (round % 4 === 0) for (const link of through.to(session.node)) link.cut();
      await write;
      expect(await session.getMany(["counter"])).toEqual([round]);
      token = await session.token();
    }
    expect(through.tapped.length).toBeGreaterThan(20);
    expect(fatals).toEqual([]);
  });

  it("in the ring cost no write: links go on from what the other side has, without loss and without doubles", async () => {
    const inner = memoryTransport();
    const transport = new CutTransport(inner);
    const { connect, hosts, addresses, fatals } = await cluster({ transport });
    const mesh = await connect({ transport: inner });
    let cutting = true;
    const cutter = (async () => {
      while (cutting) {
        await new Promise((resolve) => setTimeout(resolve, 15));
        for (const address of addresses) transport.to(address).at(-1)?.cut();
      }
    })();
    const sessions = addresses.map((node) => mesh.session(undefined, { node }));
    for (let round = 0; round < 60; round++) {
      await Promise.all(sessions.map((session, index) => session.set(`k${index}`, round, { durability: round % 10 === 9 ? "everywhere" : "memory" })));
    }
    cutting = false;
    await cutter;
    const made = hosts.reduce((sum, host) => sum + host.status().writes, 0);
    await until(() => hosts.every((host) => Object.values(host.status().applied).reduce((sum, counter) => sum + counter, 0) === made));
    for (const node of addresses) expect(await mesh.session(undefined, { node }).getMany(["k0", "k1", "k2"])).toEqual([59, 59, 59]);
    expect(fatals).toEqual([]);
  });
});

describe("a write whose answer was lost", () => {
  it("is made again by default, and reported as OUTCOME_UNKNOWN with retryWrites: false", async () => {
    for (const retryWrites of [true, false]) {
      const inner = memoryTransport();
      const { connect, hosts } = await cluster({ transport: inner });
      const through = new CutTransport(inner);
      const mesh = await connect({ transport: through, retryWrites });
      const session = mesh.session(undefined, { node: "n1" });
      await session.set("k", "before");
      const [link] = through.to("n1");
      link.hold();
      const write = session.set("k", "after", { durability: "memory" });
      await until(() => hosts[0].status().writes === 2);
      link.cut();
      expect(await codeOf(write)).toBe(retryWrites ? "none" : "OUTCOME_UNKNOWN");
      const writes = hosts.reduce((sum, host) => sum + host.status().writes, 0);
      expect(writes).toBe(retryWrites ? 3 : 2);
      if (retryWrites) expect(await session.get("k")).toBe("after");
    }
  });

  it("that never left is made elsewhere, whatever retryWrites says", async () => {
    const inner = memoryTransport();
    const { connect, hosts } = await cluster({ transport: inner });
    const through = new CutTransport(inner);
    const mesh = await connect({ transport: through, retryWrites: false });
    through.unreachable.add("n2");
    for (const link of through.to("n2")) link.cut();
    const session = mesh.session(undefined, { node: "n2" });
    await session.set("k", 1, { durability: "memory" });
    expect(session.node).not.toBe("n2");
    expect(hosts.reduce((sum, host) => sum + host.status().writes, 0)).toBe(1);
  });
});

describe("a node that is behind", () => {
  it("sends sessions that have seen more to another one, and answers them once it has caught up", async () => {
    const transport = new CutTransport(memoryTransport());
    const { connect, hosts } = await cluster({ transport });
    const mesh = await connect({ transport: transport, nodes: ["n1"] });
    const session = mesh.session(undefined, { node: "n1" });
    await session.set("before", 1, { durability: "everywhere" });
    // What n1 and n2 know travels to n3 no more, so n3 has not received what a forged past would ask for; a session's own is within.
    transport.unreachable.add("n3");
    for (const link of transport.to("n3")) link.cut();
    await session.set("k", 2, { durability: "replicated" });
    const moved = mesh.session(await session.token(), { node: "n1" });
    expect(await moved.get("before")).toBe(1);
    expect(await codeOf(moved.set("everywhere", 3, { durability: "everywhere", timeoutMs: 60 }))).toBe("TIMEOUT");
    expect(hosts[2].status().received[1]).toBe(1);
    transport.unreachable.clear();
    await moved.set("k", 4, { durability: "everywhere" });
    expect(await mesh.session(await moved.token(), { node: "n3" }).get("k")).toBe(4);
  });
});
