// What the wire, the token and the log are made of: everything that is written is read back, and nothing is read that was not written.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeBase64url, encodeBase64url } from "../src/bytes/base64url.js";
import { equalBytes, hmacSha256, Mac } from "../src/bytes/mac.js";
import { ByteReader, MalformedError } from "../src/bytes/reader.js";
import { decodeUtf8, encodeUtf8, encodeUtf8Into, isWellFormed } from "../src/bytes/utf8.js";
import { ByteWriter, varintLength } from "../src/bytes/writer.js";
import { systemPlatform } from "../src/embedded/platform.js";

const safe = fc.oneof(fc.nat(300), fc.maxSafeNat(), fc.constantFrom(0, 127, 128, 16_383, 16_384, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1));
const text = fc.string({ unit: "binary", maxLength: 80 });

type Item = { kind: "u8" | "u16" | "u32" | "f64" | "varint"; value: number } | { kind: "text"; value: string } | { kind: "blob"; value: Uint8Array };

const item: fc.Arbitrary<Item> = fc.oneof(
  fc.record({ kind: fc.constant("u8" as const), value: fc.nat(0xff) }),
  fc.record({ kind: fc.constant("u16" as const), value: fc.nat(0xffff) }),
  fc.record({ kind: fc.constant("u32" as const), value: fc.nat(0xffff_ffff) }),
  fc.record({ kind: fc.constantFrom("f64" as const, "varint" as const), value: safe }),
  fc.record({ kind: fc.constant("text" as const), value: text }),
  fc.record({ kind: fc.constant("blob" as const), value: fc.uint8Array({ maxLength: 600 }) }),
);

function put(out: ByteWriter, { kind, value }: Item): void {
  (out[kind] as (value: unknown) => void)(value);
}

function take(reader: ByteReader, { kind }: Item): unknown {
  return kind === "text" || kind === "blob" ? reader[kind](4096) : reader[kind]();
}

describe("ByteWriter and ByteReader", () => {
  it("read back what was written, wherever it begins", () => {
    fc.assert(
      fc.property(fc.array(item), fc.nat(20), (items, offset) => {
        const out = new ByteWriter(1);
        for (let index = 0; index < offset; index++) out.u8(index);
        for (const each of items) put(out, each);
        const reader = new ByteReader();
        reader.reset(out.copy(), offset, out.length);
        for (const each of items) expect(take(reader, each)).toEqual(each.value);
        reader.finish();
      }),
    );
  });

  it("never read past the end: every cut is a MalformedError", () => {
    fc.assert(
      fc.property(fc.array(item, { minLength: 1 }), fc.nat(), (items, seed) => {
        const out = new ByteWriter();
        for (const each of items) put(out, each);
        // What lies behind the end is there in the array, as it is with frames.
        const end = seed % out.length;
        const reader = new ByteReader(out.copy(), 0, end);
        expect(() => items.forEach((each) => take(reader, each))).toThrow(MalformedError);
        expect(reader.at).toBeLessThanOrEqual(end);
      }),
    );
  });

  it("read any bytes into values or a MalformedError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.array(item), (bytes, items) => {
        const reader = new ByteReader(bytes);
        try {
          for (const each of items) {
            const value = take(reader, each);
            if (typeof value === "number") expect(Number.isSafeInteger(value) && value >= 0).toBe(true);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError);
        }
        expect(reader.at).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });

  it("take numbers that JavaScript cannot count with for malformed", () => {
    const out = new ByteWriter();
    for (const value of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
      out.length = 0;
      out.f64(value);
      expect(() => new ByteReader(out.copy()).f64(), String(value)).toThrow(MalformedError);
    }
    expect(() => new ByteReader(new Uint8Array(9).fill(0xff)).varint()).toThrow(MalformedError);
    expect(() => new ByteReader(new Uint8Array([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])).varint()).toThrow(MalformedError);
  });

  it("say beforehand how long a varint is", () => {
    fc.assert(
      fc.property(safe, (value) => {
        const out = new ByteWriter();
        out.varint(value);
        expect(varintLength(value)).toBe(out.length);
      }),
    );
  });

  it("refuse what is left over, too long, or not text", () => {
    expect(() => new ByteReader(new Uint8Array(1)).finish()).toThrow("1 bytes too many");
    const out = new ByteWriter();
    out.text("four");
    expect(() => new ByteReader(out.copy()).text(3)).toThrow(MalformedError);
    expect(() => new ByteReader(out.copy()).blob(3)).toThrow(MalformedError);
    expect(() => new ByteReader(new Uint8Array([2, 0xc3, 0x28])).text(10)).toThrow("not UTF-8");
  });
});

