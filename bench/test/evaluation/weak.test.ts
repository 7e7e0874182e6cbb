// The cache without a promise: it is as fast as it can be, and shows what it should not.

import { afterEach, expect, test } from "vitest";
import { APPLY_ROWS } from "../../src/evaluation/store/rows.js";
import { rowTable } from "../../src/evaluation/store/row-table.js";
import type { SystemClient } from "../../src/evaluation/systems/system.js";
import { weakClient } from "../../src/evaluation/systems/weak/client.js";
import { FORGET } from "../../src/evaluation/systems/weak/messages.js";
import { startWeakServer } from "../../src/evaluation/systems/weak/server.js";
import { until, workflow, World } from "./support/world.js";

let world: World;

async function start(): Promise<SystemClient> {
  world = new World(2);
  await world.store(rowTable(0));
  await world.servers(startWeakServer);
  const client = await world.client(weakClient);
  await client.fill(["x"], "none");
  for (const server of [0, 1]) await client.warm(server, ["x"]);
  return client;
}

afterEach(async () => await world.end());

test("a workflow that goes on at another server does not see its own write there, until that one was told to forget the key", async () => {
  const client = await start();
  const read = await workflow(client, [
    { at: 0, writes: { x: "mine" } },
    { at: 1, reads: ["x"] },
  ]);
  expect(read).toEqual({ x: "none" });
  await until(async () => (await workflow(client, [{ at: 1, reads: ["x"] }])).x === "mine", "the other server forgets the key");
  expect(world.count(FORGET, "0")).toBeGreaterThan(0);
});

test("a write has reached the store when it is answered", async () => {
  const client = await start();
  world.sent.length = 0;
  await workflow(client, [{ at: 0, writes: { x: "new" } }]);
  expect(world.sent.filter(({ to }) => to === "store")).toEqual([{ from: "0", to: "store", type: APPLY_ROWS }]);
});
