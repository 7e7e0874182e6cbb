// A mesh is killed while a batch of it is on its way to the database, and the batch arrives when the next mesh is at work: it must change nothing.

import { setTimeout as sleep } from "node:timers/promises";
import { createMesh } from "@causalmesh/core";
import { startPostgres, type PostgresServer } from "@causalmesh/test-servers";
import { connect } from "@causalmesh/transport-tcp";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { MeshProcesses, openStore, TcpProxy } from "../dist/index.js";
import { outcomeOf } from "./support/load.js";

/** The server does with the bytes what it does with them in far less. */
const ARRIVED_MS = 500;

let server: PostgresServer;
beforeAll(async () => void (server = await startPostgres()));
afterAll(async () => await server.stop());

it("a batch of a killed mesh that reaches the server when the next mesh has begun is refused", async () => {
  const url = new URL(server.url);
  url.searchParams.set("schema", `late_batch_${process.pid}`);
  const proxy = await TcpProxy.to(url.hostname, Number(url.port));
  const near = openStore(url.href);
  url.port = String(proxy.port);
  const processes = await MeshProcesses.start(near, url.href, 2);
  const before = await connect({ nodes: processes.addresses, retryWrites: false });
  onTestFinished(async () => {
    await processes.kill();
    await before.close();
    await proxy.close();
    await near.close();
  });
  const session = before.session();
  await session.set("k", "stored", { durability: "stored" });
  const stored = await session.token();
  proxy.holding = true;
  await session.set("k", "on its way", { durability: "everywhere" });
  await expect.poll(() => proxy.heldBytes).toBeGreaterThan(0);
  const onItsWay = await session.token();
  await processes.kill();
  expect(processes.failures).toEqual([]);

  const mesh = await createMesh({ nodes: 2, store: near });
  onTestFinished(async () => await mesh.close());
  expect(await mesh.session().get("k")).toBe("stored");
  proxy.release();
  await sleep(ARRIVED_MS);
  const [row] = await near.getMany(["k"]);
  expect(Buffer.from(row!.value!).toString()).toBe('"stored"');
  expect(await mesh.session(stored).get("k")).toBe("stored");
  expect((await outcomeOf(mesh.session(onItsWay).get("k"))).code).toBe("CAUSAL_PAST_LOST");
});
