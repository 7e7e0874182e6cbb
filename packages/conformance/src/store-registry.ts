// Claims about the registry and the flushed counters: the first is swapped by at most one of many, the second only grow.

import type { Row, Store } from "@causalmesh/core";
import { assert, assertEqual, assertRejects } from "./case.js";
import { bytesOf, readFlushed, readRow, row, whereShared, type StoreClaim } from "./store-setup.js";

/** Swaps `times` times, each time on top of what it has just read, as often as it takes. */
async function increment(store: Store, who: string, times: number): Promise<void> {
  for (let done = 0; done < times;) {
    const epoch = (await store.readRegistry()).registry?.epoch ?? 0;
    if (await store.swapRegistry(epoch, { epoch: epoch + 1, bytes: bytesOf(`${who} ${done}`) })) done++;
  }
}

/** Lets each store try the same swap at once; exactly one may succeed, and its bytes are what is read. */
async function contend(stores: readonly Store[], epoch: number): Promise<void> {
  const outcomes = await Promise.all(stores.map((store, index) => store.swapRegistry(epoch, { epoch: epoch + 1, bytes: bytesOf(`contender ${index}`) })));
  assertEqual(outcomes.filter((won) => won).length, 1, `how many of ${stores.length} swaps from epoch ${epoch} took place`);
  for (const store of stores) {
    const { registry } = await store.readRegistry();
    assertEqual(
      registry && { epoch: registry.epoch, text: new TextDecoder().decode(registry.bytes) },
      { epoch: epoch + 1, text: `contender ${outcomes.indexOf(true)}` },
      "the registry",
    );
  }
}

