// What a chaos run does to its mesh: the kinds, how a round's are drawn, what they leave of a level's promise, and how each is played.

import type { Durability } from "@causalmesh/core";
import type { SeededRandom } from "@causalmesh/core/testing";
import type { DatabaseServer } from "../database.js";
import { monotonicMs } from "../recording.js";
import type { ChaosNode, ChaosNodes } from "./nodes.js";

/**
 * `kill` (SIGKILL, started again), `pause` (SIGSTOP and SIGCONT), `cut` (of one link of the ring), `isolate` (of a node from all others; clients and the
 * store reach it), `delay` (of what others say to a node), `outage` (the store's server is killed and started again), `add` (a node joins), `drain`
 * (a node is told to stop, and started again), `roll` (every node in turn is told to stop, and started again).
 */
export const FAULT_KINDS = ["kill", "pause", "cut", "isolate", "delay", "outage", "add", "drain", "roll"] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** What is planned, from the seed alone. */
export interface Fault {
  readonly kind: FaultKind;
  /** From the beginning of the faults. */
  readonly afterMs: number;
  /** How long it lasts, or until the node is started again. */
  readonly forMs: number;
  /** How much later things arrive, of `delay`. */
  readonly lateMs: number;
  /** 0 to 1: which of the nodes that can be had then. */
  readonly draw: number;
}

/** What was done, and when: milliseconds of the machine's monotonic clock. */
export interface PlayedFault {
  readonly kind: FaultKind;
  /** The node's number; 0 for the store, and for all nodes. */
  readonly node: number;
  atMs: number;
  /** When it was over, and a node that was started again served. */
  untilMs: number;
}

export interface FaultContext {
  readonly nodes: ChaosNodes;
  readonly server: DatabaseServer | undefined;
  /** Nodes of the mesh when it is not disturbed. */
  readonly count: number;
  /** A node to which nothing is done, where several faults come together: it has what everybody has. */
  readonly spared: ChaosNode | undefined;
  readonly note: (fault: PlayedFault) => void;
  /** Rejects where the run is given up. */
  readonly wait: (ms: number) => Promise<void>;
}

/** How often each kind is drawn, in relation to the others. */
const WEIGHTS: Readonly<Record<FaultKind, number>> = { kill: 5, pause: 3, cut: 2, isolate: 1, delay: 1, outage: 2, add: 1, drain: 2, roll: 1 };
/** Longer than the longest time of suspicion, and shorter than the time after which a newcomer takes the mesh for down. */
const LONG_MS = [5_500, 8_500] as const;
const SHORT_MS = [200, 900] as const;
/** Until a node, or the store, is started again. */
const AWAY_MS = [0, 4_000] as const;
const SEVERAL_MAX = 3;
/** Within it all faults of a round begin. */
const SPREAD_MS = 5_000;

/** One fault or, for a storm, several that overlap. */
export function drawFaults(random: SeededRandom, kinds: readonly FaultKind[], isStorm: boolean): readonly Fault[] {
  let bag = kinds.flatMap((kind) => new Array<FaultKind>(WEIGHTS[kind]).fill(kind));
  const count = isStorm && bag.some((kind) => kind !== "outage") ? random.int(2, SEVERAL_MAX) : 1;
  return Array.from({ length: count }, (_, index) => {
    const kind = random.pick(bag);
    // The store is one server, which cannot be away twice at once.
    if (kind === "outage") bag = bag.filter((one) => one !== kind);
    const [min, max] = kind === "kill" || kind === "drain" || kind === "outage" ? AWAY_MS : random.chance(0.3) ? SHORT_MS : LONG_MS;
    return {
      kind,
      afterMs: index === 0 ? 0 : random.between(0, SPREAD_MS),
      forMs: random.between(min, max),
      lateMs: random.magnitude(5, 400),
      draw: random.next(),
    };
  });
}

/** The levels of which nothing may be lost (docs/durability.md). */
export function survivors(faults: readonly Fault[]): readonly Durability[] {
  if (faults.length === 1) return ["replicated", "everywhere", "stored"];
  // Whoever has everything may be the one that is cut off, and goes.
  return faults.some(({ kind }) => kind === "cut" || kind === "isolate") ? ["stored"] : ["everywhere", "stored"];
}

