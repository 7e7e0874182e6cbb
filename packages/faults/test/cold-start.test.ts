// A mesh that is started on a large store serves at once, and warms as it is asked: it reads nothing before, and each key once.

import { createMesh } from "@causalmesh/core";
import { expect, it, onTestFinished } from "vitest";
import { counted, openDatabase, openStore } from "../dist/index.js";

const ROWS = 50_000;
const PART = 1_000;
const NODES = 3;
const ASKED = 2_000;
const keyAt = (index: number): string => `row ${index}`;

it(`on ${ROWS} rows reads nothing but the registry before it is asked, and then each key once per node`, async () => {
  const database = await openDatabase("lmdb:");
  onTestFinished(() => database.remove());
  const before = openStore(database.url);
  const writer = await createMesh({ store: before, durability: "memory" });
  for (let from = 0; from < ROWS; from += PART)
    await writer.session().setMany(Array.from({ length: PART }, (_, index) => [keyAt(from + index), from + index] as const));
  await writer.close();
  await before.close();

  const store = counted(openStore(database.url));
  const mesh = await createMesh({ nodes: NODES, store });
  onTestFinished(async () => {
    await mesh.close();
    await store.close();
  });
  await mesh.ready();
  expect([store.loads.size, store.scans]).toEqual([0, 0]);

  const ask = async (node: string, round: number): Promise<void> => {
    const session = mesh.session(undefined, { node });
    const indexes = Array.from({ length: ASKED }, (_, index) => (index * 7_919 + round) % ROWS);
    expect(await Promise.all(indexes.map((index) => session.get(keyAt(index))))).toEqual(indexes);
  };
  const { members } = await mesh.status();
  for (const [index, { address }] of members.entries()) {
    for (let time = 0; time < 2; time++) await ask(address, 0);
    expect(store.loads.size).toBe(ASKED);
    expect(new Set(store.loads.values())).toEqual(new Set([index + 1]));
  }
  // What nobody asked for is still only in the store.
  expect(store.scans).toBe(0);
  for (const { cacheEntries } of (await mesh.status()).members) expect(cacheEntries).toBe(ASKED);
});
