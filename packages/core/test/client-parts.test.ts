// What a client is made of: values as bytes, keys, durations, a session's own writes.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonCodec, plainJsonCodec } from "../src/client/codec.js";
import { parseDuration } from "../src/client/duration.js";
import { checkNamespace, storedKey } from "../src/client/keys.js";
import type { Change } from "../src/client/call.js";
import { OwnWrites } from "../src/client/own-writes.js";
import { encodeUtf8 } from "../src/bytes/utf8.js";
import { MeshError } from "../src/errors.js";
import { timestampMs } from "../src/protocol/hybrid-clock.js";
import { ByteReader } from "../src/bytes/reader.js";
import { ByteWriter } from "../src/bytes/writer.js";
import { Ring } from "../src/protocol/ring.js";
import { EMPTY_VECTOR, vectorOf, vectorRecord, type Vector } from "../src/protocol/vector.js";
import { readHeader, writeHeader } from "../src/wire/messages.js";
import { codeOf } from "./support/cluster.js";

const back = (value: unknown): unknown => jsonCodec.decode(jsonCodec.encode(value));

describe("the default codec", () => {
  it("brings values back as they went in, tagged or plain, however nested", () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: false,
      withSparseArray: false,
      withObjectString: false,
      withNullPrototype: false,
      values: [fc.string(), fc.double(), fc.boolean(), fc.constant(null), fc.bigInt(), fc.uint8Array()],
      key: fc.oneof(
        fc.constant("$"),
        fc.string().filter((key) => key !== "__proto__"),
      ),
    });
    fc.assert(
      fc.property(anything, (value) => {
        expect(back(value)).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });

  it("writes plain values as the JSON that other programs read", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        // Parsed again, so that there is no -0, which JSON does not have.
        const value: unknown = JSON.parse(JSON.stringify(JSON.parse(text)));
        fc.pre(!text.includes('"$":') && !text.includes("__proto__"));
        expect(jsonCodec.encode(value)).toEqual(encodeUtf8(JSON.stringify(value)));
      }),
    );
  });

  it("keeps what looks like a tag and is a user's own", () => {
    for (const value of [{ $: ["date", 0] }, { $: 1 }, { a: { $: ["object", { $: ["map", []] }] } }, '{"$":["date",0]}', [{ $: [] }]])
      expect(back(value)).toEqual(value);
  });

  it("keeps the numbers and the dates that JSON lacks", () => {
    for (const value of [NaN, Infinity, -Infinity, -0, 2n ** 80n, new Date(0)]) expect(back(value)).toEqual(value);
    expect(Number.isNaN((back(new Date(NaN)) as Date).getTime())).toBe(true);
    expect(back([undefined, 1])).toEqual([undefined, 1]);
    expect(back({ a: undefined, b: 1 })).toEqual({ b: 1 });
  });

  it("refuses with VALUE_INVALID what it cannot bring back, and says where it stands", () => {
    class Cart {}
    const loop: Record<string, unknown> = {};
    loop["self"] = loop;
    for (const value of [undefined, () => 1, Symbol("s"), new Cart(), { carts: [new Cart()] }, loop, new WeakMap(), Promise.resolve()]) {
      expect(() => jsonCodec.encode(value)).toThrow(expect.objectContaining({ code: "VALUE_INVALID" }) as Error);
    }
    expect(() => jsonCodec.encode({ carts: [1, new Cart()] })).toThrow("the value at .carts[1] is an instance of Cart");
  });

  it("says so where the stored bytes are of another codec", () => {
    expect(() => jsonCodec.decode(new Uint8Array([0xff, 0x00]))).toThrow(expect.objectContaining({ code: "VALUE_INVALID" }) as Error);
    expect(() => plainJsonCodec.decode(encodeUtf8("{"))).toThrow(MeshError);
  });
});

describe("the plain codec", () => {
  it("is JSON and nothing more", () => {
    expect(plainJsonCodec.decode(plainJsonCodec.encode({ $: ["date", 0], at: new Date(0) }))).toEqual({ $: ["date", 0], at: "1970-01-01T00:00:00.000Z" });
    for (const value of [undefined, () => 1, 1n])
      expect(() => plainJsonCodec.encode(value)).toThrow(expect.objectContaining({ code: "VALUE_INVALID" }) as Error);
  });
});

describe("durations", () => {
  it("are milliseconds or a number with a unit", () => {
    expect(["250ms", "30s", "1.5m", "1h", "7d", 40, 0.5].map((duration) => parseDuration(duration, "ttl"))).toEqual([
      250, 30_000, 90_000, 3_600_000, 604_800_000, 40, 0.5,
    ]);
  });

  it("are refused otherwise, by the name of what was asked", async () => {
    for (const wrong of [0, -1, NaN, Infinity, "", "5", "5 s", "-5s", "1y", "1e3ms", "5s ", "36501d", null, undefined, {}, [], true, 5n]) {
      expect(await codeOf(() => parseDuration(wrong as never, "ttl")), String(wrong)).toBe("TTL_INVALID");
      expect(await codeOf(() => parseDuration(wrong as never, "tokenTtl")), String(wrong)).toBe("OPTION_INVALID");
    }
  });
});

