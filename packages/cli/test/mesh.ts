// A mesh whose nodes run in the test's process and are reached over TCP, as the command line reaches them.

import { memoryStore } from "@causalmesh/adapter-memory";
import { formMesh, startNode, type RunningNode } from "@causalmesh/core";
import { tcpTransport } from "@causalmesh/transport-tcp";
import { onTestFinished } from "vitest";
import { takePorts } from "../src/ports.js";

/** So many nodes in the order of the ring, stopped when the test ends. */
export async function runningNodes(count: number): Promise<RunningNode[]> {
  const ports = await takePorts("127.0.0.1", 0, count, "--port");
  const store = memoryStore();
  const { members } = await formMesh(
    store,
    ports.map((port) => `127.0.0.1:${port}`),
  );
  const nodes = await Promise.all(members.map(({ address, replica }) => startNode({ store, transport: tcpTransport(), address, replica })));
  onTestFinished(async () => {
    await Promise.all(nodes.map((node) => node.close()));
    await store.close();
  });
  return nodes;
}
