// Sessions against real nodes: what a user may rely on, wherever the workflow goes next. Everything here goes over the wire, and the reads
// around it (hits of a node in this process) are compared with it.

import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { createMesh } from "../src/embedded/create-mesh.js";
import { memoryTransport } from "../src/embedded/memory-transport.js";
import type { Mesh } from "../src/mesh.js";
import { cluster, codeOf, until } from "./support/cluster.js";
import { CutTransport } from "./support/cut-transport.js";
import { TestStore } from "./support/test-store.js";

async function embedded(options: Partial<Parameters<typeof createMesh>[0]> = {}): Promise<Mesh> {
  const mesh = await createMesh({ nodes: 3, store: new TestStore(), ...options });
  onTestFinished(() => mesh.close());
  return mesh;
}

for (const kind of ["remote", "embedded"] as const) {
  const open = async (): Promise<{ mesh: Mesh; nodes: readonly string[] }> => {
    if (kind === "embedded") return { mesh: await embedded(), nodes: ["node-1", "node-2", "node-3"] };
    const { connect, addresses } = await cluster();
    return { mesh: await connect(), nodes: addresses };
  };

  describe(`a session of ${kind === "embedded" ? "an" : "a"} ${kind} mesh`, () => {
    it("reads what it wrote, deleted and never wrote", async () => {
      const { mesh } = await open();
      const session = mesh.session();
      await session.set("a", { n: 1, at: new Date(5) });
      await session.set("null", null);
      expect(await session.get("a")).toEqual({ n: 1, at: new Date(5) });
      expect([await session.get("null"), await session.has("null")]).toEqual([null, true]);
      expect([await session.get("never"), await session.has("never")]).toEqual([undefined, false]);
      await session.delete("a");
      expect([await session.get("a"), await session.has("a")]).toEqual([undefined, false]);
      expect(await session.getMany(["null", "a", "never", "null"])).toEqual([null, undefined, undefined, null]);
      expect(await session.getMany([])).toEqual([]);
    });

    it("says which write was read, and at which node", async () => {
      const { mesh, nodes } = await open();
      const session = mesh.session(undefined, { node: nodes[1] });
      await session.set("k", 1);
      const entry = await session.getEntry("k");
      expect(entry).toMatchObject({ hit: true, value: 1, version: "2:1", node: nodes[1] });
      expect(entry.ageMs).toBeGreaterThanOrEqual(0);
      expect(await session.getEntry("never")).toEqual({ hit: false, value: undefined, version: undefined, node: nodes[1], ageMs: undefined });
      await session.delete("k");
      expect(await session.getEntry("k")).toMatchObject({ hit: false, value: undefined, version: "2:2" });
    });

    it("names its newest write as everybody does who reads it", async () => {
      const { mesh, nodes } = await open();
      const session = mesh.session(undefined, { node: nodes[0] });
      expect(session.lastWrite).toBeUndefined();
      await session.set("k", 1);
      const first = session.lastWrite;
      await session.delete("l");
      expect(session.lastWrite).not.toBe(first);
      const there = mesh.session(await session.token(), { node: nodes[1] });
      expect(there.lastWrite).toBeUndefined();
      expect([(await there.getEntry("k")).version, (await there.getEntry("l")).version]).toEqual([first, session.lastWrite]);
    });

    it("takes its past along from node to node, at any operation", async () => {
      const { mesh, nodes } = await open();
      let token: string | undefined;
      for (let round = 0; round < 200; round++) {
        const session = mesh.session(token, { node: nodes[(round * 7) % 3] });
        if (round > 0) {
          expect(await session.get("counter")).toBe(round - 1);
          expect(await session.getMany(["counter", `of ${round - 1}`])).toEqual([round - 1, round - 1]);
        }
        await session.setMany(
          [
            ["counter", round],
            [`of ${round}`, round],
          ],
          { durability: round % 2 === 0 ? "memory" : "replicated" },
        );
        token = await session.token();
      }
    });

    it("never shows an effect without its cause to whoever reads the effect", async () => {
      const { mesh, nodes } = await open();
      for (let round = 0; round < 100; round++) {
        const asks = mesh.session(undefined, { node: nodes[round % 3] });
        await asks.set("question", round, { durability: "memory" });
        const answers = mesh.session(await asks.token(), { node: nodes[(round + 1) % 3] });
        await answers.set("answer", round, { durability: "memory" });
        const stranger = mesh.session(undefined, { node: nodes[(round + 2) % 3] });
        const [answer = -1, question = -1] = (await stranger.getMany<number>(["answer", "question"])) as number[];
        expect(question).toBeGreaterThanOrEqual(answer);
        const seen = (await stranger.get<number>("answer")) ?? -1;
        expect((await stranger.get<number>("question")) ?? -1).toBeGreaterThanOrEqual(seen);
      }
    });

    it("sees several keys from one cut, and a write of several keys whole or not at all", async () => {
      const { mesh, nodes } = await open();
      const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`);
      let running = true;
      const writers = nodes.map(async (node, index) => {
        const session = mesh.session(undefined, { node });
        for (let round = 0; running && round < 1000; round++)
          await session.setMany(
            keys.map((key) => [key, `${index}:${round}`]),
            { durability: "memory" },
          );
      });
      for (let round = 0; round < 150; round++) {
        const session = mesh.session(undefined, { node: nodes[round % 3] });
        expect(new Set(await session.getMany(keys)).size).toBe(1);
      }
      running = false;
      await Promise.all(writers);
    });

    it("forks into branches that go on apart, and joins what they all have seen", async () => {
      const { mesh, nodes } = await open();
      const session = mesh.session(undefined, { node: nodes[0] });
      await session.set("before", 1);
      const branches = await Promise.all(
        nodes.map(async (node, index) => {
          const branch = mesh.session(await session.fork().token(), { node });
          expect(await branch.get("before")).toBe(1);
          await branch.set(`part ${index}`, index, { durability: "memory" });
          return await branch.token();
        }),
      );
      const joined = mesh.session(branches, { node: nodes[1] });
      expect(await joined.getMany(["before", "part 0", "part 1", "part 2"])).toEqual([1, 0, 1, 2]);
      await joined.set("after", 2, { durability: "memory" });
      expect(await mesh.session(await joined.token(), { node: nodes[2] }).getMany(["after", "part 0"])).toEqual([2, 0]);
    });

    it("runs a factory once for all that ask at once, and shares its failure", async () => {
      const { mesh } = await open();
      let runs = 0;
      const factory = async (): Promise<string> => {
        runs += 1;
        await sleep(5);
        return "made";
      };
      const sessions = Array.from({ length: 20 }, () => mesh.session());
      expect(new Set(await Promise.all(sessions.map((session) => session.getOrSet("k", factory))))).toEqual(new Set(["made"]));
      expect(runs).toBe(1);
      // Each of them follows the write of the one that made it.
      for (const session of sessions) expect(await session.get("k")).toBe("made");
      expect(await mesh.session(await sessions[3].token()).getOrSet("k", factory)).toBe("made");
      expect(runs).toBe(1);
      const failing = Array.from({ length: 3 }, () => mesh.session().getOrSet("other", () => Promise.reject(new Error("the factory failed"))));
      for (const result of await Promise.allSettled(failing)) expect(result).toMatchObject({ status: "rejected", reason: { message: "the factory failed" } });
      expect(await mesh.session().getOrSet("other", () => 5)).toBe(5);
    });

    it("does not find what has expired, nor what was read before", async () => {
      const { mesh } = await open();
      const session = mesh.session();
      await session.set("short", 1, { ttl: 40 });
      await session.set("long", 2, { ttl: "1h" });
      expect(await session.getMany(["short", "long"])).toEqual([1, 2]);
      await sleep(60);
      expect(await session.getMany(["short", "long"])).toEqual([undefined, 2]);
      expect([await session.get("short"), await session.has("short")]).toEqual([undefined, false]);
      await session.set("short", 3);
      expect(await session.get("short")).toBe(3);
    });

    it("refuses wrong input with a code, before anything happens", async () => {
      const { mesh } = await open();
      const session = mesh.session();
      const wrong: [expected: string, call: () => unknown][] = [
        ...["", "k".repeat(1025), "\ud800", 5, null, undefined, {}].flatMap((key): [string, () => unknown][] => [
          ["KEY_INVALID", () => session.get(key as string)],
          ["KEY_INVALID", () => session.getEntry(key as string)],
          ["KEY_INVALID", () => session.has(key as string)],
          ["KEY_INVALID", () => session.set(key as string, 1)],
          ["KEY_INVALID", () => session.delete(key as string)],
          ["KEY_INVALID", () => session.getMany(["k", key as string])],
          [
            "KEY_INVALID",
            () =>
              session.setMany([
                ["k", 1],
                [key as string, 1],
              ]),
          ],
          ["KEY_INVALID", () => session.deleteMany(["k", key as string])],
          ["KEY_INVALID", () => session.getOrSet(key as string, () => 1)],
        ]),
        ["KEY_INVALID", () => session.getMany("k" as never)],
        ["KEY_INVALID", () => session.deleteMany("k" as never)],
        ["KEY_INVALID", () => session.setMany({ k: 1 } as never)],
        ["KEY_INVALID", () => session.setMany("kv" as never)],
        ["KEY_INVALID", () => session.setMany(undefined as never)],
        ["KEY_INVALID", () => session.getMany(Array.from({ length: 1025 }, (_, index) => `k${index}`))],
        ["KEY_INVALID", () => session.deleteMany(Array.from({ length: 1025 }, (_, index) => `k${index}`))],
        ["VALUE_INVALID", () => session.set("k", undefined)],
        ["VALUE_INVALID", () => session.set("k", () => 1)],
        [
          "VALUE_INVALID",
          () =>
            session.setMany([
              ["k", 1],
              ["l", Symbol("s")],
            ]),
        ],
        ["VALUE_TOO_LARGE", () => session.set("k", "v".repeat(1024 * 1024))],
        ["VALUE_TOO_LARGE", () => session.setMany(Array.from({ length: 5 }, (_, index) => [`k${index}`, "v".repeat(1024 * 1024 - 2)]))],
        ...[0, -5, NaN, "soon", "5 s", "101y", {}].map((ttl): [string, () => unknown] => ["TTL_INVALID", () => session.set("k", 1, { ttl: ttl as number })]),
        ["OPTION_INVALID", () => session.set("k", 1, { durability: "forever" as never })],
        ["OPTION_INVALID", () => session.get("k", { timeoutMs: 0 })],
        ["OPTION_INVALID", () => session.set("k", 1, { timeoutMs: "5s" as never })],
        ["OPTION_INVALID", () => mesh.session(undefined, { node: "nowhere" })],
        ["TOKEN_MALFORMED", () => mesh.session("garbage")],
        ["TOKEN_MALFORMED", () => mesh.session(5 as never)],
        ["TOKEN_MALFORMED", () => mesh.session([undefined as never])],
      ];
      for (const [expected, call] of wrong) expect(await codeOf(async () => await call()), String(call)).toBe(expected);
      expect(await session.getMany(["k", "l"])).toEqual([undefined, undefined]);
      const status = await mesh.status();
      expect(status.members.map((member) => member.writes)).toEqual([0, 0, 0]);
    });

    it("moves values of every size up to the bound, alone and together", async () => {
      const { mesh, nodes } = await open();
      const session = mesh.session(undefined, { node: nodes[0] });
      const large = "v".repeat(1024 * 1024 - 2);
      await session.setMany(
        [
          ["a", large],
          ["b", large],
          ["c", large],
        ],
        { durability: "everywhere" },
      );
      await session.setMany(
        Array.from({ length: 1024 }, (_, index) => [`k${index}`, index]),
        { durability: "stored" },
      );
      await session.set("d", large, { durability: "everywhere" });
      await session.setMany(
        [
          ["e", large],
          ["f", large],
          ["g", large],
        ],
        { durability: "stored" },
      );
      for (const node of nodes) {
        const reader = mesh.session(await session.token(), { node });
        expect((await reader.getMany<string>(["a", "b", "c", "d", "e"])).map((value) => value?.length)).toEqual([1, 1, 1, 1, 1].map(() => large.length));
        // The answer would not fit into a frame: the read is refused, and the connection goes on.
        expect(await codeOf(reader.getMany(["a", "b", "c", "d", "e", "f", "g"]))).toBe("VALUE_TOO_LARGE");
        expect(await reader.get("k1023")).toBe(1023);
      }
    });

    it("is told CLOSED once its mesh is closed, whatever it waits for", async () => {
      const { mesh } = await open();
      const session = mesh.session();
      await session.set("k", 1);
      await mesh.close();
      await mesh.close();
      for (const call of [
        () => session.get("k"),
        () => session.set("k", 2),
        () => session.getMany(["k"]),
        () => mesh.session(),
        () => mesh.ready(),
        () => mesh.status(),
      ]) {
        expect(await codeOf(async () => await call())).toBe("CLOSED");
      }
    });
  });
}

describe("expiry", () => {
  it("stays for a session that moves to a node with a slower clock", async () => {
    const clockOffsets = [20_000, 0, -20_000];
    const { connect, addresses } = await cluster({ clockOffsets });
    const mesh = await connect();
    const writer = mesh.session(undefined, { node: "n3" });
    // Written where it is early, it lives for ten more seconds there, and has expired long ago where it is late.
    await writer.set("k", 1, { ttl: "10s", durability: "everywhere" });
    expect(await mesh.session(await writer.token(), { node: "n3" }).get("k")).toBe(1);
    const late = mesh.session(undefined, { node: "n1" });
    await until(async () => (await late.getEntry("k")).version !== undefined);
    expect(await late.get("k")).toBeUndefined();
    for (const node of [...addresses, ...addresses].reverse()) {
      const moved = mesh.session(await late.token(), { node });
      expect(await moved.get("k"), node).toBeUndefined();
      expect(await moved.getMany(["k"]), node).toEqual([undefined]);
    }
  });

  it("is told through a token alone, also to the reads around the wire", async () => {
    const mesh = await embedded();
    const session = mesh.session(undefined, { node: "node-1" });
    await session.set("k", 1, { ttl: 30, durability: "everywhere" });
    await sleep(40);
    expect(await session.get("k")).toBeUndefined();
    for (const node of ["node-2", "node-3"]) expect(await mesh.session(await session.token(), { node }).get("k")).toBeUndefined();
  });
});

describe("namespaces", () => {
  it("keep the keys of tenants apart, in the cache and in the store", async () => {
    const { connect, store } = await cluster({ nodes: 1 });
    const [a, b, none] = await Promise.all([connect({ namespace: "a" }), connect({ namespace: "b" }), connect()]);
    await a.session().set("k", "of a", { durability: "stored" });
    await b.session().set("k", "of b", { durability: "stored" });
    expect([await a.session().get("k"), await b.session().get("k"), await none.session().get("k")]).toEqual(["of a", "of b", undefined]);
    expect([...store.content.rows.keys()].sort()).toEqual(["a\u001fk", "b\u001fk"]);
    expect(await codeOf(none.session().get("a\u001fk"))).toBe("KEY_INVALID");
  });
});

describe("options", () => {
  it("that are wrong are refused before anything is started", async () => {
    const store = new TestStore();
    for (const wrong of [
      { nodes: 0 },
      { nodes: 257 },
      { nodes: 1.5 },
      { nodes: "3" },
      { store: undefined },
      { store: {} },
      { secret: "short" },
      { secret: 5 },
      { cacheBytes: "64mb" },
      { cacheBytes: -1 },
      { cacheBytes: NaN },
      { namespace: "a b" },
      { timeoutMs: 0 },
      { tokenTtl: "soon" },
      { durability: "forever" },
    ]) {
      expect(await codeOf(createMesh({ nodes: 1, store, ...(wrong as object) })), JSON.stringify(wrong)).toBe("OPTION_INVALID");
    }
    expect(store.content.registry).toBeUndefined();
    const { connect } = await cluster();
    for (const wrong of [{ nodes: [] }, { nodes: "n1" }, { secret: "short" }, { durability: "forever" }])
      expect(await codeOf(connect(wrong as object)), JSON.stringify(wrong)).toBe("OPTION_INVALID");
    expect(await codeOf(connect({ nodes: ["nowhere"] }))).toBe("NODE_UNREACHABLE");
    expect(await codeOf(connect({ nodes: [""] }))).toBe("ADDRESS_INVALID");
  });
});

describe("timeouts and signals", () => {
  it("end a call that gets no answer, and its late answer answers nothing else", async () => {
    const transport = new CutTransport(memoryTransport());
    const { connect } = await cluster({ nodes: 1, transport });
    const through = new CutTransport(transport);
    const mesh = await connect({ transport: through });
    const session = mesh.session();
    await session.setMany([
      ["a", "of a"],
      ["b", "of b"],
    ]);
    const [link] = through.to("n1");
    link.hold();
    expect(await codeOf(session.get("a", { timeoutMs: 30 }))).toBe("TIMEOUT");
    const controller = new AbortController();
    const aborted = session.get("a", { signal: controller.signal });
    controller.abort(new Error("no longer needed"));
    await expect(aborted).rejects.toMatchObject({ code: "ABORTED", cause: { message: "no longer needed" } });
    const answers = Promise.all([session.get("b"), session.getMany(["b", "a"]), session.get("never")]);
    await sleep(10);
    link.release();
    expect(await answers).toEqual(["of b", ["of b", "of a"], undefined]);
  });

  it("end a call that was never sent", async () => {
    const { connect } = await cluster({ nodes: 1 });
    const mesh = await connect();
    const session = mesh.session();
    const signal = AbortSignal.abort();
    for (const call of [() => session.get("k", { signal }), () => session.set("k", 1, { signal }), () => session.getOrSet("k", () => 1, { signal })])
      expect(await codeOf(call)).toBe("ABORTED");
    expect(await session.get("k")).toBeUndefined();
  });

  it("leave nothing with a signal that lives on", async () => {
    const { connect } = await cluster({ nodes: 1 });
    const session = (await connect()).session();
    let listeners = 0;
    const signal = { aborted: false, addEventListener: () => void (listeners += 1), removeEventListener: () => void (listeners -= 1) };
    await session.set("k", 1, { signal });
    await session.get("k", { signal });
    await codeOf(session.get("never", { signal, timeoutMs: 1000 }));
    expect(listeners).toBe(0);
  });
});
