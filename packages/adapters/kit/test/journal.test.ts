// The journal: whatever step a batch is cut off at, what is left is completed or never begins; and no batch begins under an epoch that is over.

import { limits, MeshError, type FlushedCounters, type Row } from "@causalmesh/core";
import { SeededRandom } from "@causalmesh/core/testing";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Journal, type WriteBounds } from "../src/index.js";
import { ALONE, Items, TOGETHER, Way } from "./support/items.js";

const row = (key: string, counter: number, fields: Partial<Row> = {}): Row => ({
  key,
  value: Buffer.from(`${key} ${counter}`),
  timestamp: 100 + counter,
  replica: 1,
  counter,
  expiresAt: 0,
  ...fields,
});
const rowsOf = (count: number): Row[] => Array.from({ length: count }, (_, index) => row(`k${index}`, index + 1));
const bytes = Buffer.from("view");
const BOUNDS: [string, WriteBounds][] = [
  ["item by item", ALONE],
  ["in transactions", TOGETHER],
];

// Pauses between attempts take no time.
beforeEach(() => void vi.useFakeTimers().setTimerTickMode("nextTimerAsync"));
afterEach(() => void vi.useRealTimers().restoreAllMocks());

/** A journal on its own way. */
function open(items: Items, bounds: WriteBounds): { journal: Journal; way: Way } {
  const way = new Way(items, bounds);
  return { journal: new Journal(way), way };
}

/** What is there of the rows and what the counters say has to be the same. */
function expectCut(items: Items, rows: readonly Row[], flushed: FlushedCounters): void {
  const counters = new Map(flushed);
  const there = rows.filter(({ key, timestamp }) => items.rows.get(key)?.timestamp === timestamp);
  expect(there.map(({ counter }) => counter)).toEqual(rows.map(({ counter }) => counter).filter((counter) => counter <= (counters.get(1) ?? 0)));
}

describe("the steps of a batch", () => {
  it("that goes with the head are one, once the head is known", async () => {
    const { journal, way } = open(new Items(), TOGETHER);
    await journal.apply(rowsOf(2), [[1, 2]]);
    await journal.apply([row("a", 3)], [[1, 3]]);
    expect(way.steps).toEqual(["readHead", "write k0 k1 head 0", "write a head 0"]);
  });

  it("that does not begin when it is written down and named, and end when it is struck out", async () => {
    const { journal, way } = open(new Items(), ALONE);
    await journal.apply(rowsOf(3), [[1, 3]]);
    const steps = ["writeSheet", "writeSheet", "readHead", "write head 1", "write k0", "write k1", "write k2", "write head 0", "removeSheets"];
    expect(way.steps).toEqual(steps);
    expect(way.items.sheets.size).toBe(0);
  });

  it("of no mesh leave the head alone", async () => {
    const { journal, way } = open(new Items(), TOGETHER);
    await journal.apply(rowsOf(4), []);
    expect(way.steps).toEqual(["write k0 k1 k2", "write k3"]);
  });
});

