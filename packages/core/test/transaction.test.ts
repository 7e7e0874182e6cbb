// Transactions against real nodes: reads of one snapshot wherever they are made, writes that are seen whole or not at all, commits that happen
// once, and what is said of everything that cannot be.

import { describe, expect, it, onTestFinished } from "vitest";
import { createMesh } from "../src/embedded/create-mesh.js";
import { memoryTransport } from "../src/embedded/memory-transport.js";
import type { Mesh, Session, Transaction } from "../src/mesh.js";
import { timestampAt } from "../src/protocol/hybrid-clock.js";
import type { ConnectionEvents, Transport } from "../src/transport.js";
import { cluster, codeOf, until, type Cluster } from "./support/cluster.js";
import { CutTransport } from "./support/cut-transport.js";
import { storeWithPast, TestStore } from "./support/test-store.js";

async function embedded(): Promise<Mesh> {
  const mesh = await createMesh({ nodes: 3, store: new TestStore() });
  onTestFinished(() => mesh.close());
  return mesh;
}

/** Resolves when every node shows everything, and the store has it. */
async function rest({ hosts }: Cluster): Promise<void> {
  await until(() => hosts.every(({ node }) => node.pendingWrites === 0 && !node.hasUnflushed && node.log.length === 0));
  const shown = (): string[] => hosts.map(({ node }) => node.applied.join());
  await until(() => new Set(shown()).size === 1);
}

interface Link {
  events: ConnectionEvents | undefined;
  /** What has arrived and is not let through; undefined while everything is. */
  held: Uint8Array[] | undefined;
}

/** A transport that can hold what arrives at an address over the first connection to it, which is that of the node before. */
function holdingFirst(inner: Transport, address: string): { transport: Transport; link: Link } {
  const link: Link = { events: undefined, held: undefined };
  const hold = (events: ConnectionEvents): ConnectionEvents => {
    link.events = events;
    return {
      data: (bytes) => (link.held === undefined ? events.data(bytes) : void link.held.push(bytes.slice())),
      drained: () => events.drained(),
      closed: (error) => events.closed(error),
    };
  };
  const listen: Transport["listen"] = (at, accept) =>
    inner.listen(at, (connection) => {
      const events = accept(connection);
      return at === address && link.events === undefined ? hold(events) : events;
    });
  return { transport: { listen, connect: inner.connect }, link };
}

for (const kind of ["remote", "embedded"] as const) {
  const open = async (): Promise<{ mesh: Mesh; nodes: readonly string[] }> => {
    if (kind === "embedded") return { mesh: await embedded(), nodes: ["node-1", "node-2", "node-3"] };
    const { connect, addresses } = await cluster();
    return { mesh: await connect(), nodes: addresses };
  };

  describe(`a transaction of ${kind === "embedded" ? "an" : "a"} ${kind} mesh`, () => {
    it("reads one snapshot and its own writes, and makes them all at once", async () => {
      const { mesh, nodes } = await open();
      const session = mesh.session(undefined, { node: nodes[0] });
      await session.setMany([
        ["a", 1],
        ["b", 1],
      ]);
      const tx = session.begin();
      expect(await tx.get("a")).toBe(1);
      const other = mesh.session(undefined, { node: nodes[1] });
      await other.setMany(
        [
          ["a", 2],
          ["b", 2],
        ],
        { durability: "everywhere" },
      );
      expect(await other.getMany(["a", "b"])).toEqual([2, 2]);
      expect(await tx.getMany(["a", "b", "c"])).toEqual([1, 1, undefined]);
      await tx.set("c", 3);
      await tx.delete("a");
      expect(await tx.getMany(["a", "b", "c"])).toEqual([undefined, 1, 3]);
      expect(await other.get("c")).toBe(undefined);
      const { version } = await tx.commit({ durability: "everywhere" });
      expect(version).toMatch(/^\d+:\d+$/);
      expect(await session.getMany(["a", "b", "c"])).toEqual([undefined, 2, 3]);
      expect(await mesh.session(undefined, { node: nodes[2] }).getMany(["a", "b", "c"])).toEqual([undefined, 2, 3]);
      expect((await session.getEntry("c")).version).toBe(version);
    });

    it("goes from node to node with its token, in the middle", async () => {
      const { mesh, nodes } = await open();
      const session = mesh.session(undefined, { node: nodes[0] });
      for (let round = 0; round < 20; round++) {
        await session.setMany([
          ["x", round],
          ["y", round],
        ]);
        const first = session.begin();
        expect(await first.get("x")).toBe(round);
        await first.set("sum", round);
        const writer = mesh.session(undefined, { node: nodes[(round + 1) % 3] });
        await writer.set("y", "later", { durability: "everywhere" });
        const second = mesh.transaction(await first.token(), { node: nodes[(round + 2) % 3] });
        expect(await second.getMany(["y", "x", "sum"])).toEqual([round, round, round]);
        await second.set("sum", (await second.get<number>("sum"))! + 1);
        await second.commit();
        expect(await second.session.getMany(["sum", "y"])).toEqual([round + 1, "later"]);
        first.rollback();
      }
    });

    it("reads what its snapshot has, whatever its session learns meanwhile", async () => {
      const { mesh, nodes } = await open();
      const session = mesh.session(undefined, { node: nodes[0] });
      const transaction = session.begin();
      expect(await transaction.get("y")).toBeUndefined();
      const other = mesh.session(undefined, { node: nodes[1] });
      await other.setMany(
        [
          ["y", 1],
          ["z", 1],
        ],
        { durability: "memory" },
      );
      session.join(other);
      const there = mesh.transaction(await transaction.token(), { node: nodes[2] });
      expect(await there.getMany(["y", "z"])).toEqual([undefined, undefined]);
      expect(await transaction.get("z")).toBeUndefined();
      await there.commit();
      expect(await there.session.getMany(["y", "z"])).toEqual([1, 1]);
    });

    it("is run by session.transaction, which commits what the work did or nothing of it", async () => {
      const { mesh } = await open();
      const session = mesh.session();
      expect(await session.transaction(async (tx) => (await tx.set("k", 1), "done"))).toBe("done");
      expect(await session.get("k")).toBe(1);
      const thrown = session.transaction(async (tx) => {
        await tx.set("k", 2);
        throw new Error("the work's own");
      });
      await expect(thrown).rejects.toThrow("the work's own");
      expect(await session.get("k")).toBe(1);
      expect(await session.transaction(async (tx) => await tx.get("k"))).toBe(1);
      await session.set("k", 3);
      expect(await session.get("k")).toBe(3);
    });
  });
}

