// A mesh of three nodes, n1, n2 and n3, whose ring links are slow: what is written at one node is not shown by the others for a while.

import { connectMesh, formMesh, memoryTransport, startNode, type Mesh, type Transport } from "@causalmesh/core";
import { memoryStore } from "@causalmesh/adapter-memory";
import { onTestFinished } from "vitest";
import { secret } from "./front.js";

function delayed(transport: Transport, delayMs: number): Transport {
  return {
    listen: transport.listen,
    connect: async (address, open, timeoutMs) =>
      await transport.connect(
        address,
        (connection) =>
          open({
            get remote() {
              return connection.remote;
            },
            get buffered() {
              return connection.buffered;
            },
            // Timers of one length fire in the order in which they were set, so the bytes stay in order.
            send: (bytes) => {
              const copy = bytes.slice();
              setTimeout(() => connection.send(copy), delayMs);
              return true;
            },
            pause: () => connection.pause(),
            resume: () => connection.resume(),
            close: () => connection.close(),
          }),
        timeoutMs,
      ),
  };
}

/** Ends with the test. Clients reach the nodes without delay. */
export async function slowMesh(delayMs: number): Promise<{ mesh: Mesh }> {
  const transport = memoryTransport();
  const store = memoryStore();
  const { members } = await formMesh(store, ["n1", "n2", "n3"]);
  const nodes = await Promise.all(
    members.map(({ address, replica }) => startNode({ store, transport: delayed(transport, delayMs), address, replica, secret })),
  );
  const mesh = await connectMesh({ nodes: ["n1"], secret }, transport);
  onTestFinished(async () => {
    await mesh.close();
    await Promise.all(nodes.map((node) => node.close()));
  });
  return { mesh };
}
