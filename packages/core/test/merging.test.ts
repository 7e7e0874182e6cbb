// Values to which concurrent changes all count: the laws of their shares, and what sessions see of them on real nodes. That they are consistent under faults of all
// kinds the simulator judges (simulation.test.ts).

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMesh } from "../src/embedded/create-mesh.js";
import { memoryTransport } from "../src/embedded/memory-transport.js";
import { KEY_BYTES_MAX } from "../src/limits.js";
import { added, countOf, type Addition, type CounterShare } from "../src/merging/counter.js";
import { dotOf } from "../src/merging/dot.js";
import { changed, marksOf, removalOf, type SetShare } from "../src/merging/member-set.js";
import type { Session } from "../src/mesh.js";
import { codeOf, startCluster } from "./support/cluster.js";
import { CutTransport } from "./support/cut-transport.js";
import { TestStore } from "./support/test-store.js";

/** A node's state of one value: of each share its newest version that the node has. */
type State<Share> = ReadonlyMap<number, { readonly version: number; readonly share: Share }>;

function merged<Share>(one: State<Share>, other: State<Share>): State<Share> {
  const newest = new Map(one);
  for (const [owner, made] of other) if ((newest.get(owner)?.version ?? 0) < made.version) newest.set(owner, made);
  return newest;
}

const NODES = 3;
/** What happens at a node: a change there, or it takes over the state of another. */
const steps = fc.array(
  fc.record({
    at: fc.nat(NODES - 1),
    from: fc.nat(NODES - 1),
    merges: fc.boolean(),
    by: fc.integer({ min: -9, max: 9 }),
    member: fc.constantFrom("a", "b", "c"),
    adds: fc.boolean(),
  }),
  { maxLength: 40 },
);

function run<Share>(
  given: typeof steps extends fc.Arbitrary<infer Steps> ? Steps : never,
  change: (states: State<Share>[], step: (typeof given)[number]) => Share | undefined,
): State<Share>[] {
  const states: State<Share>[] = Array.from({ length: NODES }, () => new Map());
  for (const step of given) {
    if (step.merges) states[step.at] = merged(states[step.at], states[step.from]);
    else {
      const share = change(states, step);
      if (share !== undefined) states[step.at] = new Map(states[step.at]).set(step.at, { version: (states[step.at].get(step.at)?.version ?? 0) + 1, share });
    }
  }
  return states;
}

const sharesOf = <Share>(state: State<Share>): Share[] => [...state.values()].map(({ share }) => share);

/** To merge is associative, commutative and idempotent, in what is seen of it. */
function expectLaws<Share>([a, b, c]: readonly State<Share>[], seen: (state: State<Share>) => unknown): void {
  expect(seen(merged(merged(a, b), c))).toEqual(seen(merged(a, merged(b, c))));
  expect(seen(merged(a, b))).toEqual(seen(merged(b, a)));
  expect(seen(merged(a, a))).toEqual(seen(a));
}

describe("a counter's shares", () => {
  it("merge in any order and as often as one likes, and every addition counts once", () => {
    fc.assert(
      fc.property(steps, (given) => {
        let sum = 0;
        const states = run<CounterShare>(given, (all, { at, by }) => {
          sum += by;
          return added(all[at].get(at)?.share, { by });
        });
        const count = (state: State<CounterShare>): number => countOf(sharesOf(state), []);
        expectLaws(states, count);
        expect(count(states.reduce(merged))).toBe(sum);
      }),
    );
  });

  it("count what is made again once, at however many nodes that was done, and whoever has it still in hand", () => {
    const again: Addition = { by: 5, of: "7:3" };
    const [one, other] = [added(added(undefined, { by: 1 }), again), added(undefined, again)];
    expect(countOf([one, other], [])).toBe(6);
    expect(countOf([one], [again])).toBe(6);
    expect(countOf([added(other, again)], [])).toBe(5);
  });
});

