// Version vectors are a lattice, and the clock grows along causality: the two facts that everything else stands on.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HybridClock, TIMESTAMP_EPOCH_MS, TIMESTAMPS_PER_MS, timestampAt, timestampMs } from "../src/protocol/hybrid-clock.js";
import { counterOf, covers, EMPTY_VECTOR, join, raised, vectorOf, vectorRecord } from "../src/protocol/vector.js";

const pairs = fc.array(fc.tuple(fc.integer({ min: 1, max: 6 }), fc.nat(4)));
const vector = pairs.map(vectorOf);

describe("vectors", () => {
  it("keep of each replica the greatest counter, in the order of ids, without zeros", () => {
    fc.assert(
      fc.property(pairs, (given) => {
        const made = vectorOf(given);
        expect(made.replicas).toEqual([...new Set(made.replicas)].sort((a, b) => a - b));
        for (let replica = 1; replica <= 6; replica++) {
          expect(counterOf(made, replica)).toBe(Math.max(0, ...given.filter(([id]) => id === replica).map(([, counter]) => counter)));
        }
        expect(made.counters.every((counter) => counter > 0)).toBe(true);
      }),
    );
  });

  it("cover each other entry by entry", () => {
    fc.assert(
      fc.property(vector, vector, (a, b) => {
        const entrywise = [1, 2, 3, 4, 5, 6].every((replica) => counterOf(a, replica) >= counterOf(b, replica));
        expect(covers(a, b)).toBe(entrywise);
      }),
    );
  });

  it("join to the least vector that covers both: commutative, associative, idempotent", () => {
    fc.assert(
      fc.property(vector, vector, vector, (a, b, c) => {
        const both = join(a, b);
        expect(covers(both, a) && covers(both, b)).toBe(true);
        expect(both).toEqual(join(b, a));
        expect(join(both, c)).toEqual(join(a, join(b, c)));
        expect(join(a, a)).toBe(a);
        for (const replica of both.replicas) expect(counterOf(both, replica)).toBe(Math.max(counterOf(a, replica), counterOf(b, replica)));
      }),
    );
  });

  it("return one of two ordered vectors itself, so that they can be compared by reference", () => {
    const small = vectorOf([[1, 1]]);
    const large = vectorOf([
      [1, 2],
      [2, 1],
    ]);
    expect(join(small, large)).toBe(large);
    expect(join(large, small)).toBe(large);
    expect(raised(large, 1, 2)).toBe(large);
    expect(vectorRecord(raised(large, 3, 7))).toEqual({ 1: 2, 2: 1, 3: 7 });
    expect(covers(small, EMPTY_VECTOR)).toBe(true);
  });
});

describe("the hybrid logical clock", () => {
  it("gives timestamps that grow, whatever the wall clock does, and beyond all that was seen", () => {
    const event = fc.oneof(
      fc.record({ tick: fc.integer({ min: 0, max: 50 }) }),
      fc.record({ observe: fc.integer({ min: 0, max: 50 * TIMESTAMPS_PER_MS }) }),
      fc.constant({ next: true }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const clock = new HybridClock(1);
        let greatest = 0;
        for (const each of events) {
          if ("tick" in each) clock.tick(TIMESTAMP_EPOCH_MS + each.tick);
          else if ("observe" in each) {
            clock.observe(each.observe);
            greatest = Math.max(greatest, each.observe);
          } else {
            const timestamp = clock.next();
            expect(timestamp).toBeGreaterThan(greatest);
            greatest = timestamp;
          }
          expect(clock.now()).toBeGreaterThanOrEqual(greatest);
        }
      }),
    );
  });

  it("stays close to the wall clock, and within safe integers until 2093", () => {
    const clock = new HybridClock(1);
    const now = Date.parse("2030-06-01T12:00:00Z");
    clock.tick(now);
    expect(timestampMs(clock.next())).toBe(now);
    expect(clock.aheadMs(timestampAt(now + 500))).toBe(500);
    expect(clock.aheadMs(timestampAt(now - 500))).toBe(-500);
    expect(Number.isSafeInteger(timestampAt(Date.parse("2093-01-01T00:00:00Z")))).toBe(true);
    expect(timestampAt(0)).toBe(0);
  });

  it("gives nodes that write a little in the same millisecond different timestamps", () => {
    const clocks = Array.from({ length: 256 }, (_, index) => new HybridClock(index + 1));
    for (const clock of clocks) clock.tick(TIMESTAMP_EPOCH_MS + 10);
    const timestamps = clocks.flatMap((clock) => Array.from({ length: 16 }, () => clock.next()));
    expect(new Set(timestamps).size).toBe(timestamps.length);
    expect(new Set(timestamps.map(timestampMs))).toEqual(new Set([TIMESTAMP_EPOCH_MS + 10]));
  });

  it("judges expiry by the latest moment it knows of", () => {
    const clock = new HybridClock(1);
    clock.tick(TIMESTAMP_EPOCH_MS + 10);
    clock.observe(timestampAt(TIMESTAMP_EPOCH_MS + 25));
    expect(clock.nowMs()).toBe(TIMESTAMP_EPOCH_MS + 25);
    clock.tick(TIMESTAMP_EPOCH_MS + 5);
    expect(clock.nowMs()).toBe(TIMESTAMP_EPOCH_MS + 25);
  });
});
