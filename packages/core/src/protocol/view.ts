// Views: epoch, ring of members and what is left of the departed (design section 7). A view is made here, kept in the
// store's registry as JSON that a person can read, and changed by compare-and-swap only. The functions that make the next view are pure;
// when each is called, and by whom, is the business of host/membership.ts.

import { decodeUtf8, encodeUtf8 } from "../bytes/utf8.js";
import { MeshError } from "../errors.js";
import { COUNTER_MAX, DEPARTED_TTL_MS, MEMBERS_MAX, SHARES_MAX } from "../limits.js";
import type { FlushedCounters, RegistryState, Store } from "../store.js";

export interface Member {
  /** Names one start of one node; never used again. */
  readonly replica: number;
  readonly address: string;
  /** Its share of the values that merge (merging/keys.ts): nobody else writes that until it has left and is settled. */
  readonly share: number;
  /** It has come and has not said yet that it has what the mesh has. */
  readonly joining?: true;
}

/** A replica id that has left. */
export interface Departed {
  readonly replica: number;
  /** The last of its counters that the mesh has: what came after it died with the node. */
  readonly final: number;
  readonly share: number;
  /** The member that stands behind its place in the ring: it has all of the departed's writes, and its predecessor was the last to get them. */
  readonly head: number;
  /** Whether every member shows all of it, and so does the store: then no vector names it any more. */
  readonly settled: boolean;
  /** When it left, in milliseconds since 1970 by the clock of the node that made the view. */
  readonly leftAt: number;
}

/** What a few members say before they go on without the many: whoever is named and lives objects, by taking those few out instead. */
export interface Notice {
  /** The member that says so. */
  readonly by: number;
  readonly gone: readonly number[];
}

export interface View {
  /** 1, 2, 3 … */
  readonly epoch: number;
  /** Names the mesh for as long as its store lives: tokens of another mesh are refused by it. */
  readonly meshId: string;
  /** In ring order: each member sends to the next, the last to the first. */
  readonly members: readonly Member[];
  /** Those who have left, for as long as tokens may name them. */
  readonly departed: readonly Departed[];
  /** The replica id that the next member gets. */
  readonly nextReplica: number;
  /** How many shares there have been: numbers below are those that a value that merges may have. */
  readonly shares: number;
  /** The last member has ended, and the store has everything. */
  readonly ended?: true;
  /** Belongs to this epoch alone. */
  readonly notice?: Notice;
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
  return { ...view, departed: view.departed.map((one) => ({ ...one, final: Math.max(one.final, counters.get(one.replica) ?? 0) })) };
}

/**
 * Begins a new view with these members, in this order of the ring, each under a new replica id. All members of the view
 * before it have departed: of their writes the mesh has what is in the store. Rejects with STORE_… codes or ADDRESS_INVALID.
 */
export async function formMesh(store: Store, addresses: readonly string[], newMeshId: () => string, now: number): Promise<View> {
  checkAddresses(addresses);
  return (await changeView(store, ({ view, flushed }) => formedView(view, flushed, addresses, newMeshId, now)))!;
}

/** What a change of the view is made from. */
export interface ViewState {
  readonly view: View | undefined;
  readonly flushed: FlushedCounters;
}

/**
 * Makes the next view by compare-and-swap, from whatever stands in the registry at that moment. Returns undefined where `next` does:
 * nothing is to be changed. Rejects with STORE_… codes.
 */