describe("a snapshot", () => {
  it("is served by every node, for keys that change all the time", async () => {
    const { connect, addresses, hosts } = await cluster();
    const mesh = await connect();
    const writer = mesh.session();
    await writer.setMany([
      ["a", 0],
      ["b", 0],
    ]);
    let round = 0;
    let isWriting = true;
    const writing = (async (): Promise<void> => {
      while (isWriting) {
        round += 1;
        await writer.setMany([
          ["a", round],
          ["b", round],
        ]);
      }
    })();
    for (let index = 0; index < 100; index++) {
      const session = mesh.session(undefined, { node: addresses[index % 3] });
      const tx = session.begin();
      const a = await tx.get<number>("a");
      const before = round;
      await until(() => round > before + 1);
      const elsewhere = mesh.transaction(await tx.token(), { node: addresses[(index + 1) % 3] });
      expect(await elsewhere.get("b")).toBe(a);
      expect(await tx.get("b")).toBe(a);
      elsewhere.rollback();
      tx.rollback();
    }
    isWriting = false;
    await writing;
    expect(hosts.map(({ aborts }) => aborts)).toEqual(Array(3).fill({ retention: 0, memory: 0, evicted: 0 }));
  });

  it("holds what lost against a write that it does not hold", async () => {
    const { transport, link } = holdingFirst(memoryTransport(), "n2");
    const mesh_ = await cluster({ transport, clockOffsets: [0, 30_000, 0] });
    const mesh = await mesh_.connect();
    const [early, late, reader] = ["n1", "n2", "n3"].map((node) => mesh.session(undefined, { node }));
    await reader.setMany([
      ["k", "old"],
      ["x", "old"],
    ]);
    await rest(mesh_);
    for (const { node } of mesh_.hosts) expect(await mesh.session(undefined, { node: `n${node.replica}` }).get("k")).toBe("old");
    // Nothing goes from node 1 to node 2: what is made at 1 waits, while what is made at 2, with a later stamp, goes round to 1.
    link.held = [];
    await early.setMany(
      [
        ["k", "early"],
        ["x", "early"],
      ],
      { durability: "memory" },
    );
    await late.set("k", "late", { durability: "memory" });
    const [first, second, third] = mesh_.hosts.map(({ node }) => node);
    await until(() => first.applied[1] === 1);
    // Now the earlier one goes on, and is shown at node 3, which has not heard yet that everybody has the other one.
    while (second.received[0] === 0) link.events!.data(link.held.shift()!);
    await until(() => third.applied[0] === 1);
    expect([third.applied[0], third.applied[1]]).toEqual([1, 0]);
    const tx = reader.begin();
    expect(await tx.get("x")).toBe("early");
    const { held } = link;
    link.held = undefined;
    for (const bytes of held) link.events!.data(bytes);
    await rest(mesh_);
    expect(await mesh.session(undefined, { node: "n1" }).get("k")).toBe("late");
    const elsewhere = mesh.transaction(await tx.token(), { node: "n1" });
    expect(await elsewhere.getMany(["k", "x"])).toEqual(["early", "early"]);
  });

  it("holds the row of the store that a write in flight is about to overwrite", async () => {
    const { mesh, mesh_, tx } = await withPast();
    let release = (): void => undefined;
    mesh_.store.applyGate = new Promise((resolve) => (release = resolve));
    await mesh.session(undefined, { node: "n1" }).set("b", "new", { durability: "everywhere" });
    // Node 2 has never had the key in its cache: what it was stands in the store alone.
    const elsewhere = mesh.transaction(await tx.token(), { node: "n2" });
    const asked = mesh_.store.getManyCalls.length;
    expect(await elsewhere.get("b")).toBe("of the past");
    expect(mesh_.store.getManyCalls.slice(asked)).toEqual([["b"]]);
    release();
  });

  it("is extended where no node has it, and what was read is the same later", async () => {
    const { mesh, tx } = await withPast();
    await mesh.session(undefined, { node: "n1" }).set("b", "new", { durability: "stored" });
    const elsewhere = mesh.transaction(await tx.token(), { node: "n2" });
    expect(await elsewhere.get("b")).toBe("new");
    await elsewhere.commit();
    expect(await elsewhere.session.get("b")).toBe("new");
  });

  it("is asked of another node where this one does not have it, and what was read has changed", async () => {
    const { mesh, mesh_, tx } = await withPast();
    const writer = mesh.session(undefined, { node: "n1" });
    expect(await writer.get("b")).toBe("of the past");
    for (const key of ["b", "a"]) await writer.set(key, "new", { durability: "stored" });
    const elsewhere = mesh.transaction(await tx.token(), { node: "n2" });
    expect(await elsewhere.getMany(["b", "never"])).toEqual(["of the past", undefined]);
    expect(elsewhere.session.node).toBe("n2");
    expect(mesh_.hosts.map(({ aborts }) => aborts.evicted)).toEqual([0, 0]);
  });

  it("is not taken for a write that lost against what was in the store before, and that nobody has looked at", async () => {
    const store = await storeWithPast();
    store.put("a", "of the past");
    // Written by a clock that was ahead, as far as clocks may be.
    store.put("b", "of the past", { timestamp: timestampAt(Date.now() + 30_000) });
    const mesh_ = await cluster({ nodes: 2, store, clockOffsets: [0, 40_000] });
    const mesh = await mesh_.connect();
    const [slow, fast] = ["n1", "n2"].map((node) => mesh.session(undefined, { node }));
    await slow.set("b", "the loser", { durability: "everywhere" });
    const tx = mesh.session(undefined, { node: "n1" }).begin();
    expect(await tx.get("a")).toBe("of the past");
    for (const key of ["b", "a"]) await fast.set(key, "new", { durability: "stored" });
    expect(await tx.get("b").catch((error: { code: string }) => error.code)).toBe("SNAPSHOT_TOO_OLD");
  });

  it("is given up where nobody has it, and what was read has changed", async () => {
    const { mesh, mesh_, tx } = await withPast();
    const writer = mesh.session(undefined, { node: "n1" });
    for (const key of ["b", "a"]) await writer.set(key, "new", { durability: "stored" });
    const error = (await tx.get("b").catch((thrown: unknown) => thrown)) as Error & { code: string };
    expect([error.code, error.cause]).toEqual(["SNAPSHOT_TOO_OLD", "evicted"]);
    await until(() => mesh_.hosts.some(({ aborts }) => aborts.evicted === 1));
  });

  /** Two nodes on a store that has rows of a mesh before, and a transaction that has read one of them at the first node. */
  async function withPast(): Promise<{ mesh: Mesh; mesh_: Cluster; tx: Transaction }> {
    const store = await storeWithPast();
    for (const key of ["a", "b"]) store.put(key, "of the past");
    const mesh_ = await cluster({ nodes: 2, store });
    const mesh = await mesh_.connect();
    const tx = mesh.session(undefined, { node: "n1" }).begin();
    expect(await tx.get("a")).toBe("of the past");
    return { mesh, mesh_, tx };
  }
});