describe.each(BOUNDS)("a batch %s", (_, bounds) => {
  /** Applies five rows in a place where a view has begun and another replica has flushed, with a way that fails around the step. Tells whether it came to that. */
  async function cutOff(failsAt: number, isDone: boolean, goesOn: boolean) {
    const items = new Items();
    const before = open(items, bounds);
    await before.journal.swapRegistry(0, { epoch: 1, bytes });
    await before.journal.apply([row("old", 7, { replica: 2 })], [[2, 7]], 1);
    const { journal, way } = open(items, bounds);
    let failures = 0;
    way.around = async (step, does) => {
      if (step < failsAt || (goesOn && failures > 0)) return does();
      failures++;
      if (isDone && step === failsAt) does();
      throw new MeshError("STORE_UNAVAILABLE", "cut off");
    };
    const outcome = await journal.apply(rowsOf(5), [[1, 5]], 1).catch((error: MeshError) => error.code);
    return { items, journal, way, outcome, failures };
  }

  it.each([
    ["before", false],
    ["after", true],
  ])("that is cut off %s any of its steps is completed whole by the next store, or has not begun", async (_when, isDone) => {
    const found = new Set<number>();
    for (let step = 0; ; step++) {
      const { items, outcome, failures } = await cutOff(step, isDone, false);
      const next = open(items, bounds).journal;
      const { registry, flushed } = await next.readRegistry();
      expectCut(items, rowsOf(5), flushed);
      expect(registry).toEqual({ epoch: 1, bytes: new Uint8Array(bytes) });
      expect(new Map(flushed).get(2)).toBe(7);
      expect(items.head?.applies).toEqual([]);
      found.add(new Map(flushed).get(1) ?? 0);
      if (failures === 0) break;
      // Striking out is nobody's business any more.
      if (outcome !== undefined) expect(outcome).toBe("STORE_UNAVAILABLE");
      await next.apply(rowsOf(6), [[1, 6]], 1);
      expectCut(items, rowsOf(6), (await next.readRegistry()).flushed);
    }
    expect([...found].sort()).toEqual([0, 5]);
  });

  it.each([
    ["before", false],
    ["after", true],
  ])(
    "that fails once, %s any of its steps, is done when it is repeated with more, and nothing is sent again that is known to be there",
    async (_when, isDone) => {
      for (let step = 0; ; step++) {
        const { items, journal, way, outcome, failures } = await cutOff(step, isDone, true);
        const known = way.steps.slice(0, step).filter((name) => /^write k\d/.test(name) && !name.includes("head"));
        way.steps.length = 0;
        way.around = async (_step, does) => does();
        await journal.apply(rowsOf(6), [[1, 6]], 1);
        expect(items.head?.applies).toEqual([]);
        expectCut(items, rowsOf(6), (await journal.readRegistry()).flushed);
        if (failures === 0) break;
        if (outcome === undefined) continue;
        const sent = way.steps.join(" ");
        // Two are under way at a time: of the last one it may not be known.
        for (const name of known.slice(0, -1)) for (const key of name.match(/k\d/g)!) expect(sent).not.toContain(` ${key}`);
      }
    },
  );

  it("that was flushed by somebody else since it was cut off does not bring back what has gone again", async () => {
    const { items } = await cutOff(6, false, false);
    expect(items.head?.applies).toHaveLength(1);
    const { head } = items;
    items.head = { ...head!, version: head!.version + 1, flushed: [[1, 4]] };
    items.rows.clear();
    await open(items, bounds).journal.readRegistry();
    expect([...items.rows.keys()]).toEqual(["k4"]);
  });

  it("has bytes of its own", async () => {
    const { journal, way } = open(new Items(), bounds);
    const rows = rowsOf(4);
    const view = Buffer.from("view");
    await journal.apply(rows, [[1, 4]]);
    await journal.swapRegistry(0, { epoch: 1, bytes: view });
    for (const each of [view, ...rows.map(({ value }) => value!)]) each.fill(0);
    expect([...way.items.rows.values()].map(({ value }) => String(Buffer.from(value!)))).toEqual(rowsOf(4).map(({ value }) => String(value)));
    expect(String(Buffer.from((await journal.readRegistry()).registry!.bytes))).toBe("view");
  });

  it("that comes while another runs waits for it", async () => {
    const { journal, way } = open(new Items(), bounds);
    await Promise.all(
      [1, 2].map(
        async (timestamp) =>
          await journal.apply(
            rowsOf(5).map((each) => ({ ...each, timestamp })),
            [[1, 5]],
          ),
      ),
    );
    expect(way.steps.filter((step) => step.includes("head ")).map((step) => step.at(-1))).toEqual(["1", "0", "1", "0"]);
  });

  it.each([2, 5])("of %i rows, in whose middle, at any step, another epoch begins is done before that, or writes nothing", async (count) => {
    const outcomes = new Set<string>();
    for (let at = 0; ; at++) {
      const items = new Items();
      const other = open(items, bounds).journal;
      await other.swapRegistry(0, { epoch: 1, bytes });
      const { journal, way } = open(items, bounds);
      let there: number | undefined;
      way.around = async (step, does) => {
        if (step === at) {
          expect(await other.swapRegistry(1, { epoch: 2, bytes })).toBe(true);
          there = items.rows.size;
        }
        return does();
      };
      const outcome = await journal.apply(rowsOf(count), [[1, count]], 1).then(
        () => "done",
        (error: MeshError) => error.code,
      );
      const { registry, flushed } = await other.readRegistry();
      expectCut(items, rowsOf(count), flushed);
      if (there === undefined) break;
      expect(registry?.epoch).toBe(2);
      outcomes.add(outcome);
      expect([outcome, there, flushed]).toEqual(outcome === "done" ? ["done", count, [[1, count]]] : ["NODE_BEHIND", 0, []]);
    }
    expect(outcomes).toContain("NODE_BEHIND");
  });

  it("that takes longer than a node waits ends when that calls again, and the next goes on there", async () => {
    const { journal, way } = open(new Items(), bounds);
    way.around = async (_step, does) => {
      await new Promise((resolve) => setTimeout(resolve, limits.STORE_TIMEOUT_MS_DEFAULT / 3));
      return does();
    };
    const outcomes = await Promise.allSettled([journal.apply(rowsOf(9), [[1, 9]]), journal.apply(rowsOf(9), [[1, 9]])]);
    expect(outcomes).toMatchObject([{ status: "rejected", reason: { code: "STORE_UNAVAILABLE" } }, { status: "fulfilled" }]);
    expectCut(way.items, rowsOf(9), (await journal.readRegistry()).flushed);
  });
});

