// Views that change while the mesh runs, with real hosts over the memory transport: nodes join, leave, die and are cut off. The simulator judges
// what sessions see meanwhile (simulation.test.ts); here stands what the promises of the interface say.

import { describe, expect, it, onTestFinished } from "vitest";
import { EMPTY_CONTEXT } from "../src/client/context.js";
import { packToken, tokenKey } from "../src/client/token.js";
import { connectMesh } from "../src/embedded/create-mesh.js";
import { MemberNode } from "../src/embedded/member.js";
import { memoryTransport } from "../src/embedded/memory-transport.js";
import { formMesh, type StartNodeOptions } from "../src/embedded/start-node.js";
import type { Mesh } from "../src/mesh.js";
import { timestampMs } from "../src/protocol/hybrid-clock.js";
import { vectorOf } from "../src/protocol/vector.js";
import { changeView, readView, viewWith } from "../src/protocol/view.js";
import { codeOf, platformWithOffset, until } from "./support/cluster.js";
import { SplitNetwork, STORE } from "./support/split-network.js";
import { TestStore } from "./support/test-store.js";

const SUSPICION = { suspectMsMin: 300, suspectMsMax: 600, takeOverMs: 1_500 };

/** Finds nobody silent. */
const PATIENT = { suspicion: { suspectMsMin: 20_000, suspectMsMax: 20_000, takeOverMs: 30_000 } };

class Members {
  readonly store = new TestStore();
  readonly network = new SplitNetwork(memoryTransport());
  readonly warnings: string[] = [];
  readonly nodes: MemberNode[] = [];

  async start(address: string, replica?: number, options: Partial<StartNodeOptions> = {}): Promise<MemberNode> {
    const node = new MemberNode({
      store: this.network.storeOf(address, this.store),
      transport: this.network.of(address),
      address,
      replica,
      suspicion: SUSPICION,
      onWarning: (warning) => this.warnings.push(warning),
      ...options,
    });
    this.nodes.push(node);
    await node.start();
    return node;
  }

  async form(...addresses: string[]): Promise<MemberNode[]> {
    const { members } = await formMesh(this.store, addresses);
    return await Promise.all(members.map(({ address, replica }) => this.start(address, replica)));
  }

  async connect(options: Partial<Parameters<typeof connectMesh>[0]> = {}): Promise<Mesh> {
    const mesh = await connectMesh({ nodes: this.nodes.map(({ address }) => address), ...options }, this.network.of("client"));
    onTestFinished(() => mesh.close());
    return mesh;
  }

  async replicas(): Promise<number[]> {
    return (await readView(this.store))!.members.map(({ replica }) => replica);
  }
}

function members(): Members {
  const all = new Members();
  onTestFinished(async () => {
    await Promise.allSettled(all.nodes.map((node) => (all.network.isDead(node.address) ? node.host.end() : node.close())));
  });
  return all;
}

describe("a node that joins", () => {
  it("begins a mesh where there is none, and the next one gets what the mesh has from it", async () => {
    const all = members();
    await all.start("a");
    const mesh = await all.connect();
    const session = mesh.session();
    all.store.away = true;
    for (let index = 0; index < 50; index++) await session.set(`k${index}`, index, { durability: "memory" });
    // What is not in the store yet comes over the link.
    const token = await session.token();
    all.store.away = false;
    await all.start("b");
    expect(await all.replicas()).toEqual([1, 2]);
    const wider = await all.connect();
    const there = wider.session(token, { node: "b" });
    expect(await there.getMany(["k0", "k49"])).toEqual([0, 49]);
    await there.set("from b", 1);
    expect(await wider.session(await there.token(), { node: "a" }).get("from b")).toBe(1);
  });

  it("is met by clients that were there before it, and takes their sessions on", async () => {
    const all = members();
    await all.start("a");
    const mesh = await all.connect();
    await mesh.session().set("k", 1);
    await all.start("b");
    await until(async () => (await mesh.status()).members.length === 2);
    expect(await mesh.session(undefined, { node: "b" }).get("k")).toBe(1);
  });

  it("whose address is taken says so, and leaves no member behind", async () => {
    const all = members();
    await all.start("a");
    await expect(all.start("a")).rejects.toMatchObject({ code: "ADDRESS_IN_USE" });
    expect(await all.replicas()).toEqual([1]);
  });

  it("with another secret is refused, leaves no member behind, and does not take the mesh for down", async () => {
    const all = members();
    await all.start("a", undefined, { secret: "a secret of this test" });
    await expect(all.start("b", undefined, { secret: "a secret of another" })).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    await expect(all.start("b")).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    expect(await all.replicas()).toEqual([1]);
  });

  it("with a clock that is hours ahead is refused, and poisons nobody", async () => {
    const all = members();
    await all.start("a");
    const platform = platformWithOffset(() => 3 * 3_600_000);
    await expect(all.start("b", undefined, { platform })).rejects.toMatchObject({ code: "CLOCK_SKEW" });
    await until(async () => (await all.replicas()).length === 1);
    const session = (await all.connect({ nodes: ["a"] })).session();
    await session.set("k", 1);
    expect((await session.getEntry("k")).ageMs).toBeLessThan(60_000);
  });
});

