// Claims about keys: any unicode string is data, and two different strings are two different keys. The keys here are those
// that stores get wrong: separators, patterns, quotes, names of properties and tables, NUL, other normal forms, other case.

import { assertEqual } from "./case.js";
import { readRow, row, scanAll, type StoreClaim } from "./store-setup.js";

export const LONGEST_KEYS: readonly string[] = [
  "k".repeat(1024),
  `${"k".repeat(1023)}l`,
  "k".repeat(1023),
  "😀".repeat(256),
  `${"😀".repeat(255)}😁`,
  `${"é".repeat(511)}\u{0}a`,
];

export const HOSTILE_KEYS: readonly string[] = [
  ["a", "a.b", "a.", "a.b.c", "ab", "a/b", "a:b", "a b", "a ", " a", " ", "A", "b"],
  ["%", "_", "a%", "a_", "*", "a*", "?", "[a]", "{a}", "\\", "\\%", "$a", "#a", "@a", "~"],
  ["'", '"', "`", "';--", "\t", "\n", "\r\n", "\u0001", "\u007f", "\u0080"],
  ["\u0000", "a\u0000", "a\u0000b", "\u0000a", "\u0000\u0000"],
  ["é", "e\u0301", "ß", "ss", "ı", "I", "İ", "\ufeffa", "\u200b", "\u202ea", "中文", "한국어"],
  ["\ud7ff", "\ue000", "\uffff", "\u{10000}", "😀", "😀a", "😁", "\u{10ffff}", "\u{10ffff}\u{10ffff}"],
  ["__proto__", "constructor", "toString", "hasOwnProperty", "undefined", "null", "true"],
  ["0", "-0", "1", "01", "1e3", "NaN", "registry", "flushed", "schema", "rows", "meta", "row:a", "causalmesh"],
].flat();

export const KEY_CLAIMS: readonly StoreClaim[] = [
  {
    name: "keys: each of many hostile keys has its own row",
    check: async ({ store }) => {
      const rows = HOSTILE_KEYS.map((key, index) => row(key, { counter: index + 1, timestamp: 1000 + index }));
      await store.apply(rows, []);
      for (const wanted of rows) assertEqual(await readRow(store, wanted.key), wanted, `the row of ${JSON.stringify(wanted.key)}`);
      const found = (await scanAll(store, "", 1000)).map(({ key }) => key);
      assertEqual(new Set(found).size, HOSTILE_KEYS.length, "the number of keys in a scan");
    },
  },
  {
    name: "keys: a hostile key that was never written is missing beside the others",
    check: async ({ store }) => {
      assertEqual(
        await store.getMany(HOSTILE_KEYS),
        HOSTILE_KEYS.map(() => undefined),
        "the rows of an empty store",
      );
      const present = HOSTILE_KEYS.filter((_, index) => index % 2 === 0);
      const absent = HOSTILE_KEYS.filter((_, index) => index % 2 === 1);
      await store.apply(
        present.map((key) => row(key)),
        [],
      );
      for (const key of absent) assertEqual(await readRow(store, key), undefined, `the row of ${JSON.stringify(key)}, which was never written`);
    },
  },
  {
    name: "keys: 1 KiB in UTF-8 is not too long, and differs in its last byte",
    check: async ({ store }) => {
      const rows = LONGEST_KEYS.map((key, index) => row(key, { counter: index + 1 }));
      await store.apply(rows, []);
      for (const wanted of rows) assertEqual(await readRow(store, wanted.key), wanted, `the row of a key of ${wanted.key.length} units`);
      assertEqual((await scanAll(store, "", 2)).length, rows.length, "the number of rows in a scan");
    },
  },
  {
    name: "keys: one key's write leaves its prefixes and continuations alone",
    check: async ({ store }) => {
      const keys = ["a", "a.b", "a.b.c", "a\u0000", "ab"];
      const rows = keys.map((key) => row(key));
      await store.apply(rows, []);
      await store.apply([row("a.b", { timestamp: 200, value: null })], []);
      for (const wanted of rows.filter(({ key }) => key !== "a.b"))
        assertEqual(await readRow(store, wanted.key), wanted, `the row of ${JSON.stringify(wanted.key)}`);
    },
  },
];
