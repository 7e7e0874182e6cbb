// One node of a mesh as a process of its own, over TCP.

import { PerformanceObserver } from "node:perf_hooks";
import { memoryStore } from "@causalmesh/adapter-memory";
import { formMesh, startNode, systemPlatform, type MemberStatus, type Platform, type RunningNode, type Store } from "@causalmesh/core";
import { tcpTransport } from "@causalmesh/transport-tcp";
import { residentBytes, type Resident } from "../resident.js";
import { argument, cpuMicros, serve } from "../serve.js";

export interface NodeOptions {
  readonly addresses: readonly string[];
  /** Which of the addresses this node takes. */
  readonly index: number;
  /**
   * `memory`: each node has a store of its own; one of them flushes into its own. `discarding`: likewise, and rows are thrown away, as if
   * the database were elsewhere. A path: LMDB, which all nodes share and which already has the mesh's registry.
   */
  readonly store: "memory" | "discarding" | { readonly lmdb: string };
  readonly cacheBytes?: number;
}

async function openStore({ store }: NodeOptions): Promise<Store> {
  if (typeof store === "object") return (await import("@causalmesh/adapter-lmdb")).lmdbStore({ path: store.lmdb });
  if (store === "memory") return memoryStore();
  const kept = memoryStore();
  return {
    abilities: kept.abilities,
    name: "discarding",
    getMany: async (keys) => keys.map(() => undefined),
    apply: (_, flushed) => kept.apply([], flushed),
    readRegistry: () => kept.readRegistry(),
    swapRegistry: (epoch, next) => kept.swapRegistry(epoch, next),
    scan: (prefix, cursor, limit) => kept.scan(prefix, cursor, limit),
    close: () => kept.close(),
  };
}

/** Nodes with a store each form the same mesh each for itself: its id must not be random then. */
const SAME_EVERYWHERE: Platform = { ...systemPlatform, entropy: (count) => new Uint8Array(count) };
/** Nor could they agree on another view, where one is taken for dead because the machine is busy. */
const NEVER = { suspectMsMin: Infinity, suspectMsMax: Infinity, takeOverMs: Infinity };

async function start(options: NodeOptions): Promise<RunningNode> {
  const store = await openStore(options);
  if (typeof options.store === "string") await formMesh(store, options.addresses, SAME_EVERYWHERE);
  // Nodes of a new mesh have the replica ids 1, 2, 3 … in the order of the ring.
  return await startNode({
    store,
    transport: tcpTransport(),
    address: options.addresses[options.index],
    replica: options.index + 1,
    cacheBytes: options.cacheBytes,
    suspicion: typeof options.store === "string" ? NEVER : undefined,
    onFatal: (error) => {
      console.error(error);
      process.exit(1);
    },
    onWarning: (message) => console.error(message),
  });
}

/** Garbage collections since they were last asked for. */
const pausesMs: number[] = [];
new PerformanceObserver((entries) => {
  for (const { duration } of entries.getEntries()) pausesMs.push(duration);
}).observe({ entryTypes: ["gc"] });

const started = start(argument<NodeOptions>());
started.catch(() => undefined);

const commands = {
  ready: async (): Promise<void> => void (await started),
  status: async (): Promise<MemberStatus> => (await started).status(),
  cpu: cpuMicros,
  /** Collects garbage and says what is left; needs --expose-gc. */
  resident: (): Promise<Resident> => residentBytes(),
  pauses: (): number[] => pausesMs.splice(0),
};
export type NodeProgram = typeof commands;
serve(commands);
