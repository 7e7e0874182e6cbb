// A whole mesh in this process: nodes over the memory transport, and a client in front of them. It is the remote mesh with shorter
// links: the same nodes, frames and sessions.

import { checkMeshOptions, MeshClient } from "../client/mesh-client.js";
import { MeshError } from "../errors.js";
import { MEMBERS_MAX } from "../limits.js";
import type { EmbeddedMeshOptions, Mesh, MeshOptions, RemoteMesh } from "../mesh.js";
import type { Platform } from "../clock.js";
import type { Transport } from "../transport.js";
import { memoryTransport } from "./memory-transport.js";
import { systemPlatform } from "./platform.js";
import { checkBounds, formMesh, startHost } from "./start-node.js";

/**
 * Runs a mesh in this process. Rejects with OPTION_INVALID or STORE_… codes. `close` flushes to the store and leaves the store open; it
 * rejects with the store's error where that did not take everything.
 */
export async function createMesh(options: EmbeddedMeshOptions): Promise<Mesh> {
  checkObject(options, "createMesh({ nodes: 3, store })");
  const nodes = options.nodes ?? 1;
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > MEMBERS_MAX)
    throw new MeshError("OPTION_INVALID", `nodes is ${String(nodes)}; give a whole number from 1 to ${MEMBERS_MAX}`);
  if (typeof options.store?.getMany !== "function")
    throw new MeshError("OPTION_INVALID", "store is missing; give one such as memoryStore() or lmdbStore({ path })");
  checkMeshOptions(options);
  checkBounds(options);
  const transport = memoryTransport();
  const platform = systemPlatform;
  const addresses = Array.from({ length: nodes }, (_, index) => `node-${index + 1}`);
  const view = await formMesh(options.store, addresses, platform);
  const { store, secret, cacheBytes, cacheEntries, snapshotRetention, snapshotBytes, readThrough } = options;
  const bounds = { cacheBytes, cacheEntries, snapshotRetention, snapshotBytes };
  const hosts = await Promise.all(
    view.members.map(({ address, replica }) => startHost({ store, transport, address, replica, secret, ...bounds, readThrough, platform, suspicion: NEVER })),
  );
  const mesh = new MeshClient({
    ...options,
    addresses,
    transport,
    platform,
    local: new Map(hosts.map((host) => [host.address, host])),
    onClose: async () => {
      await Promise.all(hosts.map((host) => host.drain()));
      const ends = await Promise.allSettled(hosts.map((host) => host.close()));
      for (const end of ends) if (end.status === "rejected") throw end.reason;
    },
  });
  await mesh.ready();
  return mesh;
}

/** Nodes of one process live and end together: one that is silent is only slow. */
const NEVER = { suspectMsMin: Infinity, suspectMsMax: Infinity, takeOverMs: Infinity };

function checkObject(options: unknown, example: string): void {
  if (typeof options !== "object" || options === null) throw new MeshError("OPTION_INVALID", `options are missing; call it as in ${example}`);
}

export interface ConnectMeshOptions extends MeshOptions {
  /** Addresses of one or more nodes; the others are found through them. */
  readonly nodes: readonly string[];
}

/** Connects to a mesh over a transport. Rejects with NODE_UNREACHABLE, UNAUTHENTICATED, ADDRESS_INVALID or OPTION_INVALID. */
export async function connectMesh(options: ConnectMeshOptions, transport: Transport, platform: Platform = systemPlatform): Promise<RemoteMesh> {
  checkObject(options, 'connect({ nodes: ["127.0.0.1:7400"] })');
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
