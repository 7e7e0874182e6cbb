// The mesh of remote nodes, as users open it.

import { connectMesh, type ConnectMeshOptions, type RemoteMesh } from "@causalmesh/core";
import { parseAddress } from "./address.js";
import { tcpTransport } from "./transport.js";

/**
 * Connects to the nodes of a running mesh over TCP. Rejects with NODE_UNREACHABLE, UNAUTHENTICATED (another secret), ADDRESS_INVALID or
 * OPTION_INVALID.
 */
export async function connect(options: ConnectMeshOptions): Promise<RemoteMesh> {
  for (const address of Array.isArray(options?.nodes) ? options.nodes : []) parseAddress(address as string);
  return await connectMesh(options, tcpTransport());
}