describe("a node that leaves", () => {
  it("hands over: no call fails, nothing is lost, and the mesh goes on at once", async () => {
    const all = members();
    const [a, b, c] = await all.form("a", "b", "c");
    const mesh = await all.connect();
    let stopped = false;
    let writes = 0;
    const load = ["a", "b", "c"].map(async (node) => {
      const session = mesh.session(undefined, { node });
      for (let index = 0; !stopped; index++) {
        await session.set(`${node} ${index}`, index, { durability: "memory" });
        writes += 1;
        expect(await session.get(`${node} ${index}`)).toBe(index);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      return session;
    });
    for (const node of [a, b]) {
      const before = writes;
      await until(() => writes > before + 50);
      await node.close();
      await until(() => writes > before + 100);
    }
    expect(await all.replicas()).toEqual([c.replica]);
    stopped = true;
    const sessions = await Promise.all(load);
    await Promise.all(sessions.map((session) => session.set("end", 1, { durability: "stored" })));
    expect([...all.store.content.rows.keys()].length).toBe(writes + 1);
  }, 30_000);

  it("says which requests it has not looked at: no write is in doubt, even where none is made twice", async () => {
    const all = members();
    await all.form("a", "b");
    await all.start("c");
    const mesh = await all.connect({ retryWrites: false });
    const failures: string[] = [];
    let stopped = false;
    let writes = 0;
    const load = Array.from({ length: 20 }, async (_, index) => {
      for (; !stopped; writes++) {
        const session = mesh.session(undefined, { node: "c" });
        await session.set(`k${index}`, writes, { durability: "memory" }).catch((error: { code: string }) => failures.push(error.code));
      }
    });
    for (let round = 0; round < 20; round++) {
      await until(() => all.nodes.at(-1)!.status().writes > 50);
      await all.nodes.at(-1)!.close();
      await all.start("c");
    }
    stopped = true;
    await Promise.all(load);
    expect(failures).toEqual([]);
    expect(writes).toBeGreaterThan(1_000);
  }, 30_000);

  it("last says that the mesh has ended, so that the next one to start begins from the store at once", async () => {
    const all = members();
    const [a, b] = await all.form("a", "b");
    const mesh = await all.connect();
    await mesh.session().set("k", 1, { durability: "memory" });
    await mesh.close();
    await Promise.all([a.close(), b.close()]);
    expect(all.store.value("k")).toBe(1);
    expect(await readView(all.store)).toMatchObject({ ended: true });
    const startedAt = performance.now();
    await all.start("c");
    expect(performance.now() - startedAt).toBeLessThan(SUSPICION.takeOverMs);
    expect(await (await all.connect({ nodes: ["c"] })).session().get("k")).toBe(1);
  });
});

describe("a node that leaves one other alone", () => {
  it("brings what both have into the store first: the next loss takes nothing that was replicated", async () => {
    const all = members();
    const [a] = await all.form("a", "b");
    const mesh = await all.connect();
    let open = (): void => undefined;
    all.store.applyGate = new Promise((resolve) => (open = resolve));
    const sessions = ["a", "b"].map((node) => mesh.session(undefined, { node }));
    await Promise.all(sessions.map((session) => session.set(`at ${session.node}`, 1, { durability: "replicated" })));
    const leaving = a.close();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await all.replicas()).toEqual([1, 2]);
    open();
    await leaving;
    all.network.kill("b");
    expect(await all.replicas()).toEqual([2]);
    expect([all.store.value("at a"), all.store.value("at b")]).toEqual([1, 1]);
  });
});

