// The view in the store's registry, the ring that it makes, and how far it can follow a vector from outside.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { raise, Reach, Ring, within } from "../src/protocol/ring.js";
import { vectorOf } from "../src/protocol/vector.js";
import { formMesh, nextView, readView, type View } from "../src/protocol/view.js";
import { codeOf } from "./support/cluster.js";
import { TestStore } from "./support/test-store.js";

const id = (): string => "mesh-of-the-test";

function viewOf(replicas: readonly number[], finals: View["finals"] = [], nextReplica = Math.max(...replicas) + 1): View {
  return { epoch: 3, meshId: "m", members: replicas.map((replica) => ({ replica, address: `n${replica}` })), finals, nextReplica };
}

describe("views", () => {
  it("give each start of a node a new replica id and remember what is left of the departed", () => {
    const first = nextView(undefined, [], ["a", "b"], id);
    expect(first).toEqual({
      epoch: 1,
      meshId: id(),
      members: [
        { replica: 1, address: "a" },
        { replica: 2, address: "b" },
      ],
      finals: [],
      nextReplica: 3,
    });
    const second = nextView(first, [[1, 7]], ["a", "b", "c"], () => "another");
    expect(second.members.map(({ replica }) => replica)).toEqual([3, 4, 5]);
    expect(second).toMatchObject({
      epoch: 2,
      meshId: id(),
      nextReplica: 6,
      finals: [
        [1, 7],
        [2, 0],
      ],
    });
  });

  it("are kept in the registry and read back", async () => {
    const store = new TestStore();
    expect(await readView(store)).toBeUndefined();
    const formed = await formMesh(store, ["a", "b"], id);
    expect(await readView(store)).toEqual(formed);
    expect((await formMesh(store, ["a"], id)).epoch).toBe(2);
  });

  it("formed by two at once follow one another: no replica id is given twice", async () => {
    const store = new TestStore();
    const formed = await Promise.all([formMesh(store, ["a", "b"], id), formMesh(store, ["c"], id), formMesh(store, ["d"], id)]);
    const replicas = formed.flatMap((view) => view.members.map((member) => member.replica));
    expect(new Set(replicas).size).toBe(4);
    expect(formed.map((view) => view.epoch).sort()).toEqual([1, 2, 3]);
  });

  it("need nodes with addresses of their own", async () => {
    const store = new TestStore();
    expect(await codeOf(formMesh(store, [], id))).toBe("OPTION_INVALID");
    expect(
      await codeOf(
        formMesh(
          store,
          Array.from({ length: 257 }, (_, index) => `n${index}`),
          id,
        ),
      ),
    ).toBe("OPTION_INVALID");
    expect(await codeOf(formMesh(store, ["a", "b", "a"], id))).toBe("ADDRESS_INVALID");
  });

  it("that are not views are told as STORE_INVALID and left as they are", async () => {
    const good = JSON.stringify(viewOf([1, 2]));
    const texts = [
      "",
      "{",
      "null",
      "[]",
      good.replace('"epoch":3', '"epoch":4'),
      good.replace('"replica":1', '"replica":-1'),
      good.replace('"replica":1', '"replica":99'),
      good.replace('"members":[', '"members":[],"unused":['),
      good.replace('"finals":[]', '"finals":[[1]]'),
      good.replace('"finals":[]', '"finals":[3]'),
      good.replace('"meshId":"m"', '"meshId":5'),
      good.replace('"n2"', "2"),
    ];
    for (const text of [...texts, "\ufffd"]) {
      const store = new TestStore();
      store.content.registry = { epoch: 3, bytes: text === "\ufffd" ? new Uint8Array([0xff]) : new TextEncoder().encode(text) };
      expect(await codeOf(readView(store)), text).toBe("STORE_INVALID");
      expect(await codeOf(formMesh(store, ["a"], id)), text).toBe("STORE_INVALID");
      expect(store.content.registry.epoch).toBe(3);
    }
  });
});

describe("the ring", () => {
  it("names neighbours in the order of the view; the tail of an origin is its predecessor", () => {
    const ring = new Ring(viewOf([5, 2, 9]), 2);
    expect([ring.self, ring.successor, ring.predecessor]).toEqual([1, 2, 0]);
    expect([0, 1, 2].map((origin) => ring.isTailOf(origin))).toEqual([false, false, true]);
    expect(ring.indexOf(9)).toBe(2);
    expect(ring.indexOf(7)).toBe(-1);
    expect(ring.vector([4, 0, 6])).toEqual({ replicas: [5, 9], counters: [4, 6] });
    const alone = new Ring(viewOf([1]), 1);
    expect([alone.self, alone.successor, alone.predecessor, alone.isTailOf(0)]).toEqual([0, 0, 0, true]);
  });

  it("follows vectors of members and of what the departed left, and says when it cannot", () => {
    const ring = new Ring(
      viewOf(
        [5, 6],
        [
          [1, 10],
          [2, 0],
        ],
        7,
      ),
      5,
    );
    const into = ring.zeros();
    expect(
      ring.reach(
        vectorOf([
          [1, 10],
          [5, 3],
          [6, 4],
        ]),
        into,
      ),
    ).toBe(Reach.Known);
    expect(into).toEqual([3, 4]);
    expect(ring.reach(vectorOf([[5, 2]]), into)).toBe(Reach.Known);
    expect(into).toEqual([2, 0]);
    expect(ring.reach(vectorOf([[1, 11]]), into)).toBe(Reach.Lost);
    expect(ring.reach(vectorOf([[2, 1]]), into)).toBe(Reach.Lost);
    expect(ring.reach(vectorOf([[7, 1]]), into)).toBe(Reach.Newer);
  });

  it("compares and raises its vectors entry by entry", () => {
    const counters = fc.array(fc.nat(3), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(counters, counters, (a, b) => {
        expect(within(a, b)).toBe(a.every((counter, index) => counter <= b[index]));
        const joined = [...a];
        expect(raise(joined, b)).toBe(!within(b, a));
        expect(joined).toEqual(a.map((counter, index) => Math.max(counter, b[index])));
      }),
    );
  });
});
