// A process with one node of the mesh.

import { startNode } from "@causalmesh/core";
import { lmdbStore } from "@causalmesh/adapter-lmdb";
import { tcpTransport } from "@causalmesh/transport-tcp";
import { runChild } from "./child.js";
import { removeStore } from "./remove-store.js";

export interface MeshNodeOptions {
  readonly path: string;
  readonly address: string;
  readonly replica: number;
  readonly secret: string;
}

runChild(async ({ path, address, replica, secret }: MeshNodeOptions) => {
  const store = lmdbStore({ path });
  const fail = (error: Error): void => {
    console.error(`node ${replica} stopped: ${error.stack}`);
    process.exit(1);
  };
  const node = await startNode({ store, transport: tcpTransport(), address, replica, secret, onFatal: fail });
  const stop = async (): Promise<void> => {
    await node.close();
    await store.close();
  };
  return { stop, orphaned: () => removeStore(path) };
});
