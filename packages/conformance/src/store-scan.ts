// Claims about scans: keys in the order of their UTF-8 bytes, every row of the prefix once, page after page.

import { assert, assertEqual } from "./case.js";
import { compareKeys } from "./store-model.js";
import { HOSTILE_KEYS, LONGEST_KEYS } from "./store-keys.js";
import { row, scanAll, type StoreClaim } from "./store-setup.js";

const ALL_KEYS = [...HOSTILE_KEYS, ...LONGEST_KEYS];
/** Patterns in some query language, ends of the alphabet, whole keys, and a prefix of nothing. */
const PREFIXES = [
  "",
  "a",
  "a.",
  "a.b",
  "a\u0000",
  "\u0000",
  "%",
  "_",
  "*",
  "\\",
  "\uffff",
  "\u{10ffff}",
  "😀",
  "é",
  "k".repeat(1023),
  "k".repeat(1024),
  "nothing",
];

const startingWith = (prefix: string, keys: readonly string[] = ALL_KEYS): string[] => keys.filter((key) => key.startsWith(prefix)).sort(compareKeys);

export const SCAN_CLAIMS: readonly StoreClaim[] = [
  {
    name: "scan: an empty store has one empty page",
    check: async ({ store }) => {
      for (const prefix of ["", "a"])
        assertEqual(await store.scan(prefix, undefined, 10), { rows: [], cursor: undefined }, `the scan of ${JSON.stringify(prefix)}`);
    },
  },
  {
    name: "scan: keys come in the order of their UTF-8 bytes, whatever the order of writing",
    check: async ({ store }) => {
      for (const part of [0, 1, 2])
        await store.apply(
          ALL_KEYS.filter((_, index) => index % 3 === part)
            .reverse()
            .map((key) => row(key)),
          [],
        );
      assertEqual(
        (await scanAll(store, "", 10_000)).map(({ key }) => key),
        startingWith(""),
        "all keys",
      );
    },
  },
  {
    name: "scan: a prefix selects the keys that start with it, itself included, and is no pattern",
    check: async ({ store }) => {
      await store.apply(
        ALL_KEYS.map((key) => row(key)),
        [],
      );
      for (const prefix of PREFIXES) {
        assertEqual(
          (await scanAll(store, prefix, 10_000)).map(({ key }) => key),
          startingWith(prefix),
          `the keys that start with ${JSON.stringify(prefix.slice(0, 20))}`,
        );
      }
    },
  },
  {
    name: "scan: pages of any length give every row once, and no cursor after the last",
    check: async ({ store }) => {
      const keys = [...HOSTILE_KEYS, ...LONGEST_KEYS];
      await store.apply(
        keys.map((key) => row(key)),
        [],
      );
      for (const limit of [1, 2, 7, keys.length - 1, keys.length, keys.length + 1, 10_000]) {
        assertEqual(
          (await scanAll(store, "", limit)).map(({ key }) => key),
          startingWith(""),
          `all keys, ${limit} at a time`,
        );
      }
      const within = startingWith("a");
      for (const limit of [1, within.length, within.length + 1]) {
        assertEqual(
          (await scanAll(store, "a", limit)).map(({ key }) => key),
          within,
          `the keys under "a", ${limit} at a time`,
        );
      }
    },
  },
  {
    name: "scan: rows written between two pages disturb no others",
    check: async ({ store }) => {
      const stays = ["b", "d", "f", "h"];
      await store.apply(
        stays.map((key) => row(key)),
        [],
      );
      const first = await store.scan("", undefined, 2);
      assertEqual(
        first.rows.map(({ key }) => key),
        ["b", "d"],
        "the first page",
      );
      assert(first.cursor !== undefined, "the first page of two has no cursor");
      await store.apply([row("a"), row("c"), row("d\u0000"), row("d", { timestamp: 200 }), row("g")], []);
      const rest: string[] = [];
      for (let cursor: string | undefined = first.cursor; cursor !== undefined;) {
        const page = await store.scan("", cursor, 2);
        rest.push(...page.rows.map(({ key }) => key));
        cursor = page.cursor;
      }
      assertEqual(
        rest.filter((key) => stays.includes(key)),
        ["f", "h"],
        "the rows that were there from the start",
      );
      assert(!rest.some((key) => key < "d"), `the scan went backwards: ${rest.join(" ")}`);
    },
  },
  {
    name: "scan: deletions are rows too",
    check: async ({ store }) => {
      const rows = [row("a", { value: null }), row("b"), row("c", { value: null, timestamp: 300 })];
      await store.apply(rows, []);
      assertEqual(await scanAll(store, "", 2), rows, "the scan");
    },
  },
];
