// A node of our mesh as the product runs it: its defaults, and the evaluation's store behind it.

import { formMesh, startNode, type Transport } from "@causalmesh/core";
import { remoteStore } from "../../store/remote-store.js";
import type { CacheServer, ServerOptions } from "../system.js";

/** Begins the mesh, before its nodes start. */
export async function prepareMesh(transport: Transport, store: string, addresses: readonly string[]): Promise<void> {
  const opened = await remoteStore(transport, store);
  await formMesh(opened, addresses);
  await opened.close();
}

export async function startMeshNode({ addresses, index, store, transport }: ServerOptions): Promise<CacheServer> {
  const opened = await remoteStore(transport, store);
  const node = await startNode({
    store: opened,
    transport,
    address: addresses[index],
    // Nodes of a new mesh have the replica ids 1, 2, 3 … in the order of the ring.
    replica: index + 1,
    onFatal: (error) => {
      console.error(error);
      process.exit(1);
    },
    onWarning: (message) => console.error(message),
  });
  return {
    backlog: () => node.status().pending,
    close: async () => {
      await node.close().catch(() => undefined);
      await opened.close();
    },
  };
}
