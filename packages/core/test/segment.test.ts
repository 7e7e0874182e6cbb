// Segments, and what keeps them: the only form in which writes are kept and sent. Decoding is the gateway for the writes of other nodes, so it
// must take exactly what a node writes.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MalformedError } from "../src/bytes/reader.js";
import { encodeUtf8 } from "../src/bytes/utf8.js";
import { Log } from "../src/protocol/log.js";
import { isCommit } from "../src/protocol/own-keys.js";
import { Queue } from "../src/protocol/queue.js";
import { Ring } from "../src/protocol/ring.js";
import { CHANGE_DELETES, CHANGE_EXPIRES, decodeSegment, SegmentWriter, walkSegment, type Segment } from "../src/protocol/segment.js";
import type { View } from "../src/protocol/view.js";

interface WrittenChange {
  readonly key: string;
  readonly value: Uint8Array | null;
  readonly expiresAt: number;
}

interface Written {
  readonly after: number;
  readonly changes: readonly WrittenChange[];
}

const REPLICAS = [7, 3, 900_000];
const VIEW: View = {
  epoch: 1,
  meshId: "m",
  members: REPLICAS.map((replica) => ({ replica, address: `n${replica}` })),
  departed: [],
  nextReplica: 900_001,
};
const RING = new Ring(VIEW, 7);

const change = fc.record({
  key: fc.oneof(fc.string({ unit: "binary", minLength: 1, maxLength: 20 }), fc.constantFrom("\u0000", "\u0000t", "\u0000r1")),
  value: fc.option(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.constant(encodeUtf8("t")))),
  expiresAt: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 2 ** 45 })),
});
const write = fc.record({
  after: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 2 ** 40 })),
  changes: fc.array(change, { minLength: 1, maxLength: 4 }),
});
const content = fc.record({
  origin: fc.nat(2),
  first: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constant(2 ** 40)),
  base: fc.nat(2 ** 45),
  vector: fc.tuple(fc.nat(3), fc.nat(300), fc.nat(2 ** 40)),
  writes: fc.array(write, { minLength: 1, maxLength: 6 }),
});
type Content = typeof content extends fc.Arbitrary<infer Value> ? Value : never;

function encode({ origin, first, base, vector, writes }: Content): Segment {
  const writer = new SegmentWriter();
  writer.begin(
    REPLICAS,
    origin,
    first,
    base,
    vector.map((counter, index) => (index === origin ? 0 : counter)),
  );
  let timestamp = base;
  for (const { after, changes } of writes) {
    timestamp += after;
    writer.write(timestamp, changes.length);
    for (const { key, value, expiresAt } of changes) {
      const bytes = encodeUtf8(key);
      const all = new Uint8Array([...bytes, ...(value ?? [])]);
      writer.change(
        all,
        0,
        bytes.length,
        bytes.length,
        value?.length ?? 0,
        (value === null ? CHANGE_DELETES : 0) | (expiresAt > 0 ? CHANGE_EXPIRES : 0),
        expiresAt,
      );
    }
  }
  return writer.seal();
}

function changesOf(segment: Segment, upTo = segment.last): unknown[] {
  const seen: unknown[] = [];
  segment.cursor = walkSegment(segment, segment.cursor, upTo, {
    change: (bytes, keyAt, keyLength, valueAt, valueLength, flags, timestamp, counter, expiresAt) => {
      const key = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(keyAt, keyAt + keyLength));
      const value = (flags & CHANGE_DELETES) !== 0 ? null : bytes.slice(valueAt, valueAt + valueLength);
      seen.push({ key, value, expiresAt, timestamp, counter });
    },
  });
  return seen;
}

function expected({ base, first, writes }: Content): unknown[] {
  let timestamp = base;
  return writes.flatMap(({ after, changes }: Written, index) => {
    timestamp += after;
    return changes.map((each) => ({ ...each, timestamp, counter: first + index }));
  });
}