/** Whether calls may fail: where nodes only come and go in order, and links are only slow, none does. */
export function mayFail(faults: readonly Fault[]): boolean {
  return faults.some(({ kind }) => !["add", "drain", "roll", "delay"].includes(kind));
}

/** Plays a fault, and resolves when it is over and who was away serves again. */
export async function play(fault: Fault, context: FaultContext): Promise<void> {
  await context.wait(fault.afterMs);
  const { kind, forMs, draw } = fault;
  if (kind === "outage") return await played(context, kind, undefined, () => outage(context.server!, forMs, context.wait));
  if (kind === "roll") return await played(context, kind, undefined, () => roll(context));
  const node = chosen(kind, draw, context);
  if (node === undefined) return;
  await holding(node, () => played(context, kind, node, (record) => PLAYS[kind](node, fault, context, record)));
}

async function played({ note }: FaultContext, kind: FaultKind, node: ChaosNode | undefined, run: (fault: PlayedFault) => Promise<void>): Promise<void> {
  const fault: PlayedFault = { kind, node: node?.number ?? 0, atMs: monotonicMs(), untilMs: Infinity };
  note(fault);
  await run(fault);
  fault.untilMs = monotonicMs();
}

async function roll(context: FaultContext): Promise<void> {
  const { nodes, spared } = context;
  for (const node of nodes.wanted) {
    // Another fault may have it.
    if (node.isBusy || node === spared) continue;
    await holding(node, async () => {
      await node.process!.stop();
      await nodes.start(node);
    });
  }
}

async function holding(node: ChaosNode, run: () => Promise<void>): Promise<void> {
  node.isBusy = true;
  try {
    await run();
  } finally {
    node.isBusy = false;
  }
}

function chosen(kind: FaultKind, draw: number, { nodes, spared }: FaultContext): ChaosNode | undefined {
  const candidates = nodes.all.filter((node) => node.isWanted === (kind !== "add") && !node.isBusy && node !== spared);
  return candidates[Math.floor(draw * candidates.length)];
}

type Play = (node: ChaosNode, fault: Fault, context: FaultContext, played: PlayedFault) => Promise<void>;

const PLAYS: Readonly<Record<Exclude<FaultKind, "outage" | "roll">, Play>> = {
  kill: async (node, { forMs }, { nodes, wait }, played) => {
    await node.process!.kill();
    // It may have answered something until now.
    played.atMs = monotonicMs();
    await wait(forMs);
    await nodes.start(node);
  },
  pause: async (node, { forMs }, { wait }) => {
    node.process!.pause();
    await wait(forMs);
    node.process!.resume();
  },
  cut: async (node, { forMs }, { nodes, wait }) => {
    const before = nodes.predecessorOf(node);
    if (before === undefined || before === node) return;
    nodes.bar(before, node);
    await wait(forMs);
    nodes.allow(before, node);
  },
  isolate: async (node, { forMs }, { nodes, wait }) => {
    const others = nodes.all.filter((other) => other !== node);
    for (const other of others) {
      nodes.bar(other, node);
      nodes.bar(node, other);
    }
    await wait(forMs);
    for (const other of others) {
      nodes.allow(other, node);
      nodes.allow(node, other);
    }
  },
  delay: async ({ proxy }, { forMs, lateMs }, { wait }) => {
    proxy.delayMs = proxy.requestDelayMs = lateMs;
    await wait(forMs);
    proxy.delayMs = proxy.requestDelayMs = 0;
  },
  add: async (node, _, { nodes }) => await nodes.start(node),
  drain: async (node, { forMs }, { nodes, count, wait }) => {
    const staysAway = nodes.wanted.length > count;
    if (staysAway) node.isWanted = false;
    await node.process!.stop();
    if (staysAway) return;
    await wait(forMs);
    await nodes.start(node);
  },
};

async function outage(server: DatabaseServer, forMs: number, wait: FaultContext["wait"]): Promise<void> {
  await server.kill();
  await wait(forMs);
  await server.restart();
}
