// Starting a node of its own: what `causalmesh node start` runs, and what `createMesh` runs n times.

import { checkSecret } from "../client/secret.js";
import type { Platform } from "../clock.js";
import { inputText, MeshError } from "../errors.js";
import { Host, type HostParts } from "../host/host.js";
import { startedBefore } from "../host/started-before.js";
import type { MemberStatus } from "../mesh.js";
import { formMesh as formView, viewIn, type View } from "../protocol/view.js";
import type { Loader } from "../read-through.js";
import type { Store } from "../store.js";
import type { Transport } from "../transport.js";
import { randomId, systemPlatform } from "./platform.js";

export interface StartNodeOptions {
  readonly store: Store;
  readonly transport: Transport;
  /** Where others reach the node; it is the member's in the view. */
  readonly address: string;
  /** Where it listens, if that is another address of the same place, such as 0.0.0.0 or one behind a forwarded port. */
  readonly listen?: string;
  /** The member that this node is, as `formMesh` named it. */
  readonly replica: number;
  readonly secret?: string;
  /** Bound of the cache in bytes. Default 256 MiB. */
  readonly cacheBytes?: number;
  /** Where keys come from that the mesh has no value for; the same at every node. */
  readonly readThrough?: Loader;
  /** The node met a broken invariant and has stopped. */
  readonly onFatal?: (error: Error) => void;
  /** Something happened that an operator may want to know, such as a connection that was refused. */
  readonly onWarning?: (message: string) => void;
  /** Clock and randomness; the runtime's by default. */
  readonly platform?: Platform;
}

export interface RunningNode {
  readonly replica: number;
  readonly address: string;
  status(): MemberStatus;
  /** Hands on and flushes what the node has, then ends. */
  close(): Promise<void>;
}

/**
 * Begins the next view of the mesh on this store, with a node at each address, in this order of the ring; then start each with
 * `startNode` under its replica id. Nodes of the view before it must have ended. Rejects with STORE_… or ADDRESS_INVALID.
 */
export async function formMesh(store: Store, addresses: readonly string[], platform: Platform = systemPlatform): Promise<View> {
  return await formView(store, addresses, () => randomId(platform.entropy));
}

/** Starts one member of the store's view. Resolves when it listens. Rejects with ADDRESS_…, STORE_… or OPTION_INVALID. */
export async function startNode(options: StartNodeOptions): Promise<RunningNode> {
  return await startHost(options);
}

/** Throws OPTION_INVALID for a bound that is no number of bytes. Called where options come in. */
export function checkCacheBytes(cacheBytes: unknown): void {
  if (cacheBytes === undefined || (typeof cacheBytes === "number" && cacheBytes > 0)) return;
  throw new MeshError("OPTION_INVALID", `cacheBytes is ${inputText(cacheBytes)}; give a number of bytes above 0`);
}

/** `startNode` with the classes of the caller's choice, for the simulator. */
export async function startHost(options: StartNodeOptions, parts?: HostParts): Promise<Host> {
  checkSecret(options.secret);
  checkCacheBytes(options.cacheBytes);
  const state = await options.store.readRegistry();
  const view = viewIn(state, options.store.name);
  const member = view?.members.find(({ replica }) => replica === options.replica);
  if (view === undefined || member === undefined) {
    throw new MeshError("OPTION_INVALID", `replica ${options.replica} is not a member of the mesh on ${options.store.name}; form the mesh first`);
  }
  if (member.address !== options.address) {
    throw new MeshError("ADDRESS_INVALID", `replica ${options.replica} is registered at ${member.address}, not at ${options.address}`);
  }
  if (state.flushed.some(([replica, counter]) => replica === options.replica && counter > 0)) throw startedBefore(options.replica);
  const host = new Host({ ...options, view, platform: options.platform ?? systemPlatform }, parts);
  await host.start();
  return host;
}