export const REGISTRY_CLAIMS: readonly StoreClaim[] = [
  {
    name: "registry: a new store has none, and no counters",
    check: async ({ store }) => {
      const { registry, flushed } = await store.readRegistry();
      assertEqual(registry, undefined, "the registry");
      assertEqual([...flushed], [], "the flushed counters");
    },
  },
  {
    name: "registry: a swap needs the epoch that is there",
    check: async ({ store }) => {
      const first = { epoch: 1, bytes: bytesOf('{"members":["a"]}') };
      assertEqual(await store.swapRegistry(1, { epoch: 2, bytes: bytesOf("early") }), false, "a swap from epoch 1 where there is none");
      assertEqual(await store.swapRegistry(0, first), true, "the first swap");
      assertEqual(await store.swapRegistry(0, { epoch: 1, bytes: bytesOf("second") }), false, "a second swap from nothing");
      assertEqual(await store.swapRegistry(2, { epoch: 3, bytes: bytesOf("ahead") }), false, "a swap from an epoch that is not yet there");
      const { registry } = await store.readRegistry();
      assertEqual(registry && { epoch: registry.epoch, bytes: new Uint8Array(registry.bytes) }, first, "the registry after three refused swaps");
      assertEqual(await store.swapRegistry(1, { epoch: 2, bytes: bytesOf("next") }), true, "the next swap");
    },
  },
  {
    name: "registry: a batch of an earlier epoch is refused whole, one of this or a later epoch is taken",
    check: async ({ store }) => {
      await store.apply([row("a")], [[1, 1]], 1);
      await store.swapRegistry(0, { epoch: 1, bytes: bytesOf("first") });
      await store.apply([row("b")], [[1, 2]], 1);
      await store.swapRegistry(1, { epoch: 2, bytes: bytesOf("second") });
      await assertRejects(store.apply([row("c"), row("a", { timestamp: 900 })], [[1, 9]], 1), ["NODE_BEHIND"], "a batch of epoch 1 in epoch 2");
      assertEqual(await readRow(store, "c"), undefined, "a row of the batch that was refused");
      assertEqual((await readRow(store, "a"))?.timestamp, row("a").timestamp, "the timestamp of a row that the batch would have replaced");
      assertEqual(await readFlushed(store), [[1, 2]], "the flushed counters");
      await store.apply([row("d")], [[1, 3]], 2);
      await store.apply([row("e")], [[1, 4]], 3);
      assertEqual(
        (await store.getMany(["d", "e"])).map((found) => found?.key),
        ["d", "e"],
        "rows of this and of a later epoch",
      );
    },
  },
  {
    name: "registry: its bytes come back, many of them and any",
    check: async ({ store }) => {
      const bytes = Uint8Array.from({ length: 64 * 1024 }, (_, index) => (index * 31) & 0xff);
      await store.swapRegistry(0, { epoch: 1, bytes });
      const { registry } = await store.readRegistry();
      assertEqual(registry && new Uint8Array(registry.bytes), bytes, "64 KiB of registry");
    },
  },
  {
    name: "registry: of swaps at once one wins",
    check: async ({ store }) => {
      for (const epoch of [0, 1, 2])
        await contend(
          Array.from({ length: 8 }, () => store),
          epoch,
        );
    },
  },
  {
    name: "registry: of swaps at once through several openings one wins",
    skip: whereShared,
    check: async ({ store, open }) => {
      const stores = [store, await open(), await open()];
      for (const epoch of [0, 1, 2]) await contend(stores, epoch);
      await Promise.all(stores.map((each, index) => increment(each, `opening ${index}`, 8)));
      assertEqual((await store.readRegistry()).registry?.epoch, 3 + 3 * 8, "the epoch after 24 increments from epoch 3");
    },
  },
  {
    name: "registry: rows, counters and registry leave each other alone",
    check: async ({ store }) => {
      await store.swapRegistry(0, { epoch: 1, bytes: bytesOf("registry") });
      await store.apply([row("registry"), row("flushed")], [[3, 4]]);
      await store.swapRegistry(1, { epoch: 2, bytes: bytesOf("registry 2") });
      assertEqual(await readFlushed(store), [[3, 4]], "the counters after a swap");
      assertEqual(await readRow(store, "registry"), row("registry"), "the row of that name");
      assertEqual((await store.readRegistry()).registry?.epoch, 2, "the epoch");
    },
  },
  {
    name: "counters: each replica has its greatest, and none is ever lowered",
    check: async ({ store }) => {
      await store.apply(
        [],
        [
          [7, 10],
          [2 ** 32 - 1, Number.MAX_SAFE_INTEGER],
        ],
      );
      await store.apply(
        [row("a")],
        [
          [7, 9],
          [8, 1],
        ],
      );
      assertEqual(
        await readFlushed(store),
        [
          [7, 10],
          [8, 1],
          [2 ** 32 - 1, Number.MAX_SAFE_INTEGER],
        ],
        "the counters after a lower one",
      );
      await store.apply([], []);
      await store.apply([], [[7, 11]]);
      assertEqual(
        await readFlushed(store),
        [
          [7, 11],
          [8, 1],
          [2 ** 32 - 1, Number.MAX_SAFE_INTEGER],
        ],
        "the counters after a higher one",
      );
    },
  },
  {
    name: "counters: the greatest stays when calls overlap",
    check: async ({ store }) => {
      await Promise.all(
        [3, 9, 1, 12, 5, 11, 2].map((counter) =>
          store.apply(
            [],
            [
              [1, counter],
              [2, 13 - counter],
            ],
          ),
        ),
      );
      assertEqual(
        await readFlushed(store),
        [
          [1, 12],
          [2, 12],
        ],
        "the counters",
      );
    },
  },
  {
    name: "counters: none runs ahead of its rows",
    check: async ({ store }) => {
      let writing = true;
      const writer = (async () => {
        for (let at = 1; at <= 30; at++) await store.apply([row("a", { timestamp: at, counter: at }), row("b", { timestamp: at, counter: at })], [[1, at]]);
      })().finally(() => (writing = false));
      while (writing) {
        const said = (await readFlushed(store))[0]?.[1] ?? 0;
        const counters = (await store.getMany(["a", "b"])).map((found) => found?.counter ?? 0);
        assert(Math.min(...counters) >= said, `everything up to ${said} was said to be there, but a and b are at ${counters.join(" and ")}`);
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      await writer;
    },
  },
  {
    name: "counters: they cover every row that was read before them",
    check: async ({ store, open, abilities }) => {
      const reader = abilities.shared ? await open() : store;
      const keys = Array.from({ length: 150 }, (_, index) => `key ${index}`);
      const batch = (at: number): Row[] => keys.map((key, index) => row(key, { timestamp: at, counter: at * keys.length + index }));
      let writing = true;
      const writer = (async () => {
        for (let at = 1; at <= 8; at++) await store.apply(batch(at), [[1, (at + 1) * keys.length - 1]]);
      })().finally(() => (writing = false));
      while (writing) {
        const seen = Math.max(...(await reader.getMany(keys)).map((found) => found?.counter ?? 0));
        const said = (await readFlushed(reader))[0]?.[1] ?? 0;
        assert(said >= seen, `the row of write ${seen} was read, and then everything up to ${said} was said to be there`);
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      await writer;
    },
  },
];
