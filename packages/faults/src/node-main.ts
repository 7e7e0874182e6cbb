// One node as a program: which one, its environment says. It says over its channel when it listens, and ends with it.

import { startNode } from "@causalmesh/core";
import { tcpTransport } from "@causalmesh/transport-tcp";
import { openStore } from "./database.js";
import { ORDER_VARIABLE, type NodeMessage, type NodeOrder } from "./node-process.js";

const { url, address, replica } = JSON.parse(process.env[ORDER_VARIABLE]!) as NodeOrder;
const say = (message: NodeMessage): void => void process.send?.(message);
process.once("disconnect", () => process.exit());

const onFatal = (error: Error): void => say({ failed: `the node stopped: ${error.message}` });
const store = openStore(url);
const node = await startNode({ store, transport: tcpTransport(), address, replica, onFatal });
process.once("message", () => void end());
say({ ready: true });

/** The only order that there is: to end in an orderly way. */
async function end(): Promise<void> {
  await node.close().catch((error: Error) => say({ failed: `the node could not end in order: ${error.message}` }));
  await store.close();
  process.disconnect();
}
