// The mesh of remote nodes, as users open it.

import { connectMesh, type ConnectMeshOptions, type RemoteMesh } from "@causalmesh/core";
import { parseAddressFor, saysTls } from "./address.js";
import type { TlsSource } from "./tls.js";
import { tcpTransport } from "./transport.js";

/** Options of `connect`. */
export interface ConnectOptions extends ConnectMeshOptions {
  /** Speaks TLS to the nodes: `{ ca }`, and `cert` and `key` where they ask for one. Not needed for nodes at `meshs://` with certificates that the platform trusts. */
  readonly tls?: TlsSource;
}

/**
 * Connects to the nodes of a running mesh over TCP. Rejects with NODE_UNREACHABLE, UNAUTHENTICATED (another secret, or a certificate that is not
 * good), ADDRESS_INVALID or OPTION_INVALID.
 */
export async function connect(options: ConnectOptions): Promise<RemoteMesh> {
  const addresses: readonly string[] = Array.isArray(options?.nodes) ? options.nodes : [];
  const tls = options?.tls === undefined && addresses.some(saysTls) ? {} : options?.tls;
  for (const address of addresses) parseAddressFor(address, tls !== undefined);
  return await connectMesh(options, tcpTransport({ tls }));
}