describe("a node that dies", () => {
  it("is taken out of the view; what was acknowledged at `replicated` is there, and its sessions make the rest again", async () => {
    const all = members();
    await all.form("a", "b", "c");
    const mesh = await all.connect();
    const session = mesh.session(undefined, { node: "b" });
    await session.set("replicated", 1);
    // From now on b can only talk to the client: what it takes is known to nobody else.
    all.network.cut("b", ["a", "c"]);
    await session.set("memory", 2, { durability: "memory", ttl: "1h" });
    const writtenBy = Date.now();
    await session.setMany(
      [
        ["x", 1],
        ["y", 2],
      ],
      { durability: "memory" },
    );
    const token = await session.token();
    all.network.kill("b");
    await until(async () => (await all.replicas()).length === 2);
    for (const going of [session, mesh.session(token, { node: "a" })]) {
      expect(await going.getMany(["replicated", "memory", "x", "y"])).toEqual([1, 2, 1, 2]);
    }
    // Not only its own session has it: it is written again.
    await until(async () => (await mesh.session(undefined, { node: "c" }).get("memory")) === 2);
    expect(await mesh.session(undefined, { node: "a" }).getMany(["x", "y"])).toEqual([1, 2]);
    // With the rank and the lifetime that it had.
    await mesh.session(undefined, { node: "c" }).set("flushed", 1, { durability: "stored" });
    const { timestamp, expiresAt } = all.store.content.rows.get("memory")!;
    expect(timestampMs(timestamp)).toBeLessThanOrEqual(writtenBy);
    expect(expiresAt).toBe(timestampMs(timestamp) + 3_600_000);
  }, 20_000);

  it("leaves changes of counters and sets that each fork of their session makes again, and that count once all the same", async () => {
    const all = members();
    await all.form("a", "b", "c");
    const mesh = await all.connect();
    const session = mesh.session(undefined, { node: "b" });
    await session.increment("visits");
    await session.addMembers("tags", ["kept", "taken out"], { durability: "everywhere" });
    all.network.cut("b", ["a", "c"]);
    await session.increment("visits", 2, { durability: "memory" });
    await session.addMembers("tags", ["lost"], { durability: "memory" });
    await session.removeMembers("tags", ["taken out"], { durability: "memory" });
    const token = await session.token();
    all.network.kill("b");
    await until(async () => (await all.replicas()).length === 2);
    const forks = ["a", "c"].map((node) => mesh.session(token, { node }));
    for (const fork of forks) expect([await fork.count("visits"), await fork.members("tags")]).toEqual([3, ["kept", "lost"]]);
    // What one fork takes out that the other has made again as well stays out.
    await forks[0].removeMembers("tags", ["lost"]);
    const joined = mesh.session(await Promise.all(forks.map((fork) => fork.token())));
    expect([await joined.count("visits"), await joined.members("tags")]).toEqual([3, ["kept"]]);
    await joined.increment("visits");
    expect(await joined.count("visits")).toBe(4);
  }, 20_000);

  it("does not come back with what somebody has written over it since", async () => {
    const all = members();
    await all.form("a", "b", "c");
    const mesh = await all.connect();
    const session = mesh.session(undefined, { node: "b" });
    all.network.cut("b", ["a", "c"]);
    await session.set("k", "lost", { durability: "memory" });
    const token = await session.token();
    all.network.kill("b");
    await until(async () => (await all.replicas()).length === 2);
    await mesh.session(undefined, { node: "a" }).set("k", "later", { durability: "everywhere" });
    const reader = mesh.session(token, { node: "a" });
    expect(await reader.get("k")).toBe("later");
    expect(await mesh.session(undefined, { node: "c" }).get("k")).toBe("later");
  }, 20_000);

  it.each(["the fork", "the session"])(
    "leaves forks that share a lost write with the newest of them, %s coming first",
    async (first) => {
      const all = members();
      await all.form("a", "b", "c");
      const mesh = await all.connect();
      const session = mesh.session(undefined, { node: "b" });
      await session.set("other", 1, { durability: "everywhere" });
      all.network.cut("b", ["a", "c"]);
      await session.set("k", "older", { durability: "memory" });
      const fork = await session.token();
      await session.set("k", "newer", { durability: "memory" });
      const token = await session.token();
      all.network.kill("b");
      await until(async () => (await all.replicas()).length === 2);
      const forked = mesh.session(fork, { node: "a" });
      if (first === "the fork") expect(await forked.getEntry("k")).toMatchObject({ value: "older" });
      const going = mesh.session(token, { node: "a" });
      expect(await going.get("k")).toBe("newer");
      // Wherever they are made again, and at whichever node: the older one never stands after the newer one.
      const elsewhere = mesh.session(fork, { node: "c" });
      await elsewhere.set("done", 1, { durability: "everywhere" });
      await going.set("done", 2, { durability: "everywhere" });
      for (const reader of [going, mesh.session(undefined, { node: "a" }), mesh.session(undefined, { node: "c" })]) expect(await reader.get("k")).toBe("newer");
    },
    20_000,
  );

  it("takes its past along that nobody else has: a session is told so once it is sure that no newer view knows better", async () => {
    const all = members();
    await all.form("a", "b");
    all.network.kill("a");
    await until(async () => (await all.replicas()).length === 1);
    const { meshId } = (await readView(all.store))!;
    const now = Date.now();
    const issue = { meshId, key: tokenKey(meshId, ""), issuedAt: now, expiresAt: now + 60_000 };
    // It has seen more of a than the mesh has kept.
    const token = packToken({ ...EMPTY_CONTEXT, visible: vectorOf([[1, 9]]) }, issue);
    const mesh = await connectMesh({ nodes: ["b"] }, all.network.of("client"));
    onTestFinished(() => mesh.close());
    const read = (): Promise<string> => codeOf(() => mesh.session(token).get("k", { timeoutMs: 3_000 }));
    all.network.cut("b", [STORE]);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(await read()).toBe("NODE_BEHIND");
    all.network.heal("b");
    expect(await read()).toBe("CAUSAL_PAST_LOST");
  }, 20_000);

  it.each(["that session", "the other use"])(
    "leaves a transaction that was committed there committed once, %s coming first",
    async (first) => {
      const all = members();
      await all.form("a", "b", "c");
      const mesh = await all.connect();
      const transaction = mesh.session(undefined, { node: "b" }).begin();
      await transaction.get("k");
      const used = await transaction.token();
      all.network.cut("b", ["a", "c"]);
      await transaction.set("k", "committed");
      await transaction.commit({ durability: "memory" });
      const token = await transaction.session.token();
      all.network.kill("b");
      await until(async () => (await all.replicas()).length === 2);
      const session = mesh.session(token, { node: "a" });
      const again = mesh.transaction(used, { node: "a" });
      await again.set("k", "by the other use");
      if (first === "that session") expect(await session.get("k")).toBe("committed");
      const { version } = await again.commit();
      const won = first === "that session" ? "committed" : "by the other use";
      expect(await session.getEntry("k")).toMatchObject({ value: won, version });
      expect(await again.session.get("k")).toBe(won);
      // However often it is asked for.
      const last = mesh.transaction(used, { node: "c" });
      await last.set("k", "by another one");
      expect(await last.commit()).toEqual({ version });
    },
    20_000,
  );

  it("with all others leaves the one that is there in charge", async () => {
    const all = members();
    await all.form("a", "b", "c");
    const mesh = await all.connect();
    await mesh.session().set("k", 1, { durability: "everywhere" });
    all.network.kill("a");
    all.network.kill("b");
    await until(async () => (await all.replicas()).length === 1);
    const session = mesh.session();
    expect(await session.get("k")).toBe(1);
    await session.set("k", 2);
    expect(all.store.value("k")).toBe(2);
    await session.set("k", 3, { durability: "everywhere" });
    expect(all.store.value("k")).toBe(3);
  }, 20_000);
});

