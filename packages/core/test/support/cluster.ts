// Meshes for tests: real nodes and real clients over the memory transport, each node with its own clock where a test wants that.

import { onTestFinished } from "vitest";
import { connectMesh } from "../../src/embedded/create-mesh.js";
import { memoryTransport } from "../../src/embedded/memory-transport.js";
import { systemPlatform } from "../../src/embedded/platform.js";
import { formMesh, startHost } from "../../src/embedded/start-node.js";
import type { Host } from "../../src/host/host.js";
import type { Duration, Mesh, MeshOptions, SecretSource } from "../../src/mesh.js";
import type { Platform } from "../../src/clock.js";
import type { Loader } from "../../src/read-through.js";
import type { Store } from "../../src/store.js";
import type { Transport } from "../../src/transport.js";
import { TestStore } from "./test-store.js";

export interface ClusterOptions {
  readonly nodes?: number;
  readonly store?: TestStore;
  /** The store as each node sees it. */
  readonly storeOf?: (index: number) => Store;
  readonly transport?: Transport;
  readonly secret?: SecretSource;
  readonly cacheBytes?: number;
  readonly snapshotRetention?: Duration;
  readonly snapshotBytes?: number;
  readonly readThrough?: Loader;
  /** How far each node's wall clock is off, in milliseconds; may be changed while it runs. */
  readonly clockOffsets?: number[];
}

export interface Cluster {
  readonly store: TestStore;
  readonly transport: Transport;
  readonly addresses: readonly string[];
  readonly hosts: readonly Host[];
  /** What stopped a node: stays empty in a test that passes. */
  readonly fatals: Error[];
  readonly warnings: string[];
  /** A client of its own, from which the cluster is as far as over a network: no hit is read around the wire. */
  connect(options?: MeshOptions & { readonly nodes?: readonly string[]; readonly transport?: Transport; readonly platform?: Platform }): Promise<Mesh>;
  close(): Promise<void>;
}

export function platformWithOffset(offset: () => number): Platform {
  return { ...systemPlatform, clock: { ...systemPlatform.clock, now: () => Date.now() + offset() } };
}

export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const {
    nodes = 3,
    store = new TestStore(),
    transport = memoryTransport(),
    secret,
    cacheBytes,
    snapshotRetention,
    snapshotBytes,
    readThrough,
    clockOffsets = [],
  } = options;
  const addresses = Array.from({ length: nodes }, (_, index) => `n${index + 1}`);
  const view = await formMesh(store, addresses);
  const fatals: Error[] = [];
  const warnings: string[] = [];
  const hosts = await Promise.all(
    view.members.map(({ address, replica }, index) =>
      startHost({
        store: options.storeOf?.(index) ?? store,
        transport,
        address,
        replica,
        secret,
        cacheBytes,
        snapshotRetention,
        snapshotBytes,
        readThrough,
        platform: platformWithOffset(() => clockOffsets[index] ?? 0),
        onFatal: (error) => fatals.push(error),
        onWarning: (warning) => warnings.push(warning),
      }),
    ),
  );
  const meshes: Mesh[] = [];
  const cluster: Cluster = {
    store,
    transport,
    addresses,
    hosts,
    fatals,
    warnings,
    connect: async ({ nodes: to = addresses, transport: through = transport, platform, ...rest } = {}) => {
      const mesh = await connectMesh({ secret, ...rest, nodes: to }, through, platform);
      meshes.push(mesh);
      return mesh;
    },
    close: async () => {
      await Promise.all(meshes.map((mesh) => mesh.close()));
      // A test whose store is away at its end has said all about that.
      await Promise.allSettled(hosts.map((host) => host.close()));
    },
  };
  return cluster;
}

/** A cluster that ends with the test. */
export async function cluster(options: ClusterOptions = {}): Promise<Cluster> {
  const started = await startCluster(options);
  onTestFinished(() => started.close());
  return started;
}

/** Resolves when it holds; a test that waits for what never comes ends by its own time limit. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** The code with which a promise is rejected, or what a function throws; "none" where nothing is wrong. */
export async function codeOf(what: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof what === "function" ? what() : what);
    return "none";
  } catch (error) {
    return (error as { code?: string }).code ?? `${String(error)} has no code`;
  }
}
