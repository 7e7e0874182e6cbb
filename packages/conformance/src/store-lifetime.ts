// Claims about what surrounds the calls: whose the bytes are, what closing means, what is seen at once, what survives.

import type { Row, Store } from "@causalmesh/core";
import { assert, assertEqual, assertRejects } from "./case.js";
import { bytesOf, plain, readFlushed, readRow, row, scanAll, whereDurable, whereShared, type StoreClaim } from "./store-setup.js";

/** One call of every method. */
const calls = (store: Store): Promise<unknown>[] => [
  store.getMany(["a"]),
  store.apply([row("z")], [[1, 1]]),
  store.readRegistry(),
  store.swapRegistry(0, { epoch: 1, bytes: bytesOf("{}") }),
  store.scan("", undefined, 10),
];

/** Versions of two keys that are only ever written together. */
const pair = (at: number): Row[] => [row("a", { timestamp: at, counter: at }), row("b", { timestamp: at, counter: at })];

export const LIFETIME_CLAIMS: readonly StoreClaim[] = [
  {
    name: "bytes: what was given is the caller's again",
    check: async ({ store }) => {
      const value = bytesOf("as it was");
      const registry = bytesOf("registry as it was");
      const rows = [row("a", { value })];
      const flushed: [number, number][] = [[1, 5]];
      await store.apply(rows, flushed);
      await store.swapRegistry(0, { epoch: 1, bytes: registry });
      value.fill(0);
      registry.fill(0);
      rows[0] = row("b");
      flushed[0][1] = 9;
      assertEqual((await readRow(store, "a"))?.value, bytesOf("as it was"), "the value after its array was reused");
      const state = await store.readRegistry();
      assertEqual(state.registry && new Uint8Array(state.registry.bytes), bytesOf("registry as it was"), "the registry after its array was reused");
      assertEqual(await readFlushed(store), [[1, 5]], "the counters after their array was reused");
    },
  },
  {
    name: "bytes: what was returned is the caller's",
    check: async ({ store }) => {
      const large = new Uint8Array(100_000).fill(7);
      await store.apply([row("a"), row("large", { value: large })], [[1, 1]]);
      await store.swapRegistry(0, { epoch: 1, bytes: bytesOf("registry") });
      const first = await store.getMany(["a", "a", "large"]);
      const scanned = await store.scan("", undefined, 10);
      const registry = (await store.readRegistry()).registry!.bytes;
      assertEqual(first.map(plain), [row("a"), row("a"), row("large", { value: large })], "rows after later calls");
      for (const value of [first[0]!.value!, first[2]!.value!, scanned.rows[1].value!, registry]) value.fill(0xff);
      assertEqual(plain(first[1]), row("a"), "a row asked for twice, after its other copy was written to");
      assertEqual(plain(scanned.rows[0]), row("a"), "a scanned row, after others were written to");
      assertEqual(await scanAll(store, "", 10), [row("a"), row("large", { value: large })], "the store, after what it returned was written to");
      assertEqual(new Uint8Array((await store.readRegistry()).registry!.bytes), bytesOf("registry"), "the registry, after what it returned was written to");
    },
  },
  {
    name: "close: a second time, or twice at once, is harmless",
    check: async ({ store }) => {
      await store.apply([row("a")], []);
      await Promise.all([store.close(), store.close()]);
      await store.close();
    },
  },
  {
    name: "close: every call after it rejects with CLOSED",
    check: async ({ store }) => {
      await store.apply([row("a")], []);
      await store.close();
      for (const [index, call] of calls(store).entries()) await assertRejects(call, ["CLOSED"], `call ${index} after close`);
    },
  },
  {
    name: "close: calls under way are answered or end with CLOSED",
    check: async ({ store }) => {
      const pending = [...calls(store), ...calls(store)];
      const settled = Promise.allSettled(pending);
      await store.close();
      for (const outcome of await settled) {
        if (outcome.status === "rejected") await assertRejects(Promise.reject(outcome.reason as Error), ["CLOSED"], "a call that was under way at close");
      }
    },
  },
  {
    name: "apply: one call is seen whole or not at all",
    skip: ({ atomicApply }) => (atomicApply ? undefined : "the store's apply is not atomic"),
    check: async ({ store }) => {
      await store.apply(pair(1), [[1, 1]]);
      let writing = true;
      const writer = (async () => {
        for (let at = 2; at <= 40; at++) await store.apply(pair(at), [[1, at]]);
      })().finally(() => (writing = false));
      while (writing) {
        const [a, b] = (await store.getMany(["a", "b"])).map((found) => found?.timestamp);
        assert(a === b, `a is of write ${a} and b of write ${b}, which were written together`);
        const scanned = (await store.scan("", undefined, 10)).rows.map(({ timestamp }) => timestamp);
        assert(scanned[0] === scanned[1], `a scan has a of write ${scanned[0]} and b of write ${scanned[1]}, which were written together`);
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      await writer;
    },
  },
  {
    name: "durable: everything is there after closing and opening again",
    skip: whereDurable,
    check: async ({ store, open }) => {
      await store.apply([row("a"), row("b", { value: null })], [[1, 2]]);
      await store.swapRegistry(0, { epoch: 1, bytes: bytesOf("registry") });
      await store.close();
      const again = await open();
      assertEqual(await scanAll(again, "", 10), [row("a"), row("b", { value: null })], "the rows");
      assertEqual(await readFlushed(again), [[1, 2]], "the counters");
      assertEqual((await again.readRegistry()).registry?.epoch, 1, "the epoch");
      await again.apply([row("a", { timestamp: 50 })], []);
      assertEqual(await readRow(again, "a"), row("a"), "the winner after an older write to the store opened again");
    },
  },
  {
    name: "shared: what one opening wrote, another reads at once",
    skip: whereShared,
    check: async ({ store, open }) => {
      const other = await open();
      for (let at = 1; at <= 20; at++) {
        const [from, to] = at % 2 === 0 ? [store, other] : [other, store];
        await from.apply([row("a", { timestamp: at })], [[1, at]]);
        assertEqual((await readRow(to, "a"))?.timestamp, at, "the row as the other opening reads it");
        assertEqual(await readFlushed(to), [[1, at]], "the counters as the other opening reads them");
      }
      await other.close();
      assertEqual((await readRow(store, "a"))?.timestamp, 20, "the row after the other opening was closed");
    },
  },
  {
    name: "shared: writes through several openings at once leave the winners",
    skip: whereShared,
    check: async ({ store, open }) => {
      const stores = [store, await open(), await open()];
      const timestamps = Array.from({ length: 30 }, (_, index) => 1 + ((index * 17) % 30));
      await Promise.all(timestamps.map((timestamp, index) => stores[index % 3].apply([row("a", { timestamp })], [[1, timestamp]])));
      for (const each of stores) assertEqual((await readRow(each, "a"))?.timestamp, 30, "the winner's timestamp");
      assertEqual(await readFlushed(store), [[1, 30]], "the counters");
    },
  },
  {
    name: "store: says what it is, as the suite was told",
    check: async ({ store, abilities }) => {
      assertEqual({ ...store.abilities }, { ...abilities }, "the store's abilities");
      assert(store.name.length > 0, "the store has no name for messages");
      assert(store.abilities.valueBytesMax > 0, "the store takes no values");
    },
  },
];