describe("a snapshot that is too old", () => {
  async function tooOld(
    options: Parameters<typeof cluster>[0],
  ): Promise<{ mesh_: Cluster; mesh: Mesh; session: Session; write: (value: string) => Promise<void> }> {
    const mesh_ = await cluster({ nodes: 2, ...options });
    const mesh = await mesh_.connect();
    const writer = mesh.session(undefined, { node: "n1" });
    const write = async (value: string): Promise<void> =>
      await writer.setMany(
        ["a", "b"].map((key) => [key, value] as const),
        { durability: "stored" },
      );
    await write("old");
    return { mesh_, mesh, session: mesh.session(undefined, { node: "n1" }), write };
  }

  it("is said, with what to do about it, and counted by cause", async () => {
    const { mesh_, session, write } = await tooOld({ snapshotRetention: 0 });
    const tx = session.begin();
    expect(await tx.get("a")).toBe("old");
    await write("new");
    const error = (await tx.get("b").catch((thrown: unknown) => thrown)) as Error & { code: string };
    expect(error.code).toBe("SNAPSHOT_TOO_OLD");
    expect(error.cause).toBe("retention");
    expect(error.message).toContain("snapshotRetention");
    expect(tx.isOpen).toBe(false);
    expect(await codeOf(tx.commit())).toBe("SNAPSHOT_TOO_OLD");
    await until(() => mesh_.hosts.some(({ aborts }) => aborts.retention === 1));
    expect(await session.get("b")).toBe("new");
  });

  it("comes about where more was overwritten than snapshotBytes", async () => {
    const { mesh_, mesh, session, write } = await tooOld({ snapshotBytes: 64 * 1024 });
    const tx = session.begin();
    expect(await tx.get("a")).toBe("old");
    await write("new");
    const filler = mesh.session(undefined, { node: "n1" });
    for (let round = 0; round < 20; round++) await filler.set("filler", "x".repeat(10_000), { durability: "everywhere" });
    const error = (await tx.get("b").catch((thrown: unknown) => thrown)) as Error & { code: string };
    expect([error.code, error.cause]).toEqual(["SNAPSHOT_TOO_OLD", "memory"]);
    for (const host of mesh_.hosts) expect(host.status().versionBytes).toBeLessThanOrEqual(64 * 1024);
  });

  it("is begun again by session.transaction, so often and no more", async () => {
    const { session, write } = await tooOld({ snapshotRetention: 0 });
    let runs = 0;
    const work = async (tx: Transaction): Promise<unknown> => {
      runs += 1;
      const a = await tx.get("a");
      if (runs <= 2) await write(`of run ${runs}`);
      return [a, await tx.get("b")];
    };
    expect(await session.transaction(work)).toEqual(["of run 2", "of run 2"]);
    expect(runs).toBe(3);
    runs = 0;
    expect(await codeOf(session.transaction(work, { retries: 1 }))).toBe("SNAPSHOT_TOO_OLD");
    expect(runs).toBe(2);
    const abort = new AbortController();
    runs = 0;
    const aborted = session.transaction(
      async (tx) => {
        abort.abort();
        return await work(tx);
      },
      { signal: abort.signal },
    );
    expect(await codeOf(aborted)).toBe("ABORTED");
  });

  it("stays so for work that has caught the error", async () => {
    const { session, write } = await tooOld({ snapshotRetention: 0 });
    const caught = session.transaction(
      async (tx) => {
        await tx.get("a");
        await write("again");
        await tx.get("b").catch(() => undefined);
      },
      { retries: 0 },
    );
    expect(await codeOf(caught)).toBe("SNAPSHOT_TOO_OLD");
  });
});

