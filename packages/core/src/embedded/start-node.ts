// One life of a node: what `startNode` runs for as long as the mesh counts on it, and `createMesh` n times.

import { parseDuration } from "../client/duration.js";
import type { Platform } from "../clock.js";
import { inputText, MeshError } from "../errors.js";
import { Host, type HostParts } from "../host/host.js";
import { startedBefore } from "../host/started-before.js";
import type { SuspicionBounds } from "../host/suspicion.js";
import type { AbortSignalLike, Duration, DurationName, DurationSummary, MemberStatus, NodeDebug, NodeEvent, SecretSource } from "../mesh.js";
import { formMesh as formView, viewIn, type View } from "../protocol/view.js";
import type { Loader } from "../read-through.js";
import type { Store } from "../store.js";
import type { Transport } from "../transport.js";
import { checkSecrets } from "../wire/secrets.js";
import { randomId, systemPlatform } from "./platform.js";

export interface StartNodeOptions {
  readonly store: Store;
  readonly transport: Transport;
  /** Where others reach the node; it is the member's in the view. */
  readonly address: string;
  /** Where it listens, if that is another address of the same place, such as 0.0.0.0 or one behind a forwarded port. */
  readonly listen?: string;
  /** The member that this node is, as `formMesh` named it. Without it the node joins the mesh that is there, or begins one. */
  readonly replica?: number;
  /** Proves this node to the others, and is what they and the clients have to prove. */
  readonly secret?: SecretSource;
  /** Bound of the cache in bytes. Default 256 MiB. */
  readonly cacheBytes?: number;
  /** Bound of the cache in entries. Default: none but the bytes. */
  readonly cacheEntries?: number;
  /** How long versions that were overwritten are kept for the snapshots of transactions; 0 for not at all. Default one minute. */
  readonly snapshotRetention?: Duration;
  /** Bound of those versions in bytes. Default 64 MiB. */
  readonly snapshotBytes?: number;
  /** Where keys come from that the mesh has no value for; the same at every node. */
  readonly readThrough?: Loader;
  /** When a silent neighbour is suspected; by default as limits.ts says. */
  readonly suspicion?: SuspicionBounds;
  /** The node is a member again, under this replica id, after the mesh had gone on without it. */
  readonly onRejoined?: (replica: number) => void;
  /** The node met a broken invariant and has stopped. */
  readonly onFatal?: (error: Error) => void;
  /** Something happened that an operator may want to know, such as a connection that was refused. */
  readonly onWarning?: (message: string) => void;
  /** What an operator wants to know once: a change of the view, a store that fails and is back. */
  readonly onEvent?: (event: NodeEvent) => void;
  /** An operator has asked the node to leave (`causalmesh cluster drain`): close it, and end the program. Without it such orders are refused. */
  readonly onDrain?: () => void;
  /** Gives up to start, with ABORTED, when it fires before the node serves: also one that waits for a mesh which is down. */
  readonly signal?: AbortSignalLike;
  /** Clock and randomness; the runtime's by default. */
  readonly platform?: Platform;
}

export interface RunningNode {
  /** Changes when the node joins anew. */
  readonly replica: number;
  readonly address: string;
  status(): MemberStatus;
  /** Its whole state but keys and values. */
  debug(): NodeDebug;
  /** How long things have taken since this start of the node. */
  durations(): Readonly<Record<DurationName, DurationSummary>>;
  /**
   * Hands over to the others and leaves the mesh; the last node flushes instead. Rejects where writes may be lost: the store did not take
   * them, or the next node did not, within `graceMs` (default 10 s).
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

/**
 * Begins the next view of the mesh on this store, with a node at each address, in this order of the ring; then start each with
 * `startNode` under its replica id. Nodes of the view before it must have ended. Rejects with STORE_… or ADDRESS_INVALID.
 */
export async function formMesh(store: Store, addresses: readonly string[], platform: Platform = systemPlatform): Promise<View> {
  return await formView(store, addresses, () => randomId(platform.entropy), platform.clock.now());
}

/** Bounds of what a node keeps, as they come in. */
interface Bounds {
  readonly cacheBytes?: unknown;
  readonly cacheEntries?: unknown;
  readonly snapshotBytes?: unknown;
  readonly snapshotRetention?: unknown;
}

/** Throws OPTION_INVALID for a bound that is no number above 0, or a retention that is no duration. Called where options come in. */
export function checkBounds({ cacheBytes, cacheEntries, snapshotBytes, snapshotRetention }: Bounds): void {
  for (const [name, bound] of Object.entries({ cacheBytes, cacheEntries, snapshotBytes })) {
    if (bound !== undefined && !(typeof bound === "number" && bound > 0))
      throw new MeshError("OPTION_INVALID", `${name} is ${inputText(bound)}; give a number above 0`);
  }
  retentionMs({ snapshotRetention });
}

/** The retention in milliseconds, undefined for the default. Throws OPTION_INVALID. */
export function retentionMs({ snapshotRetention }: Pick<Bounds, "snapshotRetention">): number | undefined {
  if (snapshotRetention === undefined || snapshotRetention === 0) return snapshotRetention;
  return parseDuration(snapshotRetention, "snapshotRetention");
}

export interface StartHostOptions extends StartNodeOptions {
  readonly replica: number;
  /** The mesh goes on without this node, which has stopped; by default that is fatal. */
  readonly onExpelled?: (error: MeshError) => void;
}

/** Starts one member of the store's view. Resolves when it listens. Rejects with ADDRESS_…, STORE_… or OPTION_INVALID. The simulator gives other classes. */
export async function startHost(options: StartHostOptions, parts?: HostParts): Promise<Host> {
  checkSecrets(options.secret);
  checkBounds(options);
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
  const host = new Host({ ...options, view, snapshotRetentionMs: retentionMs(options), platform: options.platform ?? systemPlatform }, parts);
  await host.start();
  return host;
}