describe("UTF-8", () => {
  it("is the platform's, in place and out of place", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 70 }), fc.nat(9), (value, offset) => {
        const bytes = encodeUtf8(value);
        expect(bytes).toEqual(new TextEncoder().encode(value));
        const target = new Uint8Array(offset + value.length * 3);
        expect(encodeUtf8Into(value, target, offset)).toBe(bytes.length);
        expect(target.subarray(offset, offset + bytes.length)).toEqual(bytes);
        expect(decodeUtf8(target, offset, offset + bytes.length)).toBe(value);
      }),
    );
  });

  it("knows lone surrogates", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("a", "é", "\ud83d", "\ude00", "😀", "\uffff")), (units) => {
        const value = units.join("");
        expect(isWellFormed(value)).toBe(decodeUtf8(encodeUtf8(value)) === value);
      }),
    );
  });

  it("keeps a byte order mark and refuses bytes that are no text", () => {
    expect(decodeUtf8(encodeUtf8("\ufeffa"))).toBe("\ufeffa");
    for (const bytes of [[0x80], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80]])
      expect(() => decodeUtf8(new Uint8Array(bytes))).toThrow(TypeError);
  });
});

describe("base64url", () => {
  it("is Node.js's own", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const encoded = encodeBase64url(bytes);
        expect(encoded).toBe(Buffer.from(bytes).toString("base64url"));
        expect(decodeBase64url(encoded)).toEqual(bytes);
      }),
    );
  });

  it("has one spelling of each value: another text is other bytes or none", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 30 }), (value) => {
        const bytes = decodeBase64url(value);
        if (bytes !== undefined) expect(encodeBase64url(bytes)).toBe(value);
      }),
    );
    for (const value of ["A", "AB", "AAB", "AA==", "A+AA", "A/AA", "AA A", "ÄAAA"]) expect(decodeBase64url(value), value).toBeUndefined();
  });
});

describe("message authentication", () => {
  it("is HMAC-SHA-256 over the parts one after the other (RFC 4231, case 2)", () => {
    const mac = hmacSha256(encodeUtf8("Jefe"), encodeUtf8("what do ya want "), encodeUtf8("for nothing?"));
    expect(Buffer.from(mac).toString("hex")).toBe("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  });

  it("is the same under a key that is prepared once, message after message", () => {
    const key = encodeUtf8("Jefe");
    const mac = new Mac(key);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => equalBytes(mac.of(bytes), hmacSha256(key, bytes))));
  });

  it("compares whole arrays", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3, max: 2 }), fc.uint8Array({ maxLength: 3, max: 2 }), (a, b) => {
        expect(equalBytes(a, b)).toBe(Buffer.compare(a, b) === 0);
      }),
    );
    expect(equalBytes(new Uint8Array([1, 2]), new Uint8Array([1, 2]))).toBe(true);
  });
});

describe("random bytes", () => {
  it("are given out once, however many are asked for at a time, and belong to whoever asked", () => {
    const { entropy } = systemPlatform;
    const seen = new Set<string>();
    for (const count of Array.from({ length: 3_000 }, (_, index) => 12 + (index % 50)).concat(4_095, 4_096, 4_097, 16)) {
      const bytes = entropy(count);
      expect(bytes.length).toBe(count);
      // Of a pool that is read again, or that others write into, some twelve bytes would come back.
      const name = encodeBase64url(bytes.slice(0, 12));
      expect(seen.has(name)).toBe(false);
      seen.add(name);
      bytes.fill(0);
    }
  });
});
