// The DynamoDB store under a mesh: what becomes of a flush that is throttled, dropped or cut off. An unhandled
// rejection would fail these tests too: vitest reports it.

import { createMesh, limits, type Mesh, type MeshError } from "@causalmesh/core";
import { expect, it, onTestFinished } from "vitest";
import { isHeadPut, isRowPut, Place } from "./support/place.js";
import type { Fault } from "./support/faulty.js";

const NODES = 3;
const place = Place.use();

it.each([
  ["some of a flush's rows and the others", (seen: Parameters<typeof isRowPut>[0]) => isRowPut(seen, "b")],
  ["its rows and its counters", (seen: Parameters<typeof isRowPut>[0]) => isHeadPut(seen, "ends")],
])("of which all nodes end between %s leaves nothing that the next mesh cannot read", async (_, isCut) => {
  const store = place.openHasty();
  const mesh = await createMesh({ nodes: NODES, store });
  const session = mesh.session();
  await session.set("a", 1, { durability: "stored" });
  place.way.fault = (seen) => (isCut(seen) ? "drop" : undefined);
  await session.setMany([
    ["a", 2],
    ["b", 2],
  ]);
  await expect.poll(async () => (await store.getMany(["a"]))[0]?.counter, { timeout: 10_000 }).toBe(2);
  // The nodes are cut off from the table, as if their process had ended.
  place.way.fault = () => "drop";
  await Promise.allSettled([mesh.close(), store.close()]);

  place.way.fault = () => undefined;
  const next = await createMesh({ nodes: NODES, store: place.open() });
  expect(await next.session().getMany(["a", "b"])).toEqual([2, 2]);
  await next.close();
});

it("goes on while the table is away, and flushes when it is back", async () => {
  const store = place.openHasty();
  const mesh = await createMesh({ nodes: NODES, store });
  const session = mesh.session();
  await session.set("before", 1, { durability: "stored" });
  // A key that was only written is not wholly in memory before it is read.
  expect(await session.get("before")).toBe(1);
  place.way.fault = () => "drop";
  await session.set("meanwhile", 2);
  expect(await session.get("before")).toBe(1);
  await expect(session.get("elsewhere")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  place.way.fault = () => undefined;
  await session.set("after", 3, { durability: "stored" });
  expect((await store.getMany(["before", "meanwhile", "after"])).map((found) => found?.key)).toEqual(["before", "meanwhile", "after"]);
  await mesh.close();
});

const THROTTLED: Fault = { error: "ProvisionedThroughputExceededException" };

it.each<[string, Fault]>([
  ["is throttled", THROTTLED],
  ["is dropped in the middle of its batches", "drop"],
  ["is not allowed to write any more", { error: "AccessDeniedException" }],
  ["is not answered", "hang"],
])("that %s serves up to the log's bound, then says when to come back, loses nothing, and flushes by itself later", async (_, fault) => {
  const { credentials } = place.server;
  const store = place.open({ timeoutMs: 1_000, connection: { credentials, maxAttempts: 1 } });
  const mesh = await createMesh({ nodes: NODES, store });
  onTestFinished(async () => await mesh.close());
  const session = mesh.session(undefined, { node: "node-1" });
  await session.set("hot", "hit", { durability: "stored" });
  expect(await session.get("hot")).toBe("hit");
  let rows = 0;
  // The first batch is cut off in the middle.
  place.way.fault = (seen) => (isRowPut(seen) && rows++ > 0 ? fault : undefined);

  const value = "v".repeat(store.abilities.valueBytesMax - 64);
  const { acknowledged, error } = await untilRefused(mesh, value);
  expect(error).toMatchObject({ code: "OVERLOADED", retryable: true, retryAfterMs: expect.any(Number) as number });
  const share = limits.LOG_BYTES_MAX / NODES;
  expect(acknowledged).toBeGreaterThan(share / value.length / 2);
  for (const { logBytes } of (await mesh.status()).members) expect(logBytes).toBeLessThan(share + 2 * limits.VALUE_BYTES_MAX);
  expect(await session.get("hot")).toBe("hit");
  expect(rows).toBeGreaterThan(1);

  place.way.fault = () => undefined;
  await expect.poll(async () => (await mesh.status()).members.map(({ log }) => log), { timeout: 30_000 }).toEqual([0, 0, 0]);
  await session.set("after", 1, { durability: "stored" });
  const found = await store.getMany(["large 0", "large 1", "large 2", "large 3"]);
  const counts = found.map((row) => (JSON.parse(Buffer.from(row!.value!).toString()) as [number])[0]);
  expect(counts.sort((a, b) => a - b)).toEqual([4, 3, 2, 1].map((back) => acknowledged - back));
});

/** Overwrites a few keys until the mesh takes no more. */
async function untilRefused(mesh: Mesh, value: string): Promise<{ acknowledged: number; error: MeshError }> {
  const session = mesh.session(undefined, { node: "node-1" });
  for (let acknowledged = 0; ; acknowledged++) {
    try {
      await session.set(`large ${acknowledged % 4}`, [acknowledged, value], { durability: "everywhere" });
    } catch (error) {
      return { acknowledged, error: error as MeshError };
    }
  }
}
