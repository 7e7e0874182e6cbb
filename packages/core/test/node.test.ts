// The node as a state machine, without a host: what single nodes show of the invariants I1 to I6.

import { describe, expect, it } from "vitest";
import { encodeUtf8 } from "../src/bytes/utf8.js";
import { TOMBSTONE } from "../src/cache/cache.js";
import { CLOCK_AHEAD_MS_MAX, LOG_BYTES_MAX } from "../src/limits.js";
import { timestampAt } from "../src/protocol/hybrid-clock.js";
import { Node } from "../src/protocol/node.js";
import { decodeSegment, type Segment } from "../src/protocol/segment.js";
import { EMPTY_VECTOR, vectorOf } from "../src/protocol/vector.js";
import type { View } from "../src/protocol/view.js";
import { codeOf } from "./support/cluster.js";

const NOW = Date.parse("2026-01-01T00:00:00Z");

function viewOf(members: number): View {
  return {
    epoch: 1,
    meshId: "m",
    members: Array.from({ length: members }, (_, index) => ({ replica: index + 1, address: `n${index + 1}` })),
    departed: [],
    nextReplica: members + 1,
  };
}

function nodesOf(members: number): Node[] {
  return Array.from({ length: members }, (_, index) => {
    const node = new Node(viewOf(members), index + 1, { cacheBytes: 1024 * 1024 });
    node.clock.tick(NOW);
    return node;
  });
}

function write(node: Node, key: string, value: string | null): number {
  const bytes = encodeUtf8(key + (value ?? ""));
  node.write(1);
  const keyLength = encodeUtf8(key).length;
  node.change(bytes, 0, keyLength, keyLength, bytes.length - keyLength, value === null, 0);
  return node.counter;
}

/** Hands over what the node has in its log and the other has not, as its link would. */
function deliver(from: Node, to: Node): void {
  from.settle();
  for (let sequence = from.log.start; sequence < from.log.end; sequence++) {
    const { bytes, origin } = from.log.at(sequence)!;
    if (from.ring.successor === origin) continue;
    to.receive(decodeSegment(bytes, 0, bytes.length, to.ring));
  }
  to.learnCommon(from.common, from.flushed);
  to.settle();
}

function shown(node: Node, key: string): string | null | undefined {
  const bytes = encodeUtf8(key);
  const at = node.cache.find(bytes, 0, bytes.length);
  if (at === 0) return undefined;
  return (node.cache.flags(at) & TOMBSTONE) !== 0 ? null : new TextDecoder().decode(node.cache.value(at));
}