describe("a commit", () => {
  it("happens once, however often its token is used, at any node", async () => {
    const mesh_ = await cluster();
    const mesh = await mesh_.connect();
    const tx = mesh.session(undefined, { node: "n1" }).begin();
    await tx.set("k", "first");
    const token = await tx.token();
    const { version } = await tx.commit({ durability: "everywhere" });
    for (const node of ["n1", "n2", "n3"]) {
      const again = mesh.transaction(token, { node });
      await again.set("k", `again at ${node}`);
      await again.set("more", 1);
      expect(await again.commit()).toEqual({ version });
      expect(await again.session.getMany(["k", "more"])).toEqual(["first", undefined]);
    }
    expect(mesh_.hosts.map(({ writes }) => writes)).toEqual([1, 0, 0]);
  });

  it("happens once where its answer is lost: it is asked for elsewhere, and answered with what was made", async () => {
    const inner = memoryTransport();
    const mesh_ = await cluster({ transport: inner });
    const through = new CutTransport(inner);
    const mesh = await mesh_.connect({ transport: through });
    for (let round = 1; round <= 10; round++) {
      const tx = mesh.session(undefined, { node: "n1" }).begin();
      await tx.set("k", round);
      await tx.get("other");
      const links = through.to("n1");
      for (const link of links) link.hold();
      const committed = tx.commit({ durability: "memory" });
      await until(() => mesh_.hosts[0].writes === round);
      for (const link of links) link.cut();
      expect(await committed).toEqual({ version: `1:${round}` });
      expect(await tx.session.get("k")).toBe(round);
    }
    expect(mesh_.hosts.map(({ writes }) => writes)).toEqual([10, 0, 0]);
  });

  it("is known before the node shows it, with what was written then", async () => {
    const mesh_ = await cluster();
    const mesh = await mesh_.connect();
    const tx = mesh.session(undefined, { node: "n1" }).begin();
    await tx.set("k", "first");
    const token = await tx.token();
    const { version } = await tx.commit({ durability: "memory" });
    const again = mesh.transaction(token, { node: "n1" });
    await again.set("k", "again");
    expect(await again.commit({ durability: "everywhere" })).toEqual({ version });
    expect(await again.session.get("k")).toBe("first");
    expect(await mesh.session(await again.session.token(), { node: "n3" }).get("k")).toBe("first");
  });

  it("is known to a mesh that was started after it", async () => {
    const store = new TestStore();
    const before = await cluster({ store });
    const first = await before.connect();
    const tx = first.session(undefined, { node: "n1" }).begin();
    await tx.set("k", "first");
    const token = await tx.token();
    const { version } = await tx.commit({ durability: "stored" });
    await before.close();
    const after = await cluster({ store });
    const mesh = await after.connect();
    for (const node of ["n2", "n2", "n3"]) {
      const again = mesh.transaction(token, { node });
      await again.set("k", "again");
      expect(await again.commit()).toEqual({ version });
      expect(await again.session.get("k")).toBe("first");
    }
  });

  it("leaves nothing in the store but what was written, unless its token was given out", async () => {
    const mesh_ = await cluster();
    const mesh = await mesh_.connect();
    await mesh.session().transaction(async (tx) => tx.set("k", 1), { durability: "stored" });
    expect([...mesh_.store.content.rows.keys()]).toEqual(["k"]);
    const tx = mesh.session().begin();
    await tx.set("l", 1);
    await tx.token();
    await tx.commit({ durability: "stored" });
    expect([...mesh_.store.content.rows.keys()].map((key) => key.slice(0, 2)).sort()).toEqual(["\u0000t", "k", "l"]);
  });
});

