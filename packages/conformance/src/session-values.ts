// Claims about keys and values: what a session reads is what was written, for every key and value that there may be.

import { limits, type Durability } from "@causalmesh/core";
import { assert, assertEqual, assertRejects } from "./case.js";
import type { SessionClaim } from "./session-suite.js";

const HOSTILE_KEYS = [
  "a",
  "a.b",
  "a/b",
  "a//b",
  "/a",
  "a/",
  "a:",
  ":",
  "a/:",
  "%2F",
  "%",
  "a b",
  "+",
  "ключ",
  "🙂",
  "?x=1#y",
  "read",
  "write",
  "__proto__",
  "a\u0000b",
  "a,b",
  "../b",
  '"',
];

const PLAIN_VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1.5,
  1e300,
  "",
  "text",
  "🙂\u2028",
  [],
  [1, [2, null]],
  {},
  { a: { b: [] } },
  { $: ["date", 0] },
  { $: 5 },
  { __proto__x: 1 },
];
const BYTES = Uint8Array.from({ length: 256 }, (_, index) => index);

export const VALUE_CLAIMS: readonly SessionClaim[] = [
  {
    name: "values: plain data comes back as it went in",
    check: async (mesh, key) => {
      const session = mesh.session();
      for (const [index, value] of PLAIN_VALUES.entries()) {
        await session.set(key(`plain ${index}`), value);
        assertEqual(await session.get(key(`plain ${index}`)), value, "get after set");
      }
    },
  },
  {
    name: "values: Date, Map, Set, BigInt, bytes and the numbers that JSON lacks come back as they went in",
    check: async (mesh, key) => {
      const session = mesh.session();
      const value = {
        at: new Date(1234),
        map: new Map<unknown, unknown>([[1n, new Set(["x"])]]),
        numbers: [NaN, -0, -Infinity, 10n ** 30n, undefined],
        bytes: BYTES,
      };
      await session.set(key("rich"), value);
      const read = (await session.get<typeof value>(key("rich")))!;
      assertEqual(read.at instanceof Date && read.at.getTime(), 1234, "a Date");
      assert(read.map instanceof Map && read.map.get(1n) instanceof Set && (read.map.get(1n) as Set<string>).has("x"), "a Map with a Set in it");
      assertEqual(read.numbers, value.numbers, "numbers");
      assertEqual(read.bytes, BYTES, "bytes within a value");
      for (const bytes of [BYTES, new Uint8Array(0)]) {
        await session.set(key("bytes"), bytes);
        assertEqual(await session.get(key("bytes")), bytes, "bytes as a value");
        assertEqual(await session.getMany([key("bytes")]), [bytes], "bytes among several");
      }
    },
  },
  {
    name: "values: what cannot be stored is refused",
    check: async (mesh, key) => {
      const session = mesh.session();
      for (const value of [undefined, () => 1, Symbol("s"), new (class Thing {})()])
        await assertRejects(session.set(key("invalid"), value), ["VALUE_INVALID"], "set");
      await assertRejects(session.set(key("large"), "x".repeat(limits.VALUE_BYTES_MAX)), ["VALUE_TOO_LARGE"], "a value beyond the limit");
      assertEqual(await session.getMany([key("invalid"), key("large")]), [undefined, undefined], "nothing was written");
    },
  },
  {
    name: "keys: every key holds a value of its own",
    check: async (mesh, key) => {
      const session = mesh.session();
      const longest = "x".repeat(900);
      const keys = [...HOSTILE_KEYS.map(key), ...HOSTILE_KEYS.map((name) => `${key("")}${name}/end`), key(longest)];
      for (const [index, name] of keys.entries()) await session.set(name, index);
      for (const [index, name] of keys.entries()) assertEqual(await session.get(name), index, `the value of ${JSON.stringify(name)}`);
      assertEqual(
        await session.getMany(keys),
        keys.map((_, index) => index),
        "all at once",
      );
    },
  },
  {
    name: "keys: what is no key is refused",
    check: async (mesh) => {
      const session = mesh.session();
      for (const wrong of ["", 5, null, "\ud800", "x".repeat(limits.KEY_BYTES_MAX + 1)] as string[]) {
        await assertRejects(session.get(wrong), ["KEY_INVALID"], `get of ${String(wrong).slice(0, 10)}`);
        await assertRejects(session.set(wrong, 1), ["KEY_INVALID"], `set of ${String(wrong).slice(0, 10)}`);
        await assertRejects(session.getMany([wrong]), ["KEY_INVALID"], `getMany of ${String(wrong).slice(0, 10)}`);
        await assertRejects(session.setMany([[wrong, 1]]), ["KEY_INVALID"], `setMany of ${String(wrong).slice(0, 10)}`);
      }
      await assertRejects(session.getMany("no list" as never), ["KEY_INVALID"], "getMany of no list");
      await assertRejects(session.setMany(["no pair"] as never), ["KEY_INVALID"], "setMany of no pairs");
    },
  },
  {
    name: "reads: a miss is undefined, and a stored null is a hit",
    check: async (mesh, key) => {
      const session = mesh.session();
      assertEqual(await session.get(key("absent")), undefined, "get of what never was");
      assertEqual(await session.has(key("absent")), false, "has of what never was");
      const absent = await session.getEntry(key("absent"));
      assertEqual([absent.hit, absent.value, absent.version, absent.ageMs], [false, undefined, undefined, undefined], "getEntry of what never was");
      await session.set(key("null"), null);
      const found = await session.getEntry(key("null"));
      assertEqual([found.hit, found.value], [true, null], "getEntry of a stored null");
      assertEqual(await session.has(key("null")), true, "has of a stored null");
      assertEqual(await session.getMany([key("null"), key("absent"), key("null")]), [null, undefined, null], "in the order asked, with repetitions");
      assertEqual(await session.getMany([]), [], "no key");
    },
  },
  {
    name: "reads: an entry names the write that was read, its age and the node",
    check: async (mesh, key) => {
      const session = mesh.session();
      await session.set(key("k"), 1);
      const first = await session.getEntry(key("k"));
      assert(/^\d+:\d+$/.test(first.version ?? ""), `a version is replica:counter, not ${first.version}`);
      assert(first.ageMs !== undefined && first.ageMs >= 0 && first.ageMs < 60_000, `an age in milliseconds, not ${first.ageMs}`);
      assert(first.node !== "" && session.node !== "", "the node has a name");
      assertEqual((await session.getEntry(key("k"))).version, first.version, "the same write has the same version");
      await session.set(key("k"), 1);
      assert((await session.getEntry(key("k"))).version !== first.version, "another write has another version");
    },
  },
  {
    name: "writes: the last one of a session is what it reads",
    check: async (mesh, key) => {
      const session = mesh.session();
      await session.set(key("k"), 1);
      await session.set(key("k"), 2);
      assertEqual(await session.get(key("k")), 2, "after set and set");
      await session.delete(key("k"));
      assertEqual([await session.get(key("k")), await session.has(key("k"))], [undefined, false], "after delete");
      await session.set(key("k"), 3);
      await session.invalidate(key("k"));
      assertEqual(await session.get(key("k")), undefined, "after invalidate");
      await session.delete(key("never was"));
    },
  },
  {
    name: "writes: several keys are one write",
    check: async (mesh, key) => {
      const session = mesh.session();
      await session.setMany(
        new Map([
          [key("a"), 1],
          [key("b"), 2],
        ]),
      );
      await session.setMany([
        [key("c"), 3],
        [key("d"), 0],
        [key("d"), 4],
      ]);
      assertEqual(await session.getMany(["a", "b", "c", "d"].map(key)), [1, 2, 3, 4], "after setMany");
      const [a, b] = await Promise.all([session.getEntry(key("a")), session.getEntry(key("b"))]);
      assertEqual(a.version, b.version, "the versions of one write's keys");
      await session.deleteMany([key("a"), key("c")]);
      assertEqual(await session.getMany(["a", "b", "c"].map(key)), [undefined, 2, undefined], "after deleteMany");
      await session.setMany([]);
      await session.deleteMany([]);
    },
  },
  {
    name: "writes: a value is absent after its time to live",
    check: async (mesh, key) => {
      const session = mesh.session();
      await session.set(key("short"), 1, { ttl: 250 });
      await session.setMany([[key("shorter"), 1]], { ttl: "250ms" });
      await session.set(key("long"), 1, { ttl: "1h" });
      assertEqual(await session.getMany(["short", "shorter", "long"].map(key)), [1, 1, 1], "before");
      await new Promise((resolve) => setTimeout(resolve, 600));
      assertEqual(await session.getMany(["short", "shorter", "long"].map(key)), [undefined, undefined, 1], "after");
      for (const ttl of [0, -1, "soon", NaN]) await assertRejects(session.set(key("wrong"), 1, { ttl }), ["TTL_INVALID"], `ttl ${ttl}`);
    },
  },
  {
    name: "writes: each durability is answered, and others are refused",
    check: async (mesh, key) => {
      const session = mesh.session();
      for (const durability of ["memory", "replicated", "everywhere", "stored"] as const) {
        await session.set(key("k"), durability, { durability });
        assertEqual(await session.get(key("k")), durability, `after ${durability}`);
      }
      await assertRejects(session.set(key("k"), 1, { durability: "eternal" as Durability }), ["OPTION_INVALID"], "an unknown durability");
    },
  },
];
