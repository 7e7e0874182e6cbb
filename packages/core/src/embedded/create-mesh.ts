// A whole mesh in this process: nodes over the memory transport, and a client in front of them. It is the remote mesh with shorter
// links: the same nodes, frames and sessions.

import { checkMeshOptions, MeshClient } from "../client/mesh-client.js";
import { MeshError } from "../errors.js";
import { MEMBERS_MAX } from "../limits.js";
import type { EmbeddedMeshOptions, Mesh, MeshOptions } from "../mesh.js";
import type { Platform } from "../clock.js";
import type { Transport } from "../transport.js";
import { memoryTransport } from "./memory-transport.js";
import { systemPlatform } from "./platform.js";
import { checkCacheBytes, formMesh, startHost } from "./start-node.js";

/** Runs a mesh in this process. Rejects with OPTION_INVALID or STORE_… codes. `close` flushes to the store and leaves the store open. */
export async function createMesh(options: EmbeddedMeshOptions): Promise<Mesh> {
  const nodes = options.nodes ?? 1;
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > MEMBERS_MAX)
    throw new MeshError("OPTION_INVALID", `nodes is ${String(nodes)}; give a whole number from 1 to ${MEMBERS_MAX}`);
  if (typeof options.store?.getMany !== "function")
    throw new MeshError("OPTION_INVALID", "store is missing; give one such as memoryStore() or lmdbStore({ path })");
  checkMeshOptions(options);
  checkCacheBytes(options.cacheBytes);
  const transport = memoryTransport();
  const platform = systemPlatform;
  const addresses = Array.from({ length: nodes }, (_, index) => `node-${index + 1}`);
  const view = await formMesh(options.store, addresses, platform);
  const { store, secret, cacheBytes, readThrough } = options;
  const hosts = await Promise.all(
    view.members.map(({ address, replica }) => startHost({ store, transport, address, replica, secret, cacheBytes, readThrough, platform })),
  );
  const mesh = new MeshClient({
    ...options,
    addresses,
    transport,
    platform,
    local: new Map(hosts.map((host) => [host.address, host])),
    onClose: async () => void (await Promise.all(hosts.map((host) => host.close()))),
  });
  await mesh.ready();
  return mesh;
}

export interface ConnectMeshOptions extends MeshOptions {
  /** Addresses of one or more nodes; the others are found through them. */
  readonly nodes: readonly string[];
}

/** Connects to a mesh over a transport. Rejects with NODE_UNREACHABLE, UNAUTHENTICATED, ADDRESS_INVALID or OPTION_INVALID. */
export async function connectMesh(options: ConnectMeshOptions, transport: Transport, platform: Platform = systemPlatform): Promise<Mesh> {
  if (!Array.isArray(options.nodes)) throw new MeshError("OPTION_INVALID", 'nodes is missing; give addresses such as ["127.0.0.1:7400"]');
  const mesh = new MeshClient({ ...options, addresses: options.nodes, transport, platform });
  try {
    await mesh.ready();
  } catch (error) {
    await mesh.close();
    throw error;
  }
  return mesh;
}