describe("keys", () => {
  it("of two namespaces, or of one and none, are never the same", () => {
    const namespace = fc.option(fc.stringMatching(/^[\w.:/-]{1,8}$/), { nil: undefined });
    const key = fc.string({ unit: "binary", minLength: 1, maxLength: 12 }).filter((text) => !text.includes("\u001f") && !text.startsWith("\u0000"));
    fc.assert(
      fc.property(namespace, key, namespace, key, (a, keyA, b, keyB) => {
        expect(storedKey(a, keyA) === storedKey(b, keyB)).toBe(a === b && keyA === keyB);
      }),
    );
    // With a namespace, a key may contain the separator: the namespace, which cannot, ends at the first one.
    expect(storedKey("a", "b\u001fc")).not.toBe(storedKey("a", "b"));
  });

  it("have 1 to 1 024 bytes of text, counted with their namespace", async () => {
    expect(storedKey(undefined, "é".repeat(512))).toHaveLength(512);
    for (const wrong of ["", "é".repeat(513), "k".repeat(1025), "\ud800", "a\udc00", "a\u001fb", 5, null, undefined, {}, Symbol("k")]) {
      expect(await codeOf(() => storedKey(undefined, wrong)), typeof wrong).toBe("KEY_INVALID");
    }
    expect(await codeOf(() => storedKey("space", "k".repeat(1019)))).toBe("KEY_INVALID");
    expect(await codeOf(() => storedKey("space", "k".repeat(1018)))).toBe("none");
  });

  it("have namespaces that people can read", async () => {
    for (const wrong of ["", " ", "a b", "a\u001f", "ü", "n".repeat(129), 5, null, {}])
      expect(await codeOf(() => checkNamespace(wrong))).toBe("OPTION_INVALID");
    expect(checkNamespace("team-a/prod:v1.2")).toBe("team-a/prod:v1.2");
  });
});

describe("a session's own writes", () => {
  const change = (key: string, value: string | null, ttlMs = 0): Change => ({
    key,
    value: value === null ? null : encodeUtf8(value),
    ttlMs,
    expiresAt: 0,
  });

  it("show the newest of each key until the node has all of them", () => {
    const own = new OwnWrites();
    const first = { replica: 1, issued: EMPTY_VECTOR };
    own.add(first, 1, 100, [change("a", "1"), change("b", "1")]);
    expect(own.madeAt).toBe(first);
    own.add({ replica: 2, issued: vectorOf([[1, 1]]) }, 4, 90, [change("a", "2")]);
    expect(own.madeAt).toBeUndefined();
    own.add({ replica: 1, issued: vectorOf([[2, 4]]) }, 2, 101, [change("a", null)]);
    expect(own.newest("a")?.write).toMatchObject({ replica: 1, counter: 2 });
    expect(own.written).toEqual(
      vectorOf([
        [1, 2],
        [2, 4],
      ]),
    );
    own.drop(vectorOf([[1, 1]]));
    expect(own.newest("b")).toBeUndefined();
    expect(own.writes.map(({ counter }) => counter)).toEqual([4, 2]);
    own.drop(
      vectorOf([
        [1, 2],
        [2, 4],
        [3, 9],
      ]),
    );
    expect(own.isEmpty).toBe(true);
    expect(own.written).toBe(EMPTY_VECTOR);
  });

  it("take a tie of timestamps by the replica, as nodes do, and each write once", () => {
    const own = new OwnWrites();
    own.restore({ replica: 2, counter: 1, timestamp: 5, changes: [{ key: "k", value: null, expiresAt: 0 }] }, EMPTY_VECTOR);
    own.restore({ replica: 1, counter: 1, timestamp: 5, changes: [{ key: "k", value: encodeUtf8("1"), expiresAt: 0 }] }, EMPTY_VECTOR);
    own.restore({ replica: 1, counter: 1, timestamp: 5, changes: [] }, EMPTY_VECTOR);
    expect(own.newest("k")?.write.replica).toBe(2);
    expect(own.writes).toHaveLength(2);
  });

  it("expire by the writer's clock", () => {
    const own = new OwnWrites();
    own.add({ replica: 1, issued: EMPTY_VECTOR }, 1, 4096 * 10, [change("k", "v", 50)]);
    expect(own.newest("k")?.change.expiresAt).toBe(timestampMs(4096 * 10) + 50);
  });
});

describe("what a session's own writes follow", () => {
  const members = [1, 2, 3].map((replica) => ({ replica, address: `n${replica}` }));
  const ring = new Ring({ epoch: 1, meshId: "m", members, departed: [], nextReplica: 4 }, 1);

  function told(issued: readonly number[]): Vector {
    const out = new ByteWriter(64);
    const applied = [0, 0, 0];
    writeHeader(out, 1, ring, applied, [0, 0, 0], issued);
    return readHeader(new ByteReader(out.bytes, 0, out.length)).beyond;
  }

  it("is told with all that it follows in turn: a write of others comes with those of the node that it may follow", () => {
    // The session has made 1:1. Since then 1:2 was made here, 2:1 followed it elsewhere, and 1:3 follows that here.
    const own = new OwnWrites();
    own.add({ replica: 1, issued: told([3, 1, 0]) }, 1, 1, [{ key: "k", value: encodeUtf8("1"), ttlMs: 0, expiresAt: 0 }]);
    expect(vectorRecord(own.written)).toEqual({ "1": 3, "2": 1 });
  });

  it("is nothing to tell where it is the node's own writes alone", () => {
    expect(told([3, 0, 0])).toEqual(EMPTY_VECTOR);
  });
});
