// The systems by name: what each promises, what it is called, and where its parts are. A process loads the parts of the one that it runs.

import type { Transport } from "@causalmesh/core";
import type { CacheServer, ClientOptions, ServerOptions, SystemClient } from "./system.js";

export const SYSTEM_NAMES = [
  "causalmesh",
  "causalmesh-tcc",
  "causalmesh-paper",
  "causalmesh-paper-tcc",
  "hydrocache-con",
  "hydrocache-opt",
  "faastcc",
  "weak",
  "none",
  "redis",
] as const;
export type SystemName = (typeof SYSTEM_NAMES)[number];

export interface SystemPromise {
  /** By which the checker judges: nothing; causal sessions; or that all reads of a workflow are of one causal snapshot, too. */
  readonly judged: "nothing" | "causal" | "snapshot";
  /** Whether all writes of a workflow are made at its end, as one. */
  readonly holdsWrites: boolean;
  /** Whether the contexts of parallel branches can be joined. */
  readonly joins: boolean;
}

/** What the store's process keeps for a system, or that it has none. */
export type StoreKind = "rows" | "causal" | "versions" | "redis";

export interface SystemEntry {
  readonly promise: SystemPromise;
  readonly store: StoreKind;
  /** Milliseconds that the store takes for each request: a database that is elsewhere. Caches have it beside them, as what they cost is their own. */
  readonly storeDelayMs: number;
  /** Whether it has cache servers of its own. */
  readonly caches: boolean;
  /** Whether it has to know the keys of all functions of a workflow before that begins. */
  readonly needsPlan: boolean;
  readonly client: () => Promise<(options: ClientOptions) => Promise<SystemClient>>;
  readonly server?: () => Promise<(options: ServerOptions) => Promise<CacheServer>>;
  readonly prepare?: (transport: Transport, store: string, addresses: readonly string[]) => Promise<void>;
}

const NOTHING: SystemPromise = { judged: "nothing", holdsWrites: false, joins: true };
const SNAPSHOT: SystemPromise = { judged: "snapshot", holdsWrites: true, joins: true };
const CACHE = { storeDelayMs: 0, caches: true, needsPlan: false } as const;

export const SYSTEMS: Readonly<Record<SystemName, SystemEntry>> = {
  causalmesh: {
    ...CACHE,
    promise: { judged: "causal", holdsWrites: false, joins: true },
    store: "rows",
    client: async () => (await import("./causalmesh/client.js")).sessionClient,
    server: async () => (await import("./causalmesh/server.js")).startMeshNode,
    prepare: async (...where) => await (await import("./causalmesh/server.js")).prepareMesh(...where),
  },
  "causalmesh-tcc": {
    ...CACHE,
    promise: { judged: "snapshot", holdsWrites: true, joins: false },
    store: "rows",
    client: async () => (await import("./causalmesh/client.js")).transactionClient,
    server: async () => (await import("./causalmesh/server.js")).startMeshNode,
    prepare: async (...where) => await (await import("./causalmesh/server.js")).prepareMesh(...where),
  },
  "causalmesh-paper": {
    ...CACHE,
    promise: { judged: "causal", holdsWrites: false, joins: true },
    store: "rows",
    client: async () => {
      const { paperClient } = await import("./paper/client.js");
      return (options) => paperClient(options, { transactions: false });
    },
    server: async () => {
      const { startPaperServer } = await import("./paper/server.js");
      return (options) => startPaperServer(options, { transactions: false });
    },
  },
  "causalmesh-paper-tcc": {
    ...CACHE,
    // Its writes are made one by one, as they come.
    promise: { judged: "snapshot", holdsWrites: false, joins: true },
    store: "rows",
    client: async () => {
      const { paperClient } = await import("./paper/client.js");
      return (options) => paperClient(options, { transactions: true });
    },
    server: async () => {
      const { startPaperServer } = await import("./paper/server.js");
      return (options) => startPaperServer(options, { transactions: true });
    },
  },
  "hydrocache-con": {
    ...CACHE,
    promise: SNAPSHOT,
    store: "causal",
    needsPlan: true,
    client: async () => (await import("./hydrocache/client.js")).conservativeClient,
    server: async () => {
      const [{ startHydroServer }, { Conservative }] = await Promise.all([import("./hydrocache/server.js"), import("./hydrocache/conservative.js")]);
      return (options) => startHydroServer(options, (parts) => new Conservative(parts));
    },
  },
  "hydrocache-opt": {
    ...CACHE,
    promise: SNAPSHOT,
    store: "causal",
    client: async () => (await import("./hydrocache/client.js")).optimisticClient,
    server: async () => {
      const [{ startHydroServer }, { Optimistic }] = await Promise.all([import("./hydrocache/server.js"), import("./hydrocache/optimistic.js")]);
      return (options) => startHydroServer(options, (parts) => new Optimistic(parts));
    },
  },
  faastcc: {
    ...CACHE,
    promise: SNAPSHOT,
    store: "versions",
    client: async () => (await import("./faastcc/client.js")).faasClient,
    server: async () => (await import("./faastcc/server.js")).startFaasServer,
  },
  weak: {
    ...CACHE,
    promise: NOTHING,
    store: "rows",
    client: async () => (await import("./weak/client.js")).weakClient,
    server: async () => (await import("./weak/server.js")).startWeakServer,
  },
  none: {
    promise: NOTHING,
    store: "rows",
    storeDelayMs: 5,
    caches: false,
    needsPlan: false,
    client: async () => (await import("./none/client.js")).storeClient,
  },
  redis: {
    promise: NOTHING,
    store: "redis",
    storeDelayMs: 0,
    caches: false,
    needsPlan: false,
    client: async () => (await import("./redis/client.js")).redisClient,
  },
};