describe("a view", () => {
  it("takes the counters out of the head, and the view before it away", async () => {
    const { journal, way } = open(new Items(), ALONE);
    await journal.swapRegistry(0, { epoch: 1, bytes });
    await journal.apply(rowsOf(1), [[1, 1]], 1);
    await journal.swapRegistry(1, { epoch: 2, bytes });
    expect(way.items.head).toMatchObject({ epoch: 2, flushed: [] });
    expect((await journal.readRegistry()).flushed).toEqual([[1, 1]]);
    expect(way.items.sheets.size).toBe(1);
  });

  it("begins when nothing is under way, also where batches begin in the middle of it", async () => {
    for (let at = 1; ; at++) {
      const items = new Items();
      const { journal, way } = open(items, ALONE);
      let batches = 0;
      way.around = async (step, does) => {
        if (step === 0 || step === at) {
          const replica = ++batches;
          const cutOff = open(items, ALONE);
          cutOff.way.around = async (other, doesOther) => (other < 6 ? doesOther() : await Promise.reject(new MeshError("STORE_UNAVAILABLE", "cut off")));
          const rows = rowsOf(5).map((each) => ({ ...each, key: `${replica} ${each.key}`, replica }));
          await cutOff.journal.apply(rows, [[replica, 5]], 0).catch(() => undefined);
        }
        return does();
      };
      expect(await journal.swapRegistry(0, { epoch: 1, bytes })).toBe(true);
      expect(items.head).toMatchObject({ epoch: 1, applies: [] });
      expect(items.rows.size % 5).toBe(0);
      if (batches < 2) break;
    }
  });

  it("whose answer is lost, so that the client asks again and is refused, is told to be there", async () => {
    const { journal, way } = open(new Items(), ALONE);
    way.around = async (step, does) => (way.steps[step].startsWith("write head") ? [does(), does()][1] : does());
    expect(await journal.swapRegistry(0, { epoch: 1, bytes })).toBe(true);
    expect(await journal.swapRegistry(0, { epoch: 1, bytes })).toBe(false);
  });
});

it("a batch whose name comes late, when it is done and some of its sheets are gone, changes nothing", async () => {
  const { journal, way } = open(new Items(), ALONE);
  way.items.head = { version: 1, epoch: 0, view: undefined, applies: ["done#2"], flushed: [] };
  way.items.sheets.set("journal#done/1", { flushed: [[1, 3]], rows: rowsOf(2) });
  expect((await journal.readRegistry()).flushed).toEqual([]);
  expect([way.items.rows.size, way.items.head.applies]).toEqual([0, []]);
});

describe("several stores at once", () => {
  it("leave a causal cut and the winners, whatever steps fail and whichever of them end", async () => {
    const seed = Number(process.env.CAUSALMESH_JOURNAL_SEED ?? Math.floor(Math.random() * 2 ** 32));
    console.log(`CAUSALMESH_JOURNAL_SEED=${seed}`);
    const random = new SeededRandom(seed).next;
    // Of which the pauses between attempts are drawn.
    vi.spyOn(Math, "random").mockImplementation(random);
    for (let round = 0; round < 40; round++) await crowd(random);
  });
});

