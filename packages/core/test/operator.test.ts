// What operators ask of nodes, and what they are told: drain, remove, stop while it starts, events, durations.

import { readFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { connectMesh } from "../src/embedded/create-mesh.js";
import { MemberNode } from "../src/embedded/member.js";
import { memoryTransport } from "../src/embedded/memory-transport.js";
import { formMesh, type StartNodeOptions } from "../src/embedded/start-node.js";
import { Durations, DURATION_BOUNDS_MS } from "../src/host/figures.js";
import type { NodeEvent } from "../src/mesh.js";
import { readView } from "../src/protocol/view.js";
import { VERSION } from "../src/version.js";
import { codeOf, until } from "./support/cluster.js";
import { SplitNetwork } from "./support/split-network.js";
import { TestStore } from "./support/test-store.js";

const SUSPICION = { suspectMsMin: 300, suspectMsMax: 600, takeOverMs: 60_000 };
/** Nobody is found dead by itself. */
const PATIENT = { suspectMsMin: 60_000, suspectMsMax: 60_000, takeOverMs: 60_000 };

class Mesh {
  readonly store = new TestStore();
  readonly network = new SplitNetwork(memoryTransport());
  readonly nodes: MemberNode[] = [];
  readonly events: (NodeEvent & { readonly node: string })[] = [];

  async start(address: string, options: Partial<StartNodeOptions> = {}): Promise<MemberNode> {
    const node = new MemberNode({
      store: this.network.storeOf(address, this.store),
      transport: this.network.of(address),
      address,
      suspicion: SUSPICION,
      onEvent: (event) => this.events.push({ ...event, node: address }),
      ...options,
    });
    this.nodes.push(node);
    await node.start();
    return node;
  }

  async connect(...nodes: string[]) {
    const mesh = await connectMesh({ nodes }, this.network.of("operator"));
    onTestFinished(() => mesh.close());
    return mesh;
  }

  async members(): Promise<string[]> {
    return (await readView(this.store))!.members.map(({ address }) => address);
  }
}

function mesh(): Mesh {
  const all = new Mesh();
  onTestFinished(async () => {
    await Promise.allSettled(all.nodes.map((node) => (all.network.isDead(node.address) ? node.host.end() : node.close())));
  });
  return all;
}

describe("drain", () => {
  it("is passed on to the program, which closes the node; meanwhile the node says that it leaves, and nothing is lost", async () => {
    const all = mesh();
    await all.start("a");
    let left: Promise<void> | undefined;
    const b = await all.start("b", { onDrain: () => (left = b.close()) });
    const operator = await all.connect("a", "b");
    const session = operator.session(undefined, { node: "b" });
    await session.set("k", 1);
    expect(b.status().state).toBe("serving");
    await operator.drain("b");
    await until(() => left !== undefined);
    expect(b.status().state).toBe("leaving");
    await left;
    expect(await all.members()).toEqual(["a"]);
    expect(await session.get("k")).toBe(1);
  });

  it("is refused where the program takes no such order, and for an address that is no node's", async () => {
    const all = mesh();
    await all.start("a");
    const operator = await all.connect("a");
    await expect(operator.drain("a")).rejects.toMatchObject({ code: "OPTION_INVALID", message: expect.stringContaining("onDrain") });
    expect(await codeOf(operator.drain("nowhere"))).toBe("OPTION_INVALID");
    expect(await all.members()).toEqual(["a"]);
  });
});

describe("remove", () => {
  it("takes a dead member out through the one behind it, who alone knows what is left of it", async () => {
    const all = mesh();
    const [a, b] = [await all.start("a", { suspicion: PATIENT }), await all.start("b", { suspicion: PATIENT })];
    const c = await all.start("c", { suspicion: PATIENT });
    const operator = await all.connect("a", "c");
    await operator.session(undefined, { node: "a" }).set("k", 1, { durability: "everywhere" });
    all.network.kill("b");
    await until(() => !c.host.neighbours.isPredecessorAlive);
    await expect(operator.remove(b.replica, "a")).rejects.toMatchObject({ code: "OPTION_INVALID", message: expect.stringContaining("behind it") });
    await expect(operator.remove(99, "c")).rejects.toMatchObject({ code: "OPTION_INVALID", message: expect.stringContaining("no member") });
    await operator.remove(b.replica, "c");
    await until(async () => (await all.members()).join() === "a,c");
    await until(() => a.status().ring.length === 2 && a.status().linked);
    const left = all.events.filter(({ type, node }) => type === "view" && node === "c").at(-1);
    expect(left).toMatchObject({ joined: [], left: [{ replica: b.replica, address: "b" }] });
    expect(await operator.session(undefined, { node: "c" }).get("k")).toBe(1);
  });

  it("refuses a live member unless it is forced, and then it joins again by itself", async () => {
    const all = mesh();
    const [, b] = [await all.start("a"), await all.start("b")];
    await until(() => b.host.neighbours.isPredecessorAlive);
    const operator = await all.connect("a");
    const before = b.replica;
    await expect(operator.remove(before, "a")).rejects.toMatchObject({ code: "OPTION_INVALID", message: expect.stringContaining("alive") });
    expect(await all.members()).toEqual(["a", "b"]);
    await operator.remove(before, "a", { force: true });
    await until(async () => b.replica !== before && (await all.members()).length === 2 && b.status().state === "serving");
  });
});

describe("startNode", () => {
  it("gives up when its signal fires while it waits for a mesh that is down, and leaves no member behind", async () => {
    const all = mesh();
    await formMesh(all.store, ["gone-1", "gone-2"]);
    const stop = new AbortController();
    const begin = performance.now();
    const starting = all.start("c", { signal: stop.signal });
    await until(async () => (await all.members()).includes("c"));
    stop.abort();
    expect(await codeOf(starting)).toBe("ABORTED");
    expect(await all.members()).toEqual(["gone-1", "gone-2"]);
    // Without the signal it would wait for a minute.
    expect(performance.now() - begin).toBeLessThan(30_000);
    expect(await codeOf(all.start("d", { signal: stop.signal }))).toBe("ABORTED");
    expect(await all.members()).toEqual(["gone-1", "gone-2"]);
  });

  it("does not stop for a signal that fires when it has started", async () => {
    const all = mesh();
    const stop = new AbortController();
    const a = await all.start("a", { signal: stop.signal });
    stop.abort();
    expect(a.status().state).toBe("serving");
    await (await all.connect("a")).session().set("k", 1);
  });
});

describe("close", () => {
  it("gives up after its grace period, and says that writes may be lost", async () => {
    const all = mesh();
    const a = await all.start("a");
    const session = (await all.connect("a")).session();
    all.store.away = true;
    await session.set("k", 1, { durability: "memory" });
    const begin = performance.now();
    expect(await codeOf(a.close({ graceMs: 300 }))).toBe("STORE_UNAVAILABLE");
    expect(performance.now() - begin).toBeGreaterThan(290);
    expect(performance.now() - begin).toBeLessThan(5_000);
  });
});

describe("what an operator is told", () => {
  it("has a store that fails once, and once that it is back; the status says it meanwhile, and how old the oldest write is", async () => {
    const all = mesh();
    const a = await all.start("a");
    const session = (await all.connect("a")).session();
    await session.set("k", 1);
    await until(() => a.status().flushLagMs === 0);
    all.store.away = true;
    await session.set("k", 2, { durability: "memory" });
    await until(() => a.status().storeFailing);
    await expect(session.get("absent")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await until(() => a.status().flushLagMs > 50);
    expect(a.status().errors).toEqual({ STORE_UNAVAILABLE: 1 });
    all.store.away = false;
    await until(() => a.status().flushLagMs === 0);
    expect(await session.get("absent")).toBeUndefined();
    await until(() => !a.status().storeFailing);
    expect(all.events.filter(({ type }) => type.startsWith("store")).map(({ type }) => type)).toEqual(["store-failing", "store-recovered"]);
  });

  it("has who is in the ring, the release, and how long writes, loads and flushes took", async () => {
    const all = mesh();
    const a = await all.start("a");
    await all.start("b");
    const operator = await all.connect("a", "b");
    await until(async () => (await operator.status()).members.every(({ linked, ring }) => linked && ring.length === 2));
    const { members } = await operator.status();
    for (const { ring } of members) expect(ring.map(({ address }) => address)).toEqual(["a", "b"]);
    expect(members[0]).toMatchObject({ version: VERSION, state: "serving", suspected: 0, departed: 0, sessionWaits: 0, errors: {} });
    const session = operator.session(undefined, { node: "a" });
    for (let index = 0; index < 20; index++) await session.set(`k${index}`, index, { durability: "stored" });
    await session.get("absent");
    const { write, load, flush } = a.durations();
    const count = ({ counts }: { counts: readonly number[] }): number => counts.reduce((sum, one) => sum + one, 0);
    expect(count(write)).toBe(20);
    expect(count(load)).toBe(1);
    expect(count(flush)).toBeGreaterThan(0);
  });
});

describe("durations", () => {
  it("fall into the first bucket whose bound they do not pass", () => {
    const durations = new Durations();
    durations.observe(0);
    durations.observe(1);
    durations.observe(1.5, 3);
    durations.observe(99_999);
    durations.observe(-5);
    const { counts, sumMs, boundsMs } = durations.summary();
    expect(counts.slice(0, 2)).toEqual([3, 3]);
    expect(counts.at(-1)).toBe(1);
    expect(counts).toHaveLength(boundsMs.length + 1);
    expect([...boundsMs]).toEqual([...DURATION_BOUNDS_MS].sort((a, b) => a - b));
    expect(sumMs).toBe(1 + 4.5 + 99_999);
  });
});

describe("VERSION", () => {
  it("is the one of package.json", () => {
    expect(VERSION).toBe((JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string }).version);
  });
});
