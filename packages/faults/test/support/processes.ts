// A mesh of processes on a database of its own, and a client of it; all of it ends with the test.

import type { Mesh } from "@causalmesh/core";
import { connect } from "@causalmesh/transport-tcp";
import { onTestFinished } from "vitest";
import { MeshProcesses, openDatabase, openStore } from "../../dist/index.js";

export async function meshOfProcesses(nodes: number): Promise<{ processes: MeshProcesses; mesh: Mesh }> {
  const database = await openDatabase("lmdb:");
  onTestFinished(async () => await database.remove());
  const store = openStore(database.url);
  onTestFinished(async () => await store.close());
  const processes = await MeshProcesses.start(store, database.url, nodes);
  onTestFinished(async () => await processes.kill());
  const mesh = await connect({ nodes: processes.addresses });
  onTestFinished(async () => await mesh.close());
  return { processes, mesh };
}