describe("a set's shares", () => {
  it("merge in any order and as often as one likes: a removal takes away what it has seen, and nothing else", () => {
    fc.assert(
      fc.property(steps, (given) => {
        // What is true: each addition is there for those who have met it and no removal that has seen it.
        let additions: { at: number; member: string; dot: string }[] = [];
        const removals: Map<string, Set<string>> = new Map();
        const dots = Array.from({ length: NODES }, () => 0);
        const states = run<SetShare>(given, (all, { at, member, adds }) => {
          const state = all[at];
          const shares = sharesOf(state);
          const others = [...state].filter(([owner]) => owner !== at).map(([, { share }]) => share);
          const marks = marksOf(shares, []);
          if (!adds && !marks.has(member)) return undefined;
          const dot = dotOf({ replica: at, counter: ++dots[at] });
          const shows = (mark: string): boolean => {
            const [replica, counter] = mark.split(":").map(Number);
            return replica === at || counter <= lastOf(state.get(replica)?.share, replica);
          };
          // Who adds again at a node follows what was added there.
          if (adds) additions = [...additions.filter((other) => other.at !== at || other.member !== member), { at, member, dot }];
          else for (const mark of marks.get(member)!) removals.set(mark, (removals.get(mark) ?? new Set()).add(member));
          const change = adds ? { add: [member] } : { remove: removalOf([member], marks) };
          return { ...changed(state.get(at)?.share, change, dot, others, shows), at: dots[at] } as SetShare;
        });
        const seen = (state: State<SetShare>): string[] => [...marksOf(sharesOf(state), []).keys()].sort();
        expectLaws(states, seen);
        const left = additions.filter(({ member, dot }) => removals.get(dot)?.has(member) !== true).map(({ member }) => member);
        expect(seen(states.reduce(merged))).toEqual([...new Set(left)].sort());
      }),
    );
  });

  it("take the room of what is in them: what was removed leaves nothing behind once everybody has seen it", () => {
    let mine: SetShare = changed(undefined, { add: ["a", "b"] }, "1:1", [], () => true);
    let other: SetShare = changed(undefined, { remove: removalOf(["a"], marksOf([mine], [])) }, "2:1", [mine], () => true);
    expect(other.removed).toEqual({ "1:1": ["a"] });
    mine = changed(mine, { add: ["c"] }, "1:2", [other], () => true);
    expect(mine.added).toEqual({ "1:1": ["b"], "1:2": ["c"] });
    other = changed(other, { add: ["d"] }, "2:2", [mine], () => true);
    expect(other.removed).toEqual({});
    expect([...marksOf([mine, other], []).keys()].sort()).toEqual(["b", "c", "d"]);
  });
});

/** The last write of a node that is in its share: the test above notes it there. */
function lastOf(share: SetShare | undefined, _replica: number): number {
  return (share as (SetShare & { at: number }) | undefined)?.at ?? 0;
}

async function cluster() {
  const nodes = await startCluster();
  const mesh = await nodes.connect();
  return { ...nodes, mesh, at: (index: number): Session => mesh.session(undefined, { node: nodes.addresses[index] }) };
}

describe("a counter", () => {
  it("counts what all sessions add, at whichever nodes, and each sees its own at once", async () => {
    const { mesh, addresses, at } = await cluster();
    const sessions = addresses.map((_, index) => at(index));
    await Promise.all(
      sessions.map(async (session, index) => {
        for (let round = 1; round <= 20; round++) {
          await session.increment("hits", index + 1);
          expect(await session.count("hits")).toBeGreaterThanOrEqual(round * (index + 1));
        }
      }),
    );
    const token = await mesh.session(await Promise.all(sessions.map((session) => session.token()))).token();
    for (const node of addresses) expect(await mesh.session(token, { node }).count("hits")).toBe(20 * (1 + 2 + 3));
  });

  it("is added to one by one where many do so at one node, each in its own time", async () => {
    const { at } = await cluster();
    const sessions = Array.from({ length: 50 }, () => at(0));
    await Promise.all(sessions.map((session) => session.increment("hits")));
    const all = at(0);
    for (const session of sessions) all.join(session);
    expect(await all.count("hits")).toBe(50);
  });

  it("goes with its session to a node that does not have it yet, as part of its past", async () => {
    const { mesh, addresses, at } = await cluster();
    const writer = at(0);
    await writer.increment("hits", 3);
    const there = mesh.session(await writer.token(), { node: addresses[2] });
    expect(await there.count("hits")).toBe(3);
    await there.increment("hits", -1);
    const back = mesh.session(await there.token(), { node: addresses[1] });
    expect(await back.count("hits")).toBe(2);
  });

  it("is another value than that of `set` under the same key, and stays apart in namespaces", async () => {
    const { mesh, at } = await cluster();
    const session = at(0);
    await session.set("k", "value");
    await session.increment("k", 2);
    await session.addMembers("k", ["m"]);
    const other = mesh.session(await session.token(), { namespace: "other" });
    expect([await session.get("k"), await session.count("k"), await session.members("k")]).toEqual(["value", 2, ["m"]]);
    expect([await other.count("k"), await other.members("k")]).toEqual([0, []]);
  });

  it("goes on from the store when the whole mesh begins anew, also with fewer and with more nodes", async () => {
    const store = new TestStore();
    let count = 0;
    for (const nodes of [3, 1, 2, 4]) {
      const mesh = await createMesh({ store, nodes });
      const session = mesh.session();
      expect(await session.count("hits")).toBe(count);
      for (let index = 0; index < 4; index++) {
        await mesh.session(await session.token()).increment("hits", 2);
        await session.increment("hits");
      }
      count += 12;
      await mesh.close();
    }
    const readable = [...store.content.rows.values()]
      .filter(({ key }) => key.endsWith(":hits"))
      .map(({ value }) => JSON.parse(new TextDecoder().decode(value!)) as CounterShare);
    expect(countOf(readable, [])).toBe(count);
  });

  it("refuses what it cannot count, and changes nothing", async () => {
    const { at } = await cluster();
    const session = at(0);
    expect(await codeOf(session.increment("k", 0.5))).toBe("VALUE_INVALID");
    expect(await codeOf(session.increment("k", "1" as unknown as number))).toBe("VALUE_INVALID");
    expect(await codeOf(session.increment(""))).toBe("KEY_INVALID");
    expect(await codeOf(session.increment("k".repeat(KEY_BYTES_MAX)))).toBe("KEY_INVALID");
    await session.increment("k", Number.MAX_SAFE_INTEGER);
    expect(await codeOf(session.increment("k"))).toBe("VALUE_INVALID");
    expect(await session.count("k")).toBe(Number.MAX_SAFE_INTEGER);
    session.begin();
    expect(await codeOf(session.increment("k"))).toBe("TRANSACTION_OPEN");
    expect(await codeOf(session.set("\u0000c0:k", 1))).toBe("KEY_INVALID");
  });
});

