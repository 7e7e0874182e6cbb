// The cache against a Map: whatever is put, found, removed and evicted, an entry that is found is the newest one put, and nothing that
// must stay has gone (I4 begins here).

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ABSENT, Cache, INCOMPLETE, TOMBSTONE } from "../src/cache/cache.js";
import { encodeUtf8 } from "../src/bytes/utf8.js";

interface Entry {
  readonly value: Uint8Array;
  readonly flags: number;
  readonly timestamp: number;
  readonly replica: number;
  readonly counter: number;
  readonly expiresAt: number;
}

const KIB = 1024;
const always = (): boolean => true;

function put(cache: Cache, key: Uint8Array, { value, flags, timestamp, replica, counter, expiresAt }: Entry): number {
  return cache.put(key, 0, key.length, value, 0, value.length, flags, timestamp, replica, counter, expiresAt);
}

function read(cache: Cache, at: number): Entry {
  return {
    value: cache.value(at),
    flags: cache.flags(at),
    timestamp: cache.timestamp(at),
    replica: cache.replica(at),
    counter: cache.counter(at),
    expiresAt: cache.expiresAt(at),
  };
}

function entryOf(value: Uint8Array, counter = 1, replica = 1): Entry {
  return { value, flags: 0, timestamp: counter, replica, counter, expiresAt: 0 };
}

/** `toEqual` looks at each byte by itself, which is slow for thousands of arrays. */
function expectSame({ value, ...fields }: Entry, expected: Entry): void {
  expect(Buffer.compare(value, expected.value)).toBe(0);
  expect(fields).toEqual({ ...expected, value: undefined });
}

function expectValue(cache: Cache, key: Uint8Array, value: Uint8Array): void {
  expect(Buffer.compare(cache.value(find(cache, key)), value)).toBe(0);
}

const keyOf = (number: number): Uint8Array => encodeUtf8(`key-${number}`);
const find = (cache: Cache, key: Uint8Array): number => cache.find(key, 0, key.length);

const lengths = fc.oneof({ weight: 6, arbitrary: fc.nat(100) }, { weight: 2, arbitrary: fc.nat(3 * KIB) }, { weight: 1, arbitrary: fc.nat(40 * KIB) });
const command = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("put" as const),
      key: fc.nat(60),
      length: lengths,
      fill: fc.nat(255),
      flags: fc.constantFrom(0, TOMBSTONE, ABSENT, INCOMPLETE, INCOMPLETE | TOMBSTONE),
      timestamp: fc.maxSafeNat(),
      replica: fc.integer({ min: 1, max: 0xffff_ffff }),
      expiresAt: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.maxSafeNat() }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("remove" as const), key: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("flag" as const), key: fc.nat(60), flags: fc.nat(7) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("touch" as const), key: fc.nat(60) }) },
);