/** A small world: nodes that flush, fail, repeat and end, epochs that begin, and somebody who looks whether what is there is a cut. */
async function crowd(random: () => number): Promise<void> {
  const below = (bound: number): number => Math.floor(random() * bound);
  const items = new Items();
  const perReplica = new Map<number, Row[]>();
  const ended = new Set<number>();
  let clock = 0;
  let replicas = 0;
  let epochs = 0;

  const expectCovered = (flushed: FlushedCounters): void => {
    for (const [replica, reached] of flushed)
      for (const { key, timestamp } of perReplica.get(replica)!.slice(0, reached)) expect(items.rows.get(key)!.timestamp).toBeGreaterThanOrEqual(timestamp);
  };
  /** A way on which each step takes its time, and some fail; some of them when they are done. */
  const openWay = (failing: number): Way => {
    const way = new Way(items, below(2) === 0 ? ALONE : TOGETHER);
    way.around = async (_step, does) => {
      await new Promise((resolve) => setTimeout(resolve, below(20)));
      const fate = random();
      const result = fate < failing / 2 ? undefined : does();
      await new Promise((resolve) => setTimeout(resolve, below(20)));
      if (fate < failing) throw new MeshError("STORE_UNAVAILABLE", "cut off");
      return result;
    };
    return way;
  };
  const again = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        expect(error).toMatchObject({ code: "STORE_UNAVAILABLE" });
      }
    }
  };

  const node = async (): Promise<void> => {
    const replica = ++replicas;
    const rows: Row[] = [];
    perReplica.set(replica, rows);
    const journal = new Journal(openWay(0.05));
    let { registry } = await again(async () => await journal.readRegistry());
    let flushed = 0;
    for (let batches = 1 + below(5); batches > 0;) {
      for (let count = 1 + below(4); count > 0; count--) {
        rows.push(row(`k${below(8)}`, rows.length + 1, { timestamp: ++clock, replica }));
      }
      // Of each key the newest.
      const batch = [...new Map(rows.slice(flushed).map((each) => [each.key, each])).values()];
      const counters: FlushedCounters = [[replica, rows.length]];
      const outcome = await journal.apply(batch, counters, registry?.epoch ?? 0).then(
        () => "done",
        (error: MeshError) => error.code,
      );
      if (outcome === "NODE_BEHIND") ({ registry } = await again(async () => await journal.readRegistry()));
      else if (outcome === "done") {
        flushed = rows.length;
        batches--;
      } else expect(outcome).toBe("STORE_UNAVAILABLE");
      if (outcome === "STORE_UNAVAILABLE" && below(10) === 0) return void ended.add(replica);
    }
  };
  const view = async (): Promise<void> => {
    const journal = new Journal(openWay(0.05));
    for (let swaps = below(4); swaps > 0; swaps--) {
      const { registry } = await again(async () => await journal.readRegistry());
      const epoch = registry?.epoch ?? 0;
      // Whoever does not hear whether it did does not swap again.
      await journal.swapRegistry(epoch, { epoch: epoch + 1, bytes }).then(
        (did) => void (epochs += Number(did)),
        () => undefined,
      );
    }
  };
  const onlooker = async (): Promise<void> => {
    const journal = new Journal(openWay(0));
    for (let looks = below(10); looks > 0; looks--) {
      const seen = [...items.rows.values()];
      const { flushed } = await journal.readRegistry();
      const counters = new Map(flushed);
      for (const { replica, counter } of seen) expect(counter).toBeLessThanOrEqual(counters.get(replica) ?? 0);
      expectCovered(flushed);
      await new Promise((resolve) => setTimeout(resolve, below(200)));
    }
  };

  await Promise.all([node(), node(), node(), view(), view(), onlooker()]);
  const { registry, flushed } = await new Journal(openWay(0)).readRegistry();
  expect(registry?.epoch ?? 0).toBeGreaterThanOrEqual(epochs);
  expectCovered(flushed);
  const counters = new Map(flushed);
  for (const [replica, { length }] of perReplica) if (!ended.has(replica)) expect(counters.get(replica)).toBe(length);
  for (const { replica, counter } of items.rows.values()) expect(counter).toBeLessThanOrEqual(counters.get(replica) ?? 0);
  expect(items.head?.applies ?? []).toEqual([]);
}
