// The view in the store's registry, the ring that it makes, and how far it can follow a vector from outside.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEPARTED_TTL_MS } from "../src/limits.js";
import { raise, Reach, Ring, within } from "../src/protocol/ring.js";
import { vectorOf } from "../src/protocol/vector.js";
import {
  changeView,
  formedView,
  formMesh,
  readView,
  viewEnded,
  viewNoticed,
  viewServing,
  viewSettled,
  viewWith,
  viewWithout,
  type Departed,
  type View,
} from "../src/protocol/view.js";
import { codeOf } from "./support/cluster.js";
import { TestStore } from "./support/test-store.js";

const NOW = 1_800_000_000_000;
const id = (): string => "mesh-of-the-test";

function viewOf(replicas: readonly number[], departed: readonly Departed[] = [], nextReplica = Math.max(...replicas) + 1): View {
  const members = replicas.map((replica) => ({ replica, address: `n${replica}`, share: replica - 1 }));
  return { epoch: 3, meshId: "m", members, departed, nextReplica, shares: nextReplica - 1 };
}

function left(replica: number, final: number, head: number, settled = false, leftAt = NOW): Departed {
  return { replica, share: replica - 1, final, head, settled, leftAt };
}

describe("views", () => {
  it("give each start of a node a new replica id and remember what is left of the departed", () => {
    const first = formedView(undefined, [], ["a", "b"], id, NOW);
    expect(first).toEqual({
      epoch: 1,
      meshId: id(),
      members: [
        { replica: 1, address: "a", share: 0 },
        { replica: 2, address: "b", share: 1 },
      ],
      departed: [],
      nextReplica: 3,
      shares: 2,
    });
    const second = formedView(first, [[1, 7]], ["a", "b", "c"], () => "another", NOW);
    expect(second.members.map(({ replica }) => replica)).toEqual([3, 4, 5]);
    expect(second).toMatchObject({
      epoch: 2,
      meshId: id(),
      nextReplica: 6,
      departed: [left(1, 7, 3, true), left(2, 0, 3, true)],
    });
  });

  it("are kept in the registry and read back", async () => {
    const store = new TestStore();
    expect(await readView(store)).toBeUndefined();
    const formed = await formMesh(store, ["a", "b"], id, NOW);
    expect(await readView(store)).toEqual(formed);
    expect((await formMesh(store, ["a"], id, NOW)).epoch).toBe(2);
  });

  it("formed anew keep of the departed what is in the store, and no more", () => {
    const before = viewOf([4], [left(2, 7, 4, true), left(3, 9, 4)]);
    const { departed } = formedView(
      before,
      [
        [2, 7],
        [3, 5],
        [4, 1],
      ],
      ["a"],
      id,
      NOW,
    );
    expect(departed.map(({ replica, final, settled }) => [replica, final, settled])).toEqual([
      [2, 7, true],
      [3, 5, true],
      [4, 1, true],
    ]);
  });

  it("formed by two at once follow one another: no replica id is given twice", async () => {
    const store = new TestStore();
    const formed = await Promise.all([formMesh(store, ["a", "b"], id, NOW), formMesh(store, ["c"], id, NOW), formMesh(store, ["d"], id, NOW)]);
    const replicas = formed.flatMap((view) => view.members.map((member) => member.replica));
    expect(new Set(replicas).size).toBe(4);
    expect(formed.map((view) => view.epoch).sort()).toEqual([1, 2, 3]);
  });

  it("need nodes with addresses of their own", async () => {
    const store = new TestStore();
    expect(await codeOf(formMesh(store, [], id, NOW))).toBe("OPTION_INVALID");
    expect(
      await codeOf(
        formMesh(
          store,
          Array.from({ length: 257 }, (_, index) => `n${index}`),
          id,
          NOW,
        ),
      ),
    ).toBe("OPTION_INVALID");
    expect(await codeOf(formMesh(store, ["a", "b", "a"], id, NOW))).toBe("ADDRESS_INVALID");
  });

  it("take in one more at the end of the ring", () => {
    const view = viewWith(viewOf([1, 2]), "n9", NOW);
    expect(view).toMatchObject({ epoch: 4, nextReplica: 4 });
    expect(view.members).toEqual([...viewOf([1, 2]).members, { replica: 3, address: "n9", share: 2, joining: true }]);
    const serving = viewServing(view, 3)!;
    expect(serving).toEqual({ ...view, epoch: 5, members: [...viewOf([1, 2]).members, { replica: 3, address: "n9", share: 2 }] });
    for (const replica of [1, 3, 4]) expect(viewServing(serving, replica)).toBeUndefined();
  });

  it("give a share to whoever comes, and again only when everybody shows all that its last owner wrote", () => {
    const without = viewWithout(viewOf([1, 2, 3]), new Set([2]), () => 5, NOW);
    const sharesOf = ({ members }: View): number[] => members.map(({ share }) => share);
    expect(sharesOf(viewWith(without, "d", NOW))).toEqual([0, 2, 3]);
    const settled = viewWith(viewSettled(without, new Set([2]), NOW), "d", NOW);
    expect(sharesOf(settled)).toEqual([0, 2, 1]);
    expect(settled.shares).toBe(3);
    // Nobody is left who could write more, and the store has what there is.
    const anew = formedView(settled, [], ["x"], id, NOW);
    expect([sharesOf(anew), anew.shares]).toEqual([[0], 3]);
  });

  it("let members go, each with what the next one has of it; a run of them has one head", () => {
    const received = (replica: number): number => replica * 10;
    const view = viewWithout(viewOf([1, 2, 3, 4]), new Set([2, 3]), received, NOW);
    expect(view.members.map(({ replica }) => replica)).toEqual([1, 4]);
    expect(view.departed).toEqual([left(2, 20, 4), left(3, 30, 4)]);
    const round = viewWithout(viewOf([1, 2, 3]), new Set([3, 1]), received, NOW);
    expect(round.departed).toEqual([left(1, 10, 2), left(3, 30, 2)]);
  });

  it("go by what is left where the one who stood in for others leaves too, and never by more than was kept", () => {
    const before = viewOf([1, 2, 4], [left(3, 5, 4), left(9, 7, 4, true), left(8, 6, 2)], 10);
    const have = new Map([
      [4, 11],
      [3, 2],
      [9, 0],
    ]);
    const view = viewWithout(before, new Set([4]), (replica) => have.get(replica), NOW);
    expect(view.departed).toEqual([left(3, 2, 1), left(9, 7, 1, true), left(8, 6, 2), left(4, 11, 1)]);
    expect(viewWithout(before, new Set([4]), (replica) => (replica === 4 ? 11 : 99), NOW).departed[0].final).toBe(5);
  });

  it("settle the departed, end, and forget them when no token can name them any more", () => {
    const before = viewOf([1], [left(3, 5, 1), left(4, 6, 1)]);
    expect(viewSettled(before, new Set([4]), NOW).departed).toEqual([left(3, 5, 1), left(4, 6, 1, true)]);
    expect(viewEnded(before)).toEqual({ ...before, epoch: 4, ended: true });
    const later = viewWith(before, "n2", NOW + DEPARTED_TTL_MS);
    expect(later.departed).toEqual([]);
  });

  it("carry a notice for one epoch, through the registry", async () => {
    const store = new TestStore();
    await formMesh(store, ["a", "b", "c"], id, NOW);
    const notice = { by: 1, gone: [2, 3] };
    const noticed = (await changeView(store, ({ view }) => viewNoticed(view!, notice)))!;
    expect(await readView(store)).toMatchObject({ epoch: 2, notice, members: noticed.members });
    for (const next of [
      viewWith(noticed, "d", NOW),
      viewWithout(noticed, new Set([1]), () => 0, NOW),
      viewSettled(noticed, new Set(), NOW),
      viewEnded(noticed),
    ])
      expect(next).toMatchObject({ epoch: 3, notice: undefined });
  });

  it("do not grow with the number of restarts: a thousand in six weeks leave those of the last one", () => {
    const hours = 3_600_000;
    let view = viewOf([1, 2]);
    for (let restart = 0; restart < 1_000; restart++) {
      const now = NOW + restart * hours;
      view = viewWith(view, "n3", now);
      const { replica } = view.members[2];
      view = viewSettled(
        viewWithout(view, new Set([replica]), () => 1, now),
        new Set([replica]),
        now,
      );
      expect(view.departed.length).toBeLessThanOrEqual(DEPARTED_TTL_MS / hours + 1);
    }
    expect(view.departed.at(-1)!.replica).toBe(view.nextReplica - 1);
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
      good.replace('"departed":[]', '"departed":[[1]]'),
      good.replace('"departed":[]', '"departed":[{"replica":1,"final":-1,"head":1,"settled":true,"leftAt":1}]'),
      good.replace('"meshId":"m"', '"meshId":5'),
      good.replace('"n2"', "2"),
      good.replace('"departed":[]', '"departed":[],"notice":{"by":1,"gone":2}'),
    ];
    for (const text of [...texts, "\ufffd"]) {
      const store = new TestStore();
      store.content.registry = { epoch: 3, bytes: text === "\ufffd" ? new Uint8Array([0xff]) : new TextEncoder().encode(text) };
      expect(await codeOf(readView(store)), text).toBe("STORE_INVALID");
      expect(await codeOf(formMesh(store, ["a"], id, NOW)), text).toBe("STORE_INVALID");
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

  it("keeps the place of those who have left: their head stands behind it, and the member before that is their tail", () => {
    const ring = new Ring(viewOf([1, 4, 6], [left(2, 3, 4), left(3, 9, 4), left(5, 1, 6, true)], 7), 1);
    expect(ring.replicas).toEqual([1, 4, 6, 2, 3]);
    expect([ring.members, ring.size]).toEqual([3, 5]);
    expect(ring.replicas.map((_, slot) => ring.isTailOf(slot))).toEqual([false, true, false, true, true]);
    expect(ring.vector([1, 0, 2, 3, 4])).toEqual({ replicas: [1, 2, 3, 6], counters: [1, 3, 4, 2] });
    expect(ring.carry([7, 8, 99], new Ring(viewOf([1, 2, 3]), 1))).toEqual([7, 0, 0, 3, 9]);
  });

  it("follows vectors of members and of what the departed left, and says when it cannot", () => {
    const ring = new Ring(viewOf([5, 6], [left(1, 10, 5, true), left(2, 0, 5, true)], 7), 5);
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
