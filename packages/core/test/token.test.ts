// Tokens: what is packed comes out again, and nothing else is ever believed.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeBase64url, encodeBase64url } from "../src/bytes/base64url.js";
import { encodeUtf8 } from "../src/bytes/utf8.js";
import type { SessionContext } from "../src/client/context.js";
import { inspectToken, packToken, tokenKey, unpackToken, type TokenCheck, type TokenKey } from "../src/client/token.js";
import { MeshError } from "../src/errors.js";
import { TOKEN_BYTES_MAX } from "../src/limits.js";
import { vectorOf } from "../src/protocol/vector.js";
import { codeOf } from "./support/cluster.js";

const MESH = "0123456789abcdef0123456789abcdef";
const SECRET = "a secret of the tests";
const KEY = tokenKey(MESH, SECRET);
const NOW = 1_800_000_000_000;
const ISSUE = { meshId: MESH, key: KEY, issuedAt: NOW, expiresAt: NOW + 1000 };
const CHECK: TokenCheck = { meshId: MESH, keys: [tokenKey(MESH, "the next secret of the tests"), KEY], now: NOW + 1 };

const vector = fc.array(fc.tuple(fc.integer({ min: 1, max: 0xffff_ffff }), fc.integer({ min: 1, max: 2 ** 48 - 1 })), { maxLength: 5 }).map(vectorOf);
const own = fc.record({
  replica: fc.integer({ min: 1, max: 0xffff_ffff }),
  counter: fc.integer({ min: 1, max: 2 ** 48 - 1 }),
  timestamp: fc.maxSafeNat(),
  changes: fc.array(
    fc.record({ key: fc.string({ unit: "binary", minLength: 1, maxLength: 20 }), value: fc.option(fc.uint8Array({ maxLength: 50 })), expiresAt: fc.nat() }),
    { minLength: 1, maxLength: 3 },
  ),
});
const context: fc.Arbitrary<SessionContext> = fc.record({ visible: vector, written: vector, time: fc.maxSafeNat(), own: fc.array(own, { maxLength: 3 }) });

const EXAMPLE: SessionContext = {
  visible: vectorOf([
    [1, 5],
    [2, 3],
  ]),
  written: vectorOf([
    [1, 6],
    [2, 3],
  ]),
  time: 4096 * 77,
  own: [
    {
      replica: 1,
      counter: 6,
      timestamp: 4096 * 76,
      changes: [
        { key: "cart", value: encodeUtf8('"apples"'), expiresAt: 0 },
        { key: "gone", value: null, expiresAt: 0 },
      ],
    },
  ],
};

/** A key's id as it stands in a token. */
function idOf({ id }: TokenKey): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, id, true);
  return bytes;
}

