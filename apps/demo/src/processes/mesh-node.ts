// A process with one node of the mesh.

import { startNode } from "@causalmesh/core";
import { tcpTransport } from "@causalmesh/transport-tcp";
import { runChild } from "./child.js";
import { openPlace, type StorePlace } from "../stores.js";
import { removeStore } from "./remove-store.js";

export interface MeshNodeOptions {
  readonly store: StorePlace;
  readonly address: string;
  readonly replica: number;
  readonly secret: string;
}

runChild(async ({ store: place, address, replica, secret }: MeshNodeOptions) => {
  const store = await openPlace(place);
  const fail = (error: Error): void => {
    console.error(`node ${replica} stopped: ${error.stack}`);
    process.exit(1);
  };
  const node = await startNode({ store, transport: tcpTransport(), address, replica, secret, onFatal: fail });
  const stop = async (): Promise<void> => {
    await node.close();
    await store.close();
  };
  return { stop, orphaned: () => removeStore(place) };
});