describe("a node that was cut off", () => {
  it("answers nothing that is wrong, finds out, and joins anew under another replica id", async () => {
    const all = members();
    const [, b] = await all.form("a", "b", "c");
    const mesh = await all.connect();
    all.network.cut("b", ["a", "c"]);
    await until(async () => !(await all.replicas()).includes(2));
    const session = mesh.session(undefined, { node: "a" });
    await session.set("k", 1, { durability: "everywhere" });
    // b has never received it: the session is answered, elsewhere.
    expect(await mesh.session(await session.token(), { node: "b" }).get("k")).toBe(1);
    all.network.heal("b");
    await until(async () => (await all.replicas()).length === 3);
    expect(b.replica).toBeGreaterThan(3);
    await until(() => all.warnings.some((warning) => warning.includes("gone on without replica 2")));
    await until(async () => (await mesh.status()).unreachable.length === 0);
    expect(await mesh.session(await session.token(), { node: "b" }).get("k")).toBe(1);
  }, 20_000);

  it("does not go on without the others, although it finds out first: they object, and lose nothing", async () => {
    const all = members();
    await formMesh(all.store, ["a", "b", "c"]);
    await Promise.all([all.start("a", 1, PATIENT), all.start("b", 2), all.start("c", 3, PATIENT)]);
    const mesh = await all.connect();
    all.network.cut("b", ["a", "c"]);
    await mesh.session(undefined, { node: "c" }).set("k", 1);
    await until(async () => (await all.replicas()).length < 3);
    expect(await all.replicas()).toEqual([1, 3]);
    expect(await mesh.session(undefined, { node: "a" }).get("k")).toBe(1);
    expect(all.warnings.filter((warning) => /without replica [13]/.test(warning))).toEqual([]);
  }, 20_000);

  it("does not outvote those who have what it missed by newcomers who have nothing", async () => {
    const all = members();
    await all.form("a", "b", "c");
    const mesh = await all.connect();
    all.network.cut("c", ["a", "b"]);
    for (const newcomer of ["d", "e"]) await changeView(all.store, ({ view }) => viewWith(view!, newcomer, Date.now()));
    await mesh.session(undefined, { node: "a" }).set("k", 1, { durability: "replicated" });
    await until(async () => (await all.replicas()).length === 2);
    expect(await all.replicas()).toEqual([1, 2]);
    expect(await mesh.session(undefined, { node: "b" }).get("k")).toBe(1);
    all.network.heal("c");
    await until(async () => (await all.replicas()).length === 3);
  }, 20_000);

  it("and is about to go on alone goes back to the others when it hears them again", async () => {
    const all = members();
    await all.form("a", "b", "c");
    const mesh = await all.connect();
    all.store.away = true;
    all.network.cut("b", ["a", "c"]);
    await new Promise((resolve) => setTimeout(resolve, 3 * SUSPICION.suspectMsMax));
    all.network.heal("b");
    // The ring closes again although nobody can change the view.
    await mesh.session(undefined, { node: "b" }).set("k", 1, { durability: "everywhere" });
    expect(all.nodes.map(({ replica }) => replica)).toEqual([1, 2, 3]);
    all.store.away = false;
  }, 20_000);

  it("from the start does not begin the mesh anew while others run, and joins it when it reaches them", async () => {
    const all = members();
    await formMesh(all.store, ["a", "b"]);
    await Promise.all([all.start("a", 1, PATIENT), all.start("b", 2, PATIENT)]);
    const mesh = await all.connect();
    all.network.cut("c", ["a", "b"]);
    all.store.away = true;
    await mesh.session().set("k", 1);
    all.store.away = false;
    const joined = all.start("c");
    await until(async () => (await all.replicas()).some((replica) => replica > 3));
    all.network.heal("c");
    await joined;
    expect((await all.replicas()).slice(0, 2)).toEqual([1, 2]);
    expect(await mesh.session().get("k")).toBe(1);
  }, 30_000);

  it("from the start is not the mesh that another newcomer looks for: that one begins it anew", async () => {
    const all = members();
    await formMesh(all.store, ["gone"]);
    const begins = all.start("a");
    await until(async () => (await all.replicas()).length === 2);
    await changeView(all.store, ({ view }) => viewWith(view!, "lost", Date.now()));
    const joins = all.start("b");
    await until(async () => (await all.replicas()).length === 4);
    // It does not see the notice, and refuses whoever comes with a later epoch than its own.
    all.network.cut("b", [STORE]);
    await begins;
    all.network.heal("b");
    await joins;
    const mesh = await all.connect();
    await mesh.session(undefined, { node: "a" }).set("k", 1);
    expect(await mesh.session(undefined, { node: "b" }).get("k")).toBe(1);
    expect(await all.replicas()).toHaveLength(2);
  }, 30_000);

  it("is not needed for others to go on when the store is away too, once that is back", async () => {
    const all = members();
    await all.form("a", "b", "c");
    const mesh = await all.connect();
    all.store.away = true;
    all.network.kill("b");
    const write = mesh.session(undefined, { node: "a" }).set("k", 1);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(
      await mesh
        .session(undefined, { node: "c" })
        .get("other")
        .catch((error: { code: string }) => error.code),
    ).toBe("STORE_UNAVAILABLE");
    all.store.away = false;
    await write;
    expect(await all.replicas()).toEqual([1, 3]);
  }, 20_000);
});

describe("what is left of the departed", () => {
  it("goes out of the vectors when everybody shows it: a thousand restarts leave nothing behind", async () => {
    const all = members();
    await all.form("a", "b");
    const mesh = await all.connect();
    let token = await mesh.session().token();
    for (let round = 0; round < 1_000; round++) {
      const node = await all.start("c");
      const session = mesh.session(token, { node: "c" });
      await session.set("k", round);
      token = await session.token();
      await node.close();
    }
    await until(async () => (await readView(all.store))!.departed.every(({ settled }) => settled));
    const session = mesh.session(token, { node: "a" });
    expect(await session.get("k")).toBe(999);
    const { members: known } = await mesh.status();
    for (const { applied } of known) expect(Object.keys(applied).length).toBeLessThanOrEqual(2);
    // The session was told the names of a thousand replicas, and keeps those of members.
    expect((await session.token()).length).toBeLessThan(200);
  }, 300_000);
});
