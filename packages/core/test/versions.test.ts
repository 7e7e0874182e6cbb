// The versions that keys had, against a model that remembers everything: what is answered is right, and "gone" is said only where something went.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeUtf8 } from "../src/bytes/utf8.js";
import { hashBytes } from "../src/cache/hash.js";
import { Versions, type Stamp } from "../src/cache/versions.js";

const KIB = 1024;
const ABSENT: Stamp = { timestamp: 0, replica: 0, counter: 0 };

interface Held extends Stamp {
  readonly value: Uint8Array;
}

const rank = (a: Stamp, b: Stamp): number => a.timestamp - b.timestamp || a.replica - b.replica;

/** Applies writes to keys as a node does, and remembers all of them. */
class Model {
  readonly versions: Versions;
  now = 0;
  readonly #written = new Map<string, Held[]>();
  readonly #current = new Map<string, Held>();

  constructor(bytesMax: number, retentionMs = 1_000) {
    this.versions = new Versions({ retentionMs, bytesMax, now: () => this.now, msOf: (timestamp) => timestamp });
  }

  write(key: string, held: Held): void {
    const current = this.#current.get(key) ?? { ...ABSENT, value: new Uint8Array(0) };
    this.#written.set(key, [...(this.#written.get(key) ?? [current]), held]);
    if (rank(held, current) > 0) {
      this.#keep(key, current, held);
      this.#current.set(key, held);
    } else this.#keep(key, held, ABSENT);
  }

  #keep(key: string, { value, timestamp, replica, counter }: Held, next: Stamp): void {
    const bytes = encodeUtf8(key);
    this.versions.keep(hashOf(bytes), bytes, 0, bytes.length, value, 0, value.length, 0, timestamp, replica, counter, 0, next.replica, next.counter);
  }

  /** What the snapshot shows, and what the versions say of it; undefined where the present entry shows it. */
  look(key: string, includes: (replica: number, counter: number) => boolean): { expected: Held; found: string | Held } | undefined {
    const current = this.#current.get(key);
    if (current === undefined || includes(current.replica, current.counter)) return undefined;
    const expected = this.#written
      .get(key)!
      .filter(({ replica, counter }) => includes(replica, counter))
      .sort(rank)
      .at(-1)!;
    const bytes = encodeUtf8(key);
    const version = this.versions.find(hashOf(bytes), bytes, 0, bytes.length, current, { includes });
    if (typeof version === "string") return { expected, found: version };
    const { timestamp, replica, counter } = version;
    return { expected, found: { timestamp, replica, counter, value: version.bytes.slice(version.start, version.end) } };
  }
}

function hashOf(bytes: Uint8Array): number {
  return hashBytes(bytes, 0, bytes.length, 1, 3);
}

const steps = fc.array(
  fc.record({
    key: fc.constantFrom("a", "b", "a longer key of another length"),
    /** Above the one before of the replica; replicas' clocks are apart. */
    ahead: fc.integer({ min: 1, max: 20 }),
    replica: fc.integer({ min: 1, max: 3 }),
    bytes: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constant(3_000)),
    /** Which of the writes so far the snapshot leaves out. */
    left: fc.infiniteStream(fc.boolean()),
  }),
  { minLength: 1, maxLength: 50 },
);

describe("versions", () => {
  for (const [bytesMax, mayGo] of [
    [1024 * KIB, false],
    [16 * KIB, true],
  ] as const) {
    it(`are those of a model that forgets nothing, within ${bytesMax} bytes`, () => {
      let known = 0;
      let gone = 0;
      fc.assert(
        fc.property(steps, (list) => {
          const model = new Model(bytesMax);
          const counters = [0, 0, 0, 0];
          const clocks = [0, 0, 50, 100];
          for (const { key, ahead, replica, bytes, left } of list) {
            const counter = ++counters[replica];
            const timestamp = (clocks[replica] += ahead);
            const value = new Uint8Array(bytes).fill(counter);
            model.write(key, { timestamp, replica, counter, value });
            const out = new Set<string>();
            for (let of = 1; of <= 3; of++) for (let at = 1; at <= counters[of]; at++) if (left.next().value) out.add(`${of}:${at}`);
            for (const name of ["a", "b", "a longer key of another length"]) {
              const looked = model.look(name, (of, at) => !out.has(`${of}:${at}`));
              if (looked === undefined) continue;
              if (typeof looked.found === "string") {
                gone += 1;
                expect(mayGo, `${name} is gone for ${looked.found}`).toBe(true);
              } else {
                known += 1;
                expect(looked.found).toEqual(looked.expected);
              }
            }
            if (model.versions.bytes > bytesMax + 4 * KIB) throw new Error(`${model.versions.bytes} bytes, ${bytesMax} are allowed`);
          }
        }),
        { numRuns: 60 },
      );
      expect(known).toBeGreaterThan(100);
      expect(gone > 0).toBe(mayGo);
    });
  }

  it("go when their time is over, and say why they are not there", () => {
    const model = new Model(64 * KIB);
    const value = new Uint8Array(3_000);
    model.now = 100;
    for (let counter = 1; counter <= 3; counter++) model.write("a", { timestamp: counter, replica: 1, counter, value });
    const before = (replica: number, counter: number): boolean => replica === 0 || counter <= 1;
    expect((model.look("a", before)!.found as Held).counter).toBe(1);
    for (let counter = 1; counter <= 2; counter++) model.write("b", { timestamp: counter, replica: 2, counter, value });
    model.now = 10_000;
    model.write("b", { timestamp: 10_000, replica: 2, counter: 3, value });
    for (let counter = 4; counter <= 6; counter++) model.write("b", { timestamp: 10_000 + counter, replica: 2, counter, value });
    expect(model.look("a", before)!.found).toBe("retention");
    expect((model.look("b", (replica, counter) => replica !== 2 || counter <= 4)!.found as Held).counter).toBe(4);
  });

  it("keep nothing, and take no memory, with no retention", () => {
    const versions = new Versions({ retentionMs: 0, bytesMax: 1024 * KIB, now: () => 0, msOf: (timestamp) => timestamp });
    expect([versions.isOn, versions.bytes]).toEqual([false, 0]);
  });

  it("hold a value of any size, and stay within their bound afterwards", () => {
    const model = new Model(512 * KIB);
    const large = new Uint8Array(1024 * KIB).fill(7);
    model.write("a", { timestamp: 1, replica: 1, counter: 1, value: large });
    model.write("a", { timestamp: 2, replica: 1, counter: 2, value: new Uint8Array(1) });
    const found = model.look("a", (_, counter) => counter <= 1)!.found as Held;
    expect(Buffer.compare(found.value, large)).toBe(0);
    for (let counter = 3; counter < 6; counter++) model.write("a", { timestamp: counter, replica: 1, counter, value: new Uint8Array(16 * KIB) });
    expect(model.versions.bytes).toBeLessThan(512 * KIB);
  });
});
