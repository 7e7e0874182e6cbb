// Finds out whether a mesh runs on a store, so that a second one does not take the store from under it. The registry names
// the members of the newest view; the mesh runs if one of them answers as a member of this very mesh.

import { inspectToken, MeshError, type Store } from "@causalmesh/core";
import { connect } from "@causalmesh/transport-tcp";
import type { Guards } from "./exposure.js";
import { openTls } from "./tls.js";

/** Time for one member to answer: they are on this machine or near it, and a folder of yesterday must not delay a start. */
const PROBE_TIMEOUT_MS = 700;

interface Registry {
  readonly meshId: string;
  readonly members: readonly { readonly address: string }[];
}

/** Throws STORE_LOCKED where another mesh runs on the store. */
export async function refuseRunningMesh(store: Store, guards: Guards): Promise<void> {
  const registry = await readRegistry(store);
  if (registry === undefined) return;
  const answers = await Promise.all(registry.members.map(({ address }) => isMember(address, registry.meshId, guards)));
  const index = answers.indexOf(true);
  if (index < 0) return;
  throw new MeshError(
    "STORE_LOCKED",
    `a mesh is running on ${store.name}: its node ${registry.members[index].address} answers; stop it first, or use another store`,
  );
}

/** A registry that cannot be read as one is left to `formMesh`, which says what is wrong with it. */
async function readRegistry(store: Store): Promise<Registry | undefined> {
  const { registry } = await store.readRegistry();
  if (registry === undefined) return undefined;
  try {
    const { meshId, members } = JSON.parse(Buffer.from(registry.bytes).toString("utf8")) as Registry;
    const addresses = members.filter(({ address }) => typeof address === "string");
    return { meshId: String(meshId), members: addresses };
  } catch {
    return undefined;
  }
}

/** Whether a node of this mesh answers at the address: another program, or a mesh on another store, may have its port today. */
async function isMember(address: string, meshId: string, { secret, tls }: Guards): Promise<boolean> {
  try {
    const mesh = await connect({ nodes: [address], secret, tls: openTls(tls), timeoutMs: PROBE_TIMEOUT_MS });
    try {
      await mesh.ready({ timeoutMs: PROBE_TIMEOUT_MS });
      return inspectToken(await mesh.session().token()).meshId === meshId;
    } finally {
      await mesh.close();
    }
  } catch (error) {
    // A node that asks for another secret or certificate is a node; which mesh it belongs to it does not say.
    return (error as MeshError).code === "UNAUTHENTICATED";
  }
}