describe("segments", () => {
  it("takes vectors of members and of all who have left and are not settled: more than a byte can count", () => {
    const left = Array.from({ length: 300 }, (_, index) => ({ replica: 1_000 + index, final: 9, head: 7, settled: false, leftAt: 0 }));
    const ring = new Ring({ ...VIEW, departed: left }, 7);
    const vector = ring.replicas.map((_, slot) => (slot === 0 ? 0 : (slot % 9) + 1));
    const writer = new SegmentWriter();
    writer.begin(ring.replicas, 0, 1, 100, vector);
    writer.write(101, 1);
    const key = encodeUtf8("k");
    writer.change(key, 0, 1, 1, 0, CHANGE_DELETES, 0);
    const { bytes } = writer.seal();
    expect(decodeSegment(bytes, 0, bytes.length, ring).vector).toEqual(vector);
  });

  it("are read back as they were written, from among other bytes, in one walk or in several", () => {
    fc.assert(
      fc.property(content, fc.nat(5), fc.nat(5), fc.nat(), (given, before, after, cut) => {
        const written = encode(given);
        const frame = new Uint8Array(before + written.bytes.length + after).fill(0xee);
        frame.set(written.bytes, before);
        const read = decodeSegment(frame, before, frame.length, RING);
        frame.fill(0);
        const hasCommit = given.writes.some(({ changes }) => changes.some(({ key }) => isCommit(key)));
        expect({ ...read, cursor: undefined }).toEqual({ ...written, hasCommit, cursor: undefined });
        expect(read.vector[given.origin]).toBe(0);
        const middle = given.first + (cut % given.writes.length) - 1;
        expect([...changesOf(read, middle), ...changesOf(read)]).toEqual(expected(given));
        expect(read.newest).toBe(given.base + given.writes.reduce((sum, { after: step }) => sum + step, 0));
      }),
    );
  });

  it("leave out of the vector what settled replicas wrote, follow others to their final counters, and are refused when nobody has met the origin", () => {
    const segment = encode({
      origin: 0,
      first: 1,
      base: 5,
      vector: [0, 4, 9],
      writes: [{ after: 0, changes: [{ key: "k", value: new Uint8Array(1), expiresAt: 0 }] }],
    });
    const decoded = (view: Partial<View>): Segment => decodeSegment(segment.bytes, 0, segment.bytes.length, new Ring({ ...VIEW, ...view }, 7));
    const members = [
      { replica: 7, address: "a" },
      { replica: 900_000, address: "c" },
    ];
    expect(decoded({ members }).vector).toEqual([0, 9]);
    const left = { replica: 3, final: 2, head: 900_000, settled: false, leftAt: 0 };
    expect(decoded({ members, departed: [left] }).vector).toEqual([0, 9, 2]);
    const settled = decodeSegment(segment.bytes, 0, segment.bytes.length, new Ring({ ...VIEW, members: [{ replica: 3, address: "b" }] }, 3));
    expect([settled.origin, settled.replica]).toEqual([-1, 7]);
    expect(() =>
      decodeSegment(segment.bytes, 0, segment.bytes.length, new Ring({ ...VIEW, members: [{ replica: 3, address: "b" }], nextReplica: 7 }, 3)),
    ).toThrow("not in the view");
  });

  it("that were cut anywhere are malformed", () => {
    fc.assert(
      fc.property(content, fc.nat(), (given, seed) => {
        const { bytes } = encode(given);
        expect(() => decodeSegment(bytes, 0, seed % bytes.length, RING)).toThrow(MalformedError);
      }),
    );
  });

  it("with changed bytes are malformed or can be walked over within their bounds", () => {
    fc.assert(
      fc.property(content, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }), (given, mutations) => {
        const { bytes } = encode(given);
        for (const [at, value] of mutations) bytes[at % bytes.length] = value;
        let segment: Segment;
        try {
          segment = decodeSegment(bytes, 0, bytes.length, RING);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError);
          return;
        }
        walkSegment(segment, segment.cursor, segment.last, {
          change: (all, keyAt, keyLength, valueAt, valueLength, _flags, timestamp) => {
            expect(keyAt + keyLength).toBeLessThanOrEqual(all.length);
            expect(valueAt + valueLength).toBeLessThanOrEqual(all.length);
            expect(Number.isSafeInteger(timestamp)).toBe(true);
          },
        });
      }),
      { numRuns: 1000 },
    );
  });
});

describe("Queue", () => {
  it("is an array of which only the ends are used", () => {
    const step = fc.oneof({ weight: 3, arbitrary: fc.constant("push" as const) }, { weight: 2, arbitrary: fc.constant("shift" as const) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 500, size: "max" }), (steps) => {
        const queue = new Queue<number>();
        const model: number[] = [];
        let pushed = 0;
        for (const each of steps) {
          if (each === "push") {
            model.push(pushed);
            queue.push(pushed++);
          } else expect(queue.shift()).toBe(model.shift());
          expect(queue.length).toBe(model.length);
          expect(queue.peek()).toBe(model[0]);
          expect(queue.end).toBe(pushed);
        }
        // An item is found under the number that it got, for as long as it is there.
        for (let sequence = 0; sequence < pushed + 2; sequence++) expect(queue.at(sequence)).toBe(model.includes(sequence) ? sequence : undefined);
      }),
      { numRuns: 30 },
    );
  });
});

describe("Log", () => {
  const segment = (origin: number, first: number): Segment =>
    encode({ origin, first, base: 1, vector: [0, 0, 0], writes: [{ after: 0, changes: [{ key: "key", value: new Uint8Array(first), expiresAt: 0 }] }] });

  it("counts its bytes per origin and lets go of the oldest only", () => {
    const log = new Log(3);
    const segments = [segment(0, 1), segment(1, 1), segment(0, 2), segment(2, 1)];
    for (const each of segments) log.append(each);
    const size = (which: readonly number[]): number => which.reduce((sum, index) => sum + segments[index].bytes.length, 0);
    expect(log.bytes).toBe(size([0, 1, 2, 3]));
    expect(log.bytesOf).toEqual([size([0, 2]), size([1]), size([3])]);
    log.prune((each) => each.origin === 0);
    expect([log.start, log.end, log.length]).toEqual([1, 4, 3]);
    expect(log.at(0)).toBeUndefined();
    expect(log.at(2)).toBe(segments[2]);
    log.prune(() => true);
    expect([log.bytes, ...log.bytesOf, log.length]).toEqual([0, 0, 0, 0, 0]);
  });
});