describe("propagation", () => {
  it("shows a write to nobody before everyone has it (I1), and to everyone within two rounds", () => {
    const [a, b, c] = nodesOf(3);
    write(a, "k", "1");
    deliver(a, b);
    expect([a, b, c].map((node) => shown(node, "k"))).toEqual([undefined, undefined, undefined]);
    expect([b.received, b.common, b.pendingWrites]).toEqual([[1, 0, 0], [0, 0, 0], 1]);
    deliver(b, c);
    // c is the tail of a: it knows that everyone has the write, and says so onwards.
    expect(shown(c, "k")).toBe("1");
    deliver(c, a);
    deliver(a, b);
    expect([a, b].map((node) => shown(node, "k"))).toEqual(["1", "1"]);
    expect([a.pendingWrites, b.pendingWrites, c.pendingWrites]).toEqual([0, 0, 0]);
  });

  it("does not show a write before what it follows, although everyone has it (I2)", () => {
    const [a, b, c] = nodesOf(3);
    write(a, "cause", "1");
    a.settle();
    // A session that wrote at a goes on at b, whose write follows the first one.
    b.learn(EMPTY_VECTOR, vectorOf([[1, 1]]), 0);
    write(b, "effect", "2");
    deliver(b, c);
    deliver(c, a);
    expect(a.common).toEqual([0, 1, 0]);
    expect(shown(a, "effect")).toBeUndefined();
    deliver(a, b);
    deliver(b, c);
    expect([shown(c, "cause"), shown(c, "effect")]).toEqual(["1", "2"]);
    deliver(c, a);
    expect([shown(a, "cause"), shown(a, "effect")]).toEqual(["1", "2"]);
    expect(a.applied).toEqual([1, 1, 0]);
  });

  it("drops what comes twice and refuses a gap", async () => {
    const [a, b] = nodesOf(3);
    const segments: Segment[] = [];
    for (const value of ["1", "2", "3"]) {
      write(a, "k", value);
      a.seal();
      segments.push(a.log.at(a.log.end - 1)!);
    }
    b.receive({ ...segments[0] });
    b.receive({ ...segments[0] });
    expect([b.received[0], b.log.length, b.pendingWrites]).toEqual([1, 1, 1]);
    expect(await codeOf(() => b.receive({ ...segments[2] }))).toBe("PROTOCOL");
    expect(b.received[0]).toBe(1);
    b.receive({ ...segments[1] });
    b.receive({ ...segments[2] });
    expect(b.received[0]).toBe(3);
  });

  it("believes no predecessor that calls common or flushed what it has not sent", async () => {
    const [a] = nodesOf(2);
    expect(await codeOf(() => a.learnCommon([0, 1], [0, 0]))).toBe("PROTOCOL");
    expect(await codeOf(() => a.learnCommon([0, 0], [0, 1]))).toBe("PROTOCOL");
    expect([a.common, a.flushed]).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  it("takes no timestamps from a clock that is too far ahead, and follows those of one that is a little", async () => {
    const [a, b] = nodesOf(2);
    a.clock.tick(NOW + CLOCK_AHEAD_MS_MAX - 1000);
    write(a, "k", "1");
    deliver(a, b);
    b.write(1);
    expect(b.clock.latest).toBeGreaterThan(timestampAt(NOW + CLOCK_AHEAD_MS_MAX - 1000));
    expect(await codeOf(() => b.observe(timestampAt(NOW + CLOCK_AHEAD_MS_MAX + 5000)))).toBe("CLOCK_SKEW");
  });
});

describe("sessions", () => {
  it("are shown at once all that they have seen, with what it follows (I3)", () => {
    const [a, b] = nodesOf(2);
    write(a, "k", "1");
    deliver(a, b);
    // b is the tail of a and shows it; a does not know yet, and shows it to the session from b.
    expect([shown(a, "k"), shown(b, "k")]).toEqual([undefined, "1"]);
    a.learn(b.appliedVector(), EMPTY_VECTOR, b.clock.now());
    expect(shown(a, "k")).toBe("1");
    expect(a.common).toEqual([1, 0]);
  });

  it("are told where this node is behind or their past is lost, and nothing has changed then", async () => {
    const view: View = {
      ...viewOf(1),
      members: [{ replica: 5, address: "n5" }],
      departed: [{ replica: 1, final: 3, head: 5, settled: true, leftAt: 0 }],
      nextReplica: 6,
    };
    const node = new Node(view, 5, { cacheBytes: 1024 * 1024 });
    node.clock.tick(NOW);
    const before = JSON.stringify([node.received, node.common, node.applied, node.issued]);
    expect(await codeOf(() => node.learn(vectorOf([[5, 1]]), EMPTY_VECTOR, 0))).toBe("NODE_BEHIND");
    expect(await codeOf(() => node.learn(vectorOf([[6, 1]]), EMPTY_VECTOR, 0))).toBe("NODE_BEHIND");
    expect(await codeOf(() => node.learn(vectorOf([[1, 4]]), EMPTY_VECTOR, 0))).toBe("CAUSAL_PAST_LOST");
    expect(await codeOf(() => node.learn(EMPTY_VECTOR, vectorOf([[1, 4]]), 0))).toBe("CAUSAL_PAST_LOST");
    expect(await codeOf(() => node.learn(vectorOf([[1, 3]]), EMPTY_VECTOR, 0))).toBe("none");
    expect(JSON.stringify([node.received, node.common, node.applied, node.issued])).toBe(before);
  });

  it("whose vector is not closed are refused: that vector is none that a node has shown", async () => {
    const [, b, c, d] = nodesOf(4);
    write(b, "cause", "1");
    b.settle();
    c.learn(EMPTY_VECTOR, vectorOf([[2, 1]]), 0);
    write(c, "effect", "2");
    deliver(b, c);
    deliver(c, d);
    expect(d.received).toEqual([0, 1, 1, 0]);
    expect(await codeOf(() => d.learn(vectorOf([[3, 1]]), EMPTY_VECTOR, 0))).toBe("PROTOCOL");
    expect(d.applied).toEqual([0, 0, 0, 0]);
    d.learn(
      vectorOf([
        [2, 1],
        [3, 1],
      ]),
      EMPTY_VECTOR,
      0,
    );
    expect([shown(d, "cause"), shown(d, "effect")]).toEqual(["1", "2"]);
  });

  it("give their writes vectors that follow what they saw and what they wrote, and that never shrink", () => {
    const [a, b] = nodesOf(2);
    write(a, "k", "1");
    deliver(a, b);
    b.learn(EMPTY_VECTOR, vectorOf([[1, 1]]), 0);
    write(b, "k", "2");
    b.seal();
    const followed = b.log.at(b.log.end - 1)!;
    expect(followed.vector).toEqual([1, 0]);
    b.learn(EMPTY_VECTOR, EMPTY_VECTOR, 0);
    write(b, "other", "3");
    b.seal();
    expect(b.log.at(b.log.end - 1)!.vector).toEqual([1, 0]);
  });
});

describe("which write wins", () => {
  it("is the same whatever the order of arrival (I5), by timestamp and then by replica", () => {
    const [a, b] = nodesOf(2);
    write(a, "k", "of a");
    write(b, "k", "of b");
    deliver(a, b);
    deliver(b, a);
    deliver(a, b);
    deliver(b, a);
    expect(a.applied).toEqual([1, 1]);
    expect(b.applied).toEqual([1, 1]);
    // Both clocks stood at one millisecond, so the timestamps are equal and the greater replica wins.
    expect([shown(a, "k"), shown(b, "k")]).toEqual(["of b", "of b"]);
    expect([a.wins(5, 1, 4, 9), a.wins(5, 2, 5, 1), a.wins(5, 1, 5, 1), a.wins(4, 9, 5, 1)]).toEqual([true, true, false, false]);
  });

  it("counts for deletions as for values", () => {
    const [a, b] = nodesOf(2);
    write(a, "k", "1");
    deliver(a, b);
    b.clock.tick(NOW + 5);
    write(b, "k", null);
    deliver(b, a);
    deliver(a, b);
    deliver(b, a);
    expect([shown(a, "k"), shown(b, "k")]).toEqual([null, null]);
  });
});

describe("flushing", () => {
  it("hands out closed prefixes, the winner per key, and the same batch until it is flushed (I6)", () => {
    const [node] = nodesOf(1);
    write(node, "k", "1");
    write(node, "k", "2");
    write(node, "gone", null);
    node.settle();
    const batch = node.flushBatch()!;
    expect(batch.rows.map(({ key, counter, value }) => [key, counter, value === null ? null : new TextDecoder().decode(value)])).toEqual([
      ["k", 2, "2"],
      ["gone", 3, null],
    ]);
    expect(batch.flushed).toEqual([[1, 3]]);
    expect(node.flushBatch()).toEqual(batch);
    write(node, "k", "4");
    node.settle();
    node.learnStored(batch.flushed);
    expect(node.flushBatch()!.rows.map(({ counter }) => counter)).toEqual([4]);
    node.learnFlushed([4]);
    node.settle();
    expect(node.flushBatch()).toBeUndefined();
    expect([node.hasUnflushed, node.log.length, node.log.bytes]).toEqual([false, 0, 0]);
  });

  it("makes the next batch ready behind the one that is on its way, and begins with that one again if it did not arrive", () => {
    const [node] = nodesOf(1);
    const counters = (): number[] | undefined => node.flushBatch()?.rows.map(({ counter }) => counter);
    const writeAll = (...keys: string[]): void => {
      for (const key of keys) write(node, key, key);
      node.settle();
    };
    writeAll("a", "b");
    expect(counters()).toEqual([1, 2]);
    writeAll("a", "c");
    node.prepareFlush();
    // It failed: what is repeated may hold more, never less or later.
    expect(counters()).toEqual([3, 2, 4]);
    writeAll("c");
    node.prepareFlush();
    writeAll("d");
    node.prepareFlush();
    node.learnFlushed([4]);
    writeAll("d", "e");
    expect(counters()).toEqual([5, 7, 8]);
    writeAll("f");
    node.prepareFlush();
    writeAll("g");
    // Another node got further than the batch that was on its way, and into what was made ready.
    node.learnFlushed([9]);
    node.prepareFlush();
    expect(counters()).toEqual([10]);
    node.learnFlushed([10]);
    node.prepareFlush();
    expect(counters()).toBeUndefined();
  });

  it("is one member's work; the others keep what is not flushed and let go of what is", () => {
    const [a, b] = nodesOf(2);
    write(b, "k", "1");
    deliver(b, a);
    deliver(a, b);
    expect([a.isFlusher, b.isFlusher, b.flushBatch()]).toEqual([true, false, undefined]);
    expect(b.unflushed()!.rows).toHaveLength(1);
    a.learnFlushed([0, 1]);
    deliver(a, b);
    expect(b.unflushed()).toBeUndefined();
    expect([a.log.length, b.log.length]).toEqual([0, 0]);
  });

  it("has nothing left of writes that another node had flushed before this one applied them", () => {
    const [, b, c] = nodesOf(3);
    write(b, "k", "1");
    deliver(b, c);
    // The flusher may integrate and flush for a session what this node does not know to be common yet.
    c.learnFlushed([0, 1, 0]);
    expect(shown(c, "k")).toBeUndefined();
    c.learnCommon([0, 1, 0], [0, 1, 0]);
    c.settle();
    expect([shown(c, "k"), c.unflushed(), c.log.length]).toEqual(["1", undefined, 0]);
  });
});

describe("the bound of the log", () => {
  it("refuses new writes with OVERLOADED and a time to come back, and takes them again when the store has the old ones", () => {
    const [node] = nodesOf(256);
    const value = "v".repeat(1000);
    let written = 0;
    const fill = (): void => {
      for (;;) {
        written = write(node, `k${written % 10}`, value);
        if (written % 64 === 0) node.seal();
      }
    };
    expect(fill).toThrow(expect.objectContaining({ code: "OVERLOADED", retryable: true, retryAfterMs: 250 }) as Error);
    // Each member admits its share, so that what others send always finds room.
    expect(node.log.bytesOf[0]).toBeLessThanOrEqual(LOG_BYTES_MAX / 256 + 300 * 1024);
    expect(node.counter).toBe(written);
    node.seal();
    const counters = node.ring.zeros();
    counters[0] = written;
    node.integrate(counters);
    node.learnFlushed(counters);
    node.settle();
    expect(node.log.bytes).toBe(0);
    expect(write(node, "k", value)).toBe(written + 1);
  });
});