describe("a set", () => {
  it("has what anybody added, and loses what was removed by who saw it", async () => {
    const { mesh, addresses, at } = await cluster();
    const [one, two] = [at(0), at(1)];
    await Promise.all([one.addMembers("tags", ["a", "b", "b"]), two.addMembers("tags", ["c"])]);
    const joined = mesh.session([await one.token(), await two.token()], { node: addresses[2] });
    expect(await joined.members("tags")).toEqual(["a", "b", "c"]);
    await joined.removeMembers("tags", ["a", "c", "never there"]);
    for (const node of addresses) expect(await mesh.session(await joined.token(), { node }).members("tags")).toEqual(["b"]);
  });

  it("keeps a member that one adds again while another removes it, and what it has not seen", async () => {
    const transport = new CutTransport(memoryTransport());
    const { connect, addresses } = await startCluster({ transport });
    const mesh = await connect({ transport: transport });
    const first = mesh.session(undefined, { node: addresses[0] });
    await first.addMembers("tags", ["a", "b"], { durability: "everywhere" });
    const token = await first.token();
    const [adds, removes] = [mesh.session(token, { node: addresses[1] }), mesh.session(token, { node: addresses[2] })];
    await Promise.all([adds.count("-"), removes.count("-")]);
    // The links of the ring are older than those of the client.
    const ring = addresses.map((address) => transport.to(address)[0]);
    for (const link of ring) link.holdBack();
    await adds.addMembers("tags", ["a", "c"], { durability: "memory" });
    await removes.removeMembers("tags", ["a", "b", "c"], { durability: "memory" });
    expect(await removes.members("tags")).toEqual([]);
    for (const link of ring) link.release();
    expect(await mesh.session([await adds.token(), await removes.token()]).members("tags")).toEqual(["a", "c"]);
  });

  it("loses at once what its own session added elsewhere and takes out here", async () => {
    const { mesh, addresses, at } = await cluster();
    let session = at(0);
    for (let round = 0; round < 10; round++) {
      await session.addMembers("tags", [`m${round}`, "always"]);
      session = mesh.session(await session.token(), { node: addresses[round % 3] });
      await session.removeMembers("tags", [`m${round}`]);
      expect(await session.members("tags")).toEqual(["always"]);
    }
  });

  it("holds any text as a member, and nothing else", async () => {
    const { at } = await cluster();
    const session = at(0);
    const odd = ["__proto__", "constructor", "é", "1:1", '"', "\u0000"];
    await session.addMembers("tags", odd);
    expect(await session.members("tags")).toEqual([...odd].sort());
    await session.removeMembers("tags", ["__proto__"]);
    expect(await session.members("tags")).toEqual(odd.filter((member) => member !== "__proto__").sort());
    for (const members of [["", "a"], [1], "a", ["\ud800"], ["x".repeat(2000)]] as unknown as string[][])
      expect(await codeOf(session.addMembers("tags", members))).toBe("VALUE_INVALID");
    expect(await codeOf(session.removeMembers("tags", [undefined] as unknown as string[]))).toBe("VALUE_INVALID");
  });
});

describe("the ambient session", () => {
  it("has them too", async () => {
    const mesh = await createMesh({ store: new TestStore(), nodes: 2 });
    await mesh.run(async () => {
      await mesh.increment("hits");
      await mesh.addMembers("tags", ["a", "b"]);
      await mesh.removeMembers("tags", ["a"]);
      expect([await mesh.count("hits"), await mesh.members("tags")]).toEqual([1, ["b"]]);
    });
    await mesh.close();
  });
});