export async function changeView(store: Store, next: (state: ViewState) => View | undefined): Promise<View | undefined> {
  for (let attempt = 0; attempt < SWAP_ATTEMPTS_MAX; attempt++) {
    const state = await store.readRegistry();
    const before = viewIn(state, store.name);
    const view = next({ view: before, flushed: state.flushed });
    if (view === undefined) return undefined;
    if (await store.swapRegistry(before?.epoch ?? 0, { epoch: view.epoch, bytes: formatView(view) })) return view;
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

/** The view that follows when all members are replaced. */
export function formedView(before: View | undefined, flushed: FlushedCounters, addresses: readonly string[], newMeshId: () => string, now: number): View {
  const counters = new Map(flushed);
  const first = before?.nextReplica ?? 1;
  const ended =
    before?.members.map(({ replica, share }) => ({ replica, share, final: counters.get(replica) ?? 0, head: first, settled: true, leftAt: now })) ?? [];
  return {
    epoch: (before?.epoch ?? 0) + 1,
    meshId: before?.meshId ?? newMeshId(),
    members: addresses.map((address, index) => ({ replica: first + index, address, share: index })),
    // Nobody has more of them than the store; of those who were settled that has everything.
    departed: [
      ...remembered(before, now).map((one) => ({ ...one, final: one.settled ? one.final : (counters.get(one.replica) ?? 0), head: first, settled: true })),
      ...ended,
    ],
    nextReplica: first + addresses.length,
    shares: Math.max(before?.shares ?? 0, addresses.length),
  };
}

/** The view with one more member, who enters at the end of the ring and gets what the mesh has from the one before. */
export function viewWith(before: View, address: string, now: number): View {
  if (before.members.length >= MEMBERS_MAX) throw new MeshError("OPTION_INVALID", `the mesh has ${MEMBERS_MAX} nodes already, and no more are possible`);
  const share = freeShare(before);
  if (share >= SHARES_MAX)
    throw new MeshError("OPTION_INVALID", `${SHARES_MAX} nodes of this mesh are there or not settled yet; wait until the store has what those had who left`);
  return {
    ...following(before),
    members: [...before.members, { replica: before.nextReplica, address, share, joining: true }],
    departed: remembered(before, now),
    nextReplica: before.nextReplica + 1,
    shares: Math.max(before.shares, share + 1),
  };
}

/** ⚑ A share is free when everybody shows all that its last owner wrote, and the store has it: so whoever gets it goes on from there. */
function freeShare({ members, departed }: View): number {
  const taken = new Set([...members, ...departed.filter(({ settled }) => !settled)].map(({ share }) => share));
  let share = 0;
  while (taken.has(share)) share += 1;
  return share;
}

/**
 * The view without some members. `received` gives the counters that the next member behind them has: of what they themselves wrote, and of
 * those departed before that they stood in for.
 */
export function viewWithout(before: View, gone: ReadonlySet<number>, received: (replica: number) => number | undefined, now: number): View {
  const { members } = before;
  const behind = new Map<number, number>();
  members.forEach(({ replica }, index) => {
    if (!gone.has(replica)) return;
    let next = index;
    do next = (next + 1) % members.length;
    while (gone.has(members[next].replica));
    behind.set(replica, members[next].replica);
  });
  const left = members
    .filter(({ replica }) => gone.has(replica))
    .map(({ replica, share }) => ({ replica, share, final: received(replica) ?? 0, head: behind.get(replica)!, settled: false, leftAt: now }));
  // The one who stood in has left as well, perhaps before it had passed everything on.
  const moved = remembered(before, now).map((one) => {
    const head = behind.get(one.head);
    if (head === undefined) return one;
    return one.settled ? { ...one, head } : { ...one, head, final: Math.min(one.final, received(one.replica) ?? one.final) };
  });
  return {
    ...following(before),
    members: members.filter(({ replica }) => !gone.has(replica)),
    departed: [...moved, ...left],
  };
}

/** The view in which these of the departed are settled. */
export function viewSettled(before: View, settled: ReadonlySet<number>, now: number): View {
  const departed = remembered(before, now).map((one) => (settled.has(one.replica) ? { ...one, settled: true } : one));
  return { ...following(before), departed };
}

/** The view in which a newcomer counts as much as anybody. Undefined where it does already, or is no member any more. */
export function viewServing(before: View, replica: number): View | undefined {
  if (!before.members.some((member) => member.replica === replica && member.joining === true)) return undefined;
  const members = before.members.map((member) => (member.replica === replica ? { replica, address: member.address, share: member.share } : member));
  return { ...following(before), members };
}

/** The same members, who are told of this. */
export function viewNoticed(before: View, notice: Notice): View {
  return { ...following(before), notice };
}

/** The view of a mesh that has ended: whoever starts next need not look for its members. */
export function viewEnded(before: View): View {
  return { ...following(before), ended: true };
}

function following(before: View): View {
  return { ...before, epoch: before.epoch + 1, notice: undefined };
}

/** The departed whom some token may still name. */
function remembered(view: View | undefined, now: number): readonly Departed[] {
  return view?.departed.filter(({ leftAt }) => leftAt + DEPARTED_TTL_MS > now) ?? [];
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
  const { members, departed, notice } = view;
  return (
    typeof view.meshId === "string" &&
    isReplica(view.nextReplica) &&
    isShares(view.shares) &&
    Array.isArray(members) &&
    members.length >= 1 &&
    members.length <= MEMBERS_MAX &&
    members.every(
      ({ replica, address, share }) => isReplica(replica) && replica < view.nextReplica && typeof address === "string" && isShare(share, view.shares),
    ) &&
    Array.isArray(departed) &&
    departed.every(
      ({ replica, share, final, head, settled, leftAt }) =>
        isReplica(replica) &&
        isShare(share, view.shares) &&
        typeof settled === "boolean" &&
        isReplica(head) &&
        Number.isSafeInteger(leftAt) &&
        Number.isSafeInteger(final) &&
        final >= 0 &&
        final <= COUNTER_MAX,
    ) &&
    (notice === undefined || (isReplica(notice.by) && Array.isArray(notice.gone) && notice.gone.every(isReplica)))
  );
}

/** Each member has one, and each of the departed that is not settled yet. */
function isShares(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= SHARES_MAX;
}

function isShare(value: unknown, shares: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < shares;
}

function isReplica(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= REPLICA_MAX;
}
