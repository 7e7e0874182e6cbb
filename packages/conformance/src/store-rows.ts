// Claims about rows: what comes back is what went in, and of two writes to a key the one with the greater (timestamp, replica)
// stays, in whatever order and however often they come.

import type { Row } from "@causalmesh/core";
import { assert, assertEqual } from "./case.js";
import { withSeed } from "./seeded-random.js";
import { bytesOf, plain, readFlushed, readRow, row, scanAll, type StoreClaim } from "./store-setup.js";
import { replaces } from "./store-model.js";

const MEBIBYTE = 1024 * 1024;
const GREATEST = { timestamp: Number.MAX_SAFE_INTEGER, replica: 2 ** 32 - 1, counter: Number.MAX_SAFE_INTEGER, expiresAt: 8_640_000_000_000_000 };

export const ROW_CLAIMS: readonly StoreClaim[] = [
  {
    name: "rows: a key that was never written has none",
    check: async ({ store }) => assertEqual(await store.getMany(["a", "b"]), [undefined, undefined], "the rows of an empty store"),
  },
  {
    name: "rows: getMany answers in the order asked, missing and repeated keys included",
    check: async ({ store }) => {
      await store.apply([row("a"), row("b"), row("c")], []);
      assertEqual(await store.getMany([]), [], "the answer to no keys");
      const found = await store.getMany(["c", "x", "a", "c", "b"]);
      assertEqual(found.map(plain), [row("c"), undefined, row("a"), row("c"), row("b")], "the answer to five keys");
    },
  },
  {
    name: "rows: every field comes back, also at its bounds",
    check: async ({ store }) => {
      const rows = [
        row("greatest", GREATEST),
        row("least", { timestamp: 0, replica: 0, counter: 1, expiresAt: 0 }),
        row("odd", { timestamp: 2 ** 52 + 1, replica: 2 ** 31, counter: 2 ** 48 - 1 }),
      ];
      await store.apply(rows, []);
      for (const wanted of rows) assertEqual(await readRow(store, wanted.key), wanted, `the row ${wanted.key}`);
    },
  },
  {
    name: "rows: a value is bytes: all of them, none, and a part of a larger array",
    check: async ({ store }) => {
      const all = Uint8Array.from({ length: 256 }, (_, index) => index);
      const part = all.subarray(100, 110);
      await store.apply([row("all", { value: all }), row("empty", { value: new Uint8Array(0) }), row("part", { value: part })], []);
      assertEqual((await readRow(store, "all"))?.value, all, "a value of all bytes");
      assertEqual((await readRow(store, "empty"))?.value, new Uint8Array(0), "an empty value, which is no deletion");
      assertEqual((await readRow(store, "part"))?.value, part, "a value that was a part of a larger array");
    },
  },
  {
    name: "rows: a value of 1 MiB",
    skip: ({ valueBytesMax }) => (valueBytesMax >= MEBIBYTE ? undefined : `the store takes values up to ${valueBytesMax} bytes`),
    check: async ({ store }) => {
      const value = Uint8Array.from({ length: MEBIBYTE }, (_, index) => (index * 7 + (index >>> 11)) & 0xff);
      await store.apply([row("large", { value }), row("small")], []);
      assertEqual((await readRow(store, "large"))?.value, value, "a value of 1 MiB");
      assertEqual((await store.scan("", undefined, 10)).rows.map(plain), [row("large", { value }), row("small")], "the scan of a large and a small value");
    },
  },
  {
    name: "rows: of two writes the one with the greater timestamp stays, whichever comes first",
    check: async ({ store }) => {
      const [older, newer] = [
        row("a", { timestamp: 100, replica: 9, value: bytesOf("older") }),
        row("a", { timestamp: 101, replica: 1, value: bytesOf("newer") }),
      ];
      await store.apply([older], []);
      await store.apply([newer], []);
      assertEqual(await readRow(store, "a"), newer, "the row after the newer write");
      await store.apply([older], []);
      assertEqual(await readRow(store, "a"), newer, "the row after the older write came late");
    },
  },
  {
    name: "rows: at equal timestamps the greater replica stays, compared as a number",
    check: async ({ store }) => {
      const [low, high] = [row("a", { replica: 9, value: bytesOf("9") }), row("a", { replica: 10, value: bytesOf("10") })];
      await store.apply([high], []);
      await store.apply([low], []);
      assertEqual(await readRow(store, "a"), high, "the row when the lesser replica came last");
      const highest = row("a", { replica: 2 ** 31 + 1, value: bytesOf("unsigned") });
      await store.apply([highest], []);
      assertEqual(await readRow(store, "a"), highest, "the row when a replica above 2^31 came last");
    },
  },
  {
    name: "rows: a write of equal timestamp and replica changes nothing",
    check: async ({ store }) => {
      await store.apply([row("a")], []);
      await store.apply([row("a", { value: bytesOf("other"), counter: 7, expiresAt: 5 })], []);
      assertEqual(await readRow(store, "a"), row("a"), "the row after its repetition with other contents");
    },
  },
  {
    name: "rows: a losing row does not hold back the others of its call, nor the counters",
    check: async ({ store }) => {
      await store.apply([row("b", { timestamp: 500 })], []);
      await store.apply([row("a"), row("b", { timestamp: 400, value: bytesOf("late") }), row("c")], [[1, 5]]);
      assertEqual(
        (await store.getMany(["a", "b", "c"])).map((found) => found?.timestamp),
        [100, 500, 100],
        "timestamps of a, b, c",
      );
      assertEqual(await readFlushed(store), [[1, 5]], "the flushed counters");
    },
  },
  {
    name: "rows: a deletion is kept like a value: it wins, loses and can be read",
    check: async ({ store }) => {
      const deletion = row("a", { timestamp: 200, value: null });
      await store.apply([row("a")], []);
      await store.apply([deletion], []);
      assertEqual(await readRow(store, "a"), deletion, "the row after its deletion");
      await store.apply([row("a", { timestamp: 150 })], []);
      assertEqual(await readRow(store, "a"), deletion, "the row after an older write came late");
      await store.apply([row("a", { timestamp: 300 })], []);
      assertEqual(await readRow(store, "a"), row("a", { timestamp: 300 }), "the row after a newer write");
    },
  },
  {
    name: "rows: time to expire is kept, and an expired row still wins over older writes",
    check: async ({ store }) => {
      const later = row("later", { expiresAt: 4_000_000_000_000 });
      const past = row("past", { expiresAt: 1_000, timestamp: 200 });
      await store.apply([later, past], []);
      await store.apply([row("past", { timestamp: 150 })], []);
      assertEqual(await readRow(store, "later"), later, "a row that has not expired");
      const found = await readRow(store, "past");
      if (found !== undefined) assertEqual(found, past, "an expired row, which may be left out");
      assertEqual(await scanAll(store, "", 10), [later, past], "the scan, expired rows included");
    },
  },
  {
    name: "rows: 4 096 in one call",
    check: async ({ store }) => {
      const rows = Array.from({ length: 4096 }, (_, index) => row(`key ${String(index).padStart(4, "0")}`, { counter: index + 1 }));
      await store.apply(rows, [[1, 4096]]);
      const asked = rows.filter((_, index) => index % 16 === 3).map(({ key }) => key);
      assertEqual(
        (await store.getMany(asked)).map((found) => found?.key),
        asked,
        "every sixteenth of them",
      );
      assertEqual((await scanAll(store, "", 1000)).length, rows.length, "the number of rows in a scan");
    },
  },
  {
    name: "rows: order and repetition of calls change nothing, also when they overlap",
    check: async ({ store, seed }) =>
      await withSeed(seed, async (random) => {
        const keys = ["a", "a.b", "b", "😀"];
        const writes = Array.from({ length: 80 }, (_, index): Row =>
          row(random.pick(keys), { timestamp: 1 + random.below(30), replica: 1 + (index % 5), counter: index + 1 }),
        );
        // Two writes of equal timestamp and replica do not exist in a mesh.
        const distinct = [...new Map(writes.map((write) => [`${write.timestamp} ${write.replica}`, write])).values()];
        const calls = random.shuffled([...distinct, ...distinct]);
        await Promise.all(calls.map((write) => store.apply([write], [[write.replica, write.counter]])));
        for (const key of keys) {
          const winner = distinct
            .filter((write) => write.key === key)
            .reduce<Row | undefined>((best, write) => (best === undefined || replaces(write, best) ? write : best), undefined);
          assertEqual(await readRow(store, key), winner, `the winner of ${key}`);
        }
      }),
  },
  {
    name: "rows: a row is read whole while it is overwritten",
    check: async ({ store }) => {
      const version = (at: number): Row => row("a", { timestamp: at, counter: at, expiresAt: at, value: new Uint8Array(2000).fill(at) });
      await store.apply([version(1)], []);
      let writing = true;
      const writer = (async () => {
        for (let at = 2; at <= 40; at++) await store.apply([version(at)], []);
      })().finally(() => (writing = false));
      let last = 0;
      while (writing) {
        const found = await readRow(store, "a");
        assert(found !== undefined && found.timestamp >= last, `version ${last} was read and then version ${found?.timestamp}`);
        assertEqual(found, version(found.timestamp), "the row while it is overwritten");
        last = found.timestamp;
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      await writer;
    },
  },
];
