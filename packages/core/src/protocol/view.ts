// Views: epoch, ring of members and what is left of the departed (design section 7). A view is made here, kept in the
// store's registry as JSON that a person can read, and changed by compare-and-swap only.

import { decodeUtf8, encodeUtf8 } from "../bytes/utf8.js";
import { MeshError } from "../errors.js";
import { COUNTER_MAX, MEMBERS_MAX } from "../limits.js";
import type { FlushedCounters, RegistryState, Store } from "../store.js";

export interface Member {
  /** Names one start of one node; never used again. */
  readonly replica: number;
  readonly address: string;
}

export interface View {
  /** 1, 2, 3 … */
  readonly epoch: number;
  /** Names the mesh for as long as its store lives: tokens of another mesh are refused by it. */
  readonly meshId: string;
  /** In ring order: each member sends to the next, the last to the first. */
  readonly members: readonly Member[];
  /** Replica ids that have left, with the last counter that the mesh has of each. */
  readonly finals: readonly (readonly [replica: number, counter: number])[];
  /** The replica id that the next member gets. */
  readonly nextReplica: number;
}

const REPLICA_MAX = 0xff_ff_ff_ff;
/** Attempts at the compare-and-swap: each lost one means that another has won, so a few are enough. */
const SWAP_ATTEMPTS_MAX = 16;

/** The view in the store's registry, or undefined where no mesh has used the store. */
export async function readView(store: Store): Promise<View | undefined> {
  return viewIn(await store.readRegistry(), store.name);
}

/**
 * The view of a registry. What a departed replica had left to flush when its final counter was written down may have reached the store
 * before the view did: then the store knows better.
 */
export function viewIn({ registry, flushed }: RegistryState, storeName: string): View | undefined {
  if (registry === undefined) return undefined;
  const view = parseView(registry.epoch, registry.bytes, storeName);
  const counters = new Map(flushed);
  return { ...view, finals: view.finals.map(([replica, counter]) => [replica, Math.max(counter, counters.get(replica) ?? 0)]) };
}

/**
 * Begins a new view with these members, in this order of the ring, each under a new replica id. All members of the view
 * before it have departed: of their writes the mesh has what is in the store. Rejects with STORE_… codes or ADDRESS_INVALID.
 */
export async function formMesh(store: Store, addresses: readonly string[], newMeshId: () => string): Promise<View> {
  checkAddresses(addresses);
  for (let attempt = 0; attempt < SWAP_ATTEMPTS_MAX; attempt++) {
    const state = await store.readRegistry();
    const before = viewIn(state, store.name);
    const next = nextView(before, state.flushed, addresses, newMeshId);
    const swapped = await store.swapRegistry(before?.epoch ?? 0, { epoch: next.epoch, bytes: formatView(next) });
    if (swapped) return next;
  }
  throw new MeshError("STORE_UNAVAILABLE", `the registry of ${store.name} keeps changing; stop the other programs that form a mesh on it`);
}

function checkAddresses(addresses: readonly string[]): void {
  if (addresses.length < 1 || addresses.length > MEMBERS_MAX) {
    throw new MeshError("OPTION_INVALID", `a mesh has 1 to ${MEMBERS_MAX} nodes, not ${addresses.length}`);
  }
  if (new Set(addresses).size !== addresses.length) {
    throw new MeshError("ADDRESS_INVALID", `two nodes have the same address in ${addresses.join(", ")}`);
  }
}

/** The view that follows when all members are replaced. Pure, so that it can be tested without a store. */
export function nextView(before: View | undefined, flushed: FlushedCounters, addresses: readonly string[], newMeshId: () => string): View {
  const counters = new Map(flushed);
  const first = before?.nextReplica ?? 1;
  const departed = before?.members.map(({ replica }) => [replica, counters.get(replica) ?? 0] as const) ?? [];
  return {
    epoch: (before?.epoch ?? 0) + 1,
    meshId: before?.meshId ?? newMeshId(),
    members: addresses.map((address, index) => ({ replica: first + index, address })),
    finals: [...(before?.finals ?? []), ...departed],
    nextReplica: first + addresses.length,
  };
}

function formatView(view: View): Uint8Array {
  return encodeUtf8(JSON.stringify(view));
}

/** Checks what stands in a registry: the store is outside, and its content may be anyone's. */
function parseView(epoch: number, bytes: Uint8Array, storeName: string): View {
  try {
    const view = JSON.parse(decodeUtf8(bytes)) as View;
    if (view.epoch === epoch && isView(view)) return view;
  } catch {
    // Reported below, together with what parses and is no view.
  }
  throw new MeshError("STORE_INVALID", `the registry of ${storeName} does not hold a view that this version understands; use another store or prefix`);
}

function isView(view: View): boolean {
  const { members, finals } = view;
  return (
    typeof view.meshId === "string" &&
    isReplica(view.nextReplica) &&
    Array.isArray(members) &&
    members.length >= 1 &&
    members.length <= MEMBERS_MAX &&
    members.every(({ replica, address }) => isReplica(replica) && replica < view.nextReplica && typeof address === "string") &&
    Array.isArray(finals) &&
    finals.every(([replica, counter]) => isReplica(replica) && Number.isSafeInteger(counter) && counter >= 0 && counter <= COUNTER_MAX)
  );
}

function isReplica(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= REPLICA_MAX;
}