describe("the cache", () => {
  for (const [name, hashMask] of [
    ["", -1],
    [", with colliding hashes", 3],
    [", when all hashes are one", 0],
  ] as const) {
    it(`shows what a Map shows, but for what it evicted${name}`, () => {
      fc.assert(
        fc.property(fc.array(command, { maxLength: 250, size: "max" }), fc.constantFrom(64 * KIB, 200 * KIB, 4096 * KIB), (commands, bytesMax) => {
          const pinned = new Set<number>();
          const cache = new Cache({ bytesMax, hashSeed: 7, evictable: (_, counter) => !pinned.has(counter) }, hashMask);
          const model = new Map<number, Entry>();
          let counter = 0;
          for (const each of commands) {
            const key = keyOf(each.key);
            const at = find(cache, key);
            const before = model.get(each.key);
            if (at === 0) model.delete(each.key);
            else expectSame(read(cache, at), before!);
            if (each.kind === "put") {
              const { length, fill, flags, timestamp, replica, expiresAt } = each;
              counter += 1;
              // One small entry in seven must stay, for as long as it is not overwritten.
              if (counter % 7 === 0 && length < 200) pinned.add(counter);
              const entry = { value: new Uint8Array(length).fill(fill), flags, timestamp, replica, counter, expiresAt };
              put(cache, key, entry);
              model.set(each.key, entry);
              expectSame(read(cache, find(cache, key)), entry);
            } else if (each.kind === "remove") {
              expect(cache.remove(key, 0, key.length)).toBe(at !== 0);
              model.delete(each.key);
              expect(find(cache, key)).toBe(0);
            } else if (at !== 0 && each.kind === "flag") {
              cache.setFlags(at, each.flags);
              model.set(each.key, { ...before!, flags: each.flags });
            } else if (at !== 0) cache.touch(at);
          }
          // What was pinned is there, unless it was replaced, removed, or stands for no write.
          for (const [number, entry] of model) {
            const at = find(cache, keyOf(number));
            if (at !== 0) expectSame(read(cache, at), entry);
            else expect(pinned.has(entry.counter) && (entry.flags & ABSENT) === 0, `pinned entry ${number} has gone`).toBe(false);
          }
          expect([...cache.entries()].length).toBe(cache.count);
        }),
        { numRuns: 40 },
      );
    });
  }

  it("stays within its bytes, whatever sizes come", () => {
    const bytesMax = 512 * KIB;
    const cache = new Cache({ bytesMax, evictable: always });
    let most = 0;
    for (let round = 0; round < 20_000; round++) {
      const length = [10, 100, 1000, 9000][(round * 7) % 4];
      put(cache, keyOf((round * 31) % 5000), entryOf(new Uint8Array(length), round + 1));
      most = Math.max(most, cache.bytes);
    }
    expect(cache.evictions).toBeGreaterThan(1000);
    // The next chunk may be open already while the last bytes of room are given back.
    expect(most).toBeLessThanOrEqual(bytesMax * 1.1);
    expect(cache.liveBytes).toBeGreaterThan(bytesMax / 4);
  });

  it("keeps entries that may not be evicted, all of them, beyond its bytes if need be, and lets them go when they may", () => {
    let flushed = 0;
    const cache = new Cache({ bytesMax: 64 * KIB, evictable: (_, counter) => counter <= flushed });
    for (let counter = 1; counter <= 500; counter++) put(cache, keyOf(counter), entryOf(new Uint8Array(400).fill(counter), counter));
    for (let counter = 1; counter <= 500; counter++) expectValue(cache, keyOf(counter), new Uint8Array(400).fill(counter));
    expect(cache.evictions).toBe(0);
    flushed = 500;
    for (let counter = 501; counter <= 1500; counter++) {
      put(cache, keyOf(counter), entryOf(new Uint8Array(400), counter));
      flushed = counter;
    }
    expect(cache.evictions).toBeGreaterThan(900);
    expect(cache.bytes).toBeLessThan(128 * KIB);
  });

  it("lets a scan pass without losing what is in use", () => {
    const cache = new Cache({ bytesMax: 512 * KIB, evictable: always });
    const hot = Array.from({ length: 200 }, (_, index) => index);
    const use = (): void => {
      for (const number of hot) {
        const at = find(cache, keyOf(number));
        if (at === 0) put(cache, keyOf(number), entryOf(new Uint8Array(200)));
        else cache.touch(at);
      }
    };
    for (let round = 0; round < 5; round++) use();
    for (let number = 10_000; number < 30_000; number++) {
      put(cache, keyOf(number), entryOf(new Uint8Array(200)));
      if (number % 500 === 0) use();
    }
    const kept = hot.filter((number) => find(cache, keyOf(number)) !== 0).length;
    expect(kept).toBeGreaterThan(hot.length * 0.95);
  });

  it("grows and shrinks a value in place and out of place", () => {
    const cache = new Cache({ bytesMax: 8 * 1024 * KIB, evictable: always });
    const key = encodeUtf8("resized");
    for (const [index, length] of [0, 1, 5000, 4999, 10, 1024 * KIB, 3, 1024 * KIB, 0].entries()) {
      const value = new Uint8Array(length).fill(index + 1);
      put(cache, key, entryOf(value, index + 1));
      put(cache, keyOf(index), entryOf(new Uint8Array(100), index + 1));
      expectValue(cache, key, value);
      expect(cache.count).toBe(index + 2);
    }
  });

  it("tells keys apart by all of their bytes", () => {
    const cache = new Cache({ bytesMax: 1024 * KIB, evictable: always }, 0);
    const keys = [[0], [0, 0], [0, 1], [1], [1, 0], Array.from({ length: 1024 }, () => 9), Array.from({ length: 1023 }, () => 9)].map(
      (bytes) => new Uint8Array(bytes),
    );
    keys.forEach((key, index) => put(cache, key, entryOf(new Uint8Array([index]), 1)));
    keys.forEach((key, index) => expectValue(cache, key, new Uint8Array([index])));
    keys.forEach((key) => expect(cache.key(find(cache, key))).toEqual(key));
  });

  it("refuses what does not fit its layout", () => {
    const cache = new Cache({ bytesMax: 1024 * KIB, evictable: always });
    expect(() => put(cache, new Uint8Array(1025), entryOf(new Uint8Array(0)))).toThrow(RangeError);
    expect(() => put(cache, new Uint8Array(1), entryOf(new Uint8Array(1024 * KIB + 1)))).toThrow(RangeError);
  });

  it("holds many entries, through all the growing of its index", () => {
    const cache = new Cache({ bytesMax: 64 * 1024 * KIB, evictable: always });
    for (let number = 0; number < 60_000; number++) put(cache, keyOf(number), entryOf(new Uint8Array([number, number >> 8]), number + 1));
    expect(cache.count).toBe(60_000);
    for (let number = 0; number < 60_000; number += 7) expectValue(cache, keyOf(number), new Uint8Array([number, number >> 8]));
    for (let number = 0; number < 60_000; number++) if (number % 10 !== 0) cache.remove(keyOf(number), 0, keyOf(number).length);
    expect(cache.count).toBe(6_000);
    for (let number = 0; number < 60_000; number += 10) expect(find(cache, keyOf(number))).not.toBe(0);
  });
});