describe("what cannot be", () => {
  it("is refused: two at once, a session's own writes beside one, anything after its end", async () => {
    const { connect } = await cluster();
    const session = (await connect()).session();
    const tx = session.begin();
    expect(await codeOf(() => session.begin())).toBe("TRANSACTION_OPEN");
    expect(await codeOf(session.transaction(async () => undefined))).toBe("TRANSACTION_OPEN");
    expect(await codeOf(session.set("k", 1))).toBe("TRANSACTION_OPEN");
    expect(await codeOf(session.token())).toBe("TRANSACTION_OPEN");
    await session.fork().set("k", 1);
    tx.rollback();
    tx.rollback();
    for (const call of [tx.get("k"), tx.set("k", 1), tx.commit(), tx.token(), tx.deleteMany(["k"])]) expect(await codeOf(call)).toBe("TRANSACTION_ENDED");
    const next = session.begin();
    await next.commit();
    expect(await codeOf(next.commit())).toBe("TRANSACTION_ENDED");
  });

  it("is refused: tokens of the other kind, and what does not fit", async () => {
    const { connect } = await cluster();
    const mesh = await connect();
    const session = mesh.session();
    const sessionToken = await session.token();
    const tx = session.begin();
    await tx.set("large", "x".repeat(60_000));
    expect(await codeOf(tx.token())).toBe("TOKEN_TOO_LARGE");
    await tx.set("large", "small");
    const token = await tx.token();
    expect(await codeOf(() => mesh.session(token))).toBe("TRANSACTION_OPEN");
    expect(await codeOf(() => mesh.transaction(sessionToken))).toBe("TOKEN_MALFORMED");
    expect(await codeOf(tx.setMany(Array.from({ length: 1024 }, (_, index) => [`k${index}`, 1])))).toBe("KEY_INVALID");
    expect(await codeOf(tx.set("\u0000t", 1))).toBe("KEY_INVALID");
    expect(await codeOf(tx.set("undefined", undefined))).toBe("VALUE_INVALID");
    await tx.commit();
    expect(await session.getMany(["large", "k0"])).toEqual(["small", undefined]);
  });
});