describe("a token", () => {
  it("brings back the session that was packed, in characters that any header takes", () => {
    fc.assert(
      fc.property(context, (packed) => {
        const token = packToken(packed, ISSUE);
        expect(token).toMatch(/^[\w-]+$/);
        expect(unpackToken(token, CHECK)).toEqual(packed);
      }),
    );
  });

  it("is short: two vectors of three members take less than 120 characters", () => {
    const visible = vectorOf([
      [1, 100_000],
      [2, 100_000],
      [3, 100_000],
    ]);
    expect(packToken({ visible, written: vectorOf([]), time: 4096 * 1e11, own: [] }, ISSUE).length).toBeLessThan(128);
  });

  it("is refused with a code of its own after any single bit was changed, and never believed", async () => {
    const token = packToken(EXAMPLE, ISSUE);
    const bytes = decodeBase64url(token)!;
    const codes = new Set<string>();
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = bytes.slice();
      changed[bit >> 3] ^= 1 << (bit & 7);
      const code = await codeOf(() => unpackToken(encodeBase64url(changed), CHECK));
      expect(code, `bit ${bit}`).toMatch(/^TOKEN_(MALFORMED|VERSION|KEY_UNKNOWN|SIGNATURE|OTHER_MESH)$/);
      codes.add(code);
    }
    expect([...codes].sort()).toEqual(["TOKEN_KEY_UNKNOWN", "TOKEN_MALFORMED", "TOKEN_OTHER_MESH", "TOKEN_SIGNATURE", "TOKEN_VERSION"]);
  });

  it("is refused after any single character was changed, left out or added", async () => {
    const token = packToken(EXAMPLE, ISSUE);
    for (let at = 0; at < token.length; at++) {
      for (const other of [token[at] === "A" ? "B" : "A", "", "=", " ", "ä", `${token[at]}A`]) {
        const changed = token.slice(0, at) + other + token.slice(at + 1);
        expect(await codeOf(() => unpackToken(changed, CHECK)), `${JSON.stringify(other)} at ${at}`).toMatch(/^TOKEN_/);
      }
    }
  });

  it("that was truncated is malformed or without its signature, wherever it was cut", async () => {
    const token = packToken(EXAMPLE, ISSUE);
    for (let length = 0; length < token.length; length++) {
      expect(await codeOf(() => unpackToken(token.slice(0, length), CHECK)), `${length} characters`).toMatch(/^TOKEN_(MALFORMED|SIGNATURE)$/);
    }
  });

  it("has a code for each way to be unsound, and a message that says what to do", () => {
    const token = packToken(EXAMPLE, ISSUE);
    const older = decodeBase64url(token)!;
    older[0] = 0;
    const cases: [expected: string, text: string, check: Partial<TokenCheck>, advice: string][] = [
      ["TOKEN_MALFORMED", "not a token at all!", {}, "hand it on unchanged"],
      ["TOKEN_MALFORMED", "", {}, "session.token()"],
      ["TOKEN_VERSION", encodeBase64url(older), {}, "same version"],
      ["TOKEN_KEY_UNKNOWN", token, { keys: [tokenKey(MESH, "another secret of the tests")] }, "begin a new session"],
      ["TOKEN_KEY_UNKNOWN", token, { keys: [] }, "the same secrets"],
      ["TOKEN_SIGNATURE", token, { keys: [{ ...tokenKey(MESH, "another secret of the tests"), id: KEY.id }] }, "begin a new session"],
      ["TOKEN_OTHER_MESH", token, { meshId: "ffffffffffffffffffffffffffffffff" }, "do not move between meshes"],
      ["TOKEN_EXPIRED", token, { now: NOW + 1000 }, "raise tokenTtl"],
      ["TOKEN_TOO_LARGE", "A".repeat(TOKEN_BYTES_MAX + 1), {}, "at most"],
    ];
    for (const [expected, text, check, advice] of cases) {
      const unpack = (): unknown => unpackToken(text, { ...CHECK, ...check });
      expect(unpack, expected).toThrow(MeshError);
      expect(unpack, expected).toThrow(advice);
      expect(unpack).toThrow(expect.objectContaining({ code: expected }) as Error);
    }
    for (const nothing of [undefined, null, 5, {}, []])
      expect(() => unpackToken(nothing as never, CHECK)).toThrow(expect.objectContaining({ code: "TOKEN_MALFORMED" }) as Error);
  });

  it("of another key, signed by whoever lacks the secret, is not believed: also without a secret it is bound to its mesh", async () => {
    const none = tokenKey(MESH, "");
    expect(await codeOf(() => unpackToken(packToken(EXAMPLE, { ...ISSUE, key: none }), CHECK))).toBe("TOKEN_KEY_UNKNOWN");
    expect(await codeOf(() => unpackToken(packToken(EXAMPLE, { ...ISSUE, key: { ...none, id: KEY.id } }), CHECK))).toBe("TOKEN_SIGNATURE");
    expect(none.mac.of(encodeUtf8("token"))).not.toEqual(tokenKey("another", "").mac.of(encodeUtf8("token")));
  });

  it("spliced out of two good ones is not believed, wherever they are joined", async () => {
    const [one, other] = [EXAMPLE, { ...EXAMPLE, visible: vectorOf([[1, 5_000_000]]) }].map((context) => packToken(context, ISSUE));
    for (let at = 1; at < Math.min(one.length, other.length); at++) {
      for (const spliced of [one.slice(0, at) + other.slice(at), other.slice(0, at) + one.slice(at)]) {
        if (spliced !== one && spliced !== other) expect(await codeOf(() => unpackToken(spliced, CHECK)), `joined at ${at}`).toMatch(/^TOKEN_/);
      }
    }
  });

  it("is not made where it would not fit into a header", () => {
    const large = { ...EXAMPLE, own: [{ ...EXAMPLE.own[0], changes: [{ key: "k", value: new Uint8Array(TOKEN_BYTES_MAX), expiresAt: 0 }] }] };
    expect(() => packToken(large, ISSUE)).toThrow(expect.objectContaining({ code: "TOKEN_TOO_LARGE", retryable: true }) as Error);
  });

  it("made of any bytes is refused with a code", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (bytes, versioned) => {
        const body = versioned ? new Uint8Array([2, ...idOf(KEY), 32, ...encodeUtf8(MESH), ...bytes]) : bytes;
        expect(await codeOf(() => unpackToken(encodeBase64url(body), CHECK))).toMatch(/^TOKEN_/);
        expect(await codeOf(() => inspectToken(encodeBase64url(body)))).toMatch(/^(TOKEN_|none)/);
      }),
    );
  });
});

describe("inspectToken", () => {
  it("tells people what stands in a token, and whether its signature holds", () => {
    const token = packToken(EXAMPLE, ISSUE);
    expect(inspectToken(token, SECRET)).toEqual({
      version: 3,
      meshId: MESH,
      keyId: Buffer.from(idOf(KEY)).reverse().toString("hex"),
      issuedAt: NOW,
      expiresAt: NOW + 1000,
      signature: "valid",
      visible: { 1: 5, 2: 3 },
      written: { 1: 6, 2: 3 },
      own: [{ write: "1:6", timestamp: 4096 * 76, keys: ["cart", "gone"] }],
    });
    expect(inspectToken(token).signature).toBe("unchecked");
    expect(inspectToken(token, ["another secret of the tests", SECRET]).signature).toBe("valid");
    expect(inspectToken(token, "another secret of the tests").signature).toBe("unknown key");
    expect(inspectToken(`${token.slice(0, -4)}AAAA`, SECRET).signature).toBe("invalid");
  });
});
