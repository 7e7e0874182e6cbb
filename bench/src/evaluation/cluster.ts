// All processes of one system: its store, its cache servers, and the host of the functions. What they used is measured around each step.

import { tcpTransport } from "@causalmesh/transport-tcp";
import { Crew, type Worker } from "../crew.js";
import { freePorts } from "../ports.js";
import type { CacheServerOptions, CacheServerProgram } from "../processes/cache-server.js";
import type { RedisProgram } from "../processes/redis-guard.js";
import type { StoreOptions, StoreProgram } from "../processes/store-server.js";
import type { HostOptions, Step, StepOptions, WorkflowHostProgram } from "../processes/workflow-host.js";
import { SYSTEMS, type SystemName } from "./systems/registry.js";
import type { WorkloadOptions } from "./workloads/workload.js";

export interface ClusterOptions {
  readonly system: SystemName;
  readonly servers: number;
  readonly workload: WorkloadOptions;
  readonly seed: number;
  /** A folder for a CPU profile of each process. */
  readonly profile?: string;
}

/** CPU microseconds of each process. */
export interface CpuUse {
  readonly host: number;
  readonly servers: readonly number[];
  readonly store: number;
}

/** Bytes on the wire. */
export interface WireUse {
  /** Between the functions and those whom they ask. */
  readonly client: number;
  /** Between cache servers. */
  readonly peers: number;
  /** Between cache servers and the store. */
  readonly store: number;
}

export interface MeasuredStep extends Step {
  readonly cpuMicros: CpuUse;
  readonly wireBytes: WireUse;
  /** Writes that the servers had received and did not show yet when the last workflow had ended, all together. */
  readonly backlog: number;
}

interface Usage {
  readonly cpu: CpuUse;
  readonly client: number;
  readonly servers: number;
  readonly store: number;
}

export class Cluster {
  readonly system: SystemName;
  readonly #crew: Crew;
  readonly #store: Worker<StoreProgram> | Worker<RedisProgram>;
  readonly #servers: readonly Worker<CacheServerProgram>[];
  readonly #host: Worker<WorkflowHostProgram>;

  private constructor(
    system: SystemName,
    crew: Crew,
    store: Worker<StoreProgram> | Worker<RedisProgram>,
    servers: readonly Worker<CacheServerProgram>[],
    host: Worker<WorkflowHostProgram>,
  ) {
    this.system = system;
    this.#crew = crew;
    this.#store = store;
    this.#servers = servers;
    this.#host = host;
  }

  /** Starts the processes, fills the store, and has every cache load all keys. `owner` ends them all if this program is interrupted. */
  static async start({ system, servers: count, workload, seed, profile }: ClusterOptions, owner: Set<Crew>): Promise<Cluster> {
    const crew = new Crew(profile);
    owner.add(crew);
    const entry = SYSTEMS[system];
    const addresses = (await freePorts(count)).map((port) => `127.0.0.1:${port}`);
    const { worker, address } = await startStore(crew, system);
    await entry.prepare?.(tcpTransport(), address, addresses);
    const servers = entry.caches
      ? addresses.map((_, index) => {
          const options: CacheServerOptions = { system, addresses, index, store: address };
          return crew.start<CacheServerProgram>("cache-server", options, { execArgv: ["--expose-gc"] });
        })
      : [];
    await Promise.all(servers.map((server) => server.call("ready")));
    const options: HostOptions = { system, addresses, store: address, workload, seed };
    const host = crew.start<WorkflowHostProgram>("workflow-host", options);
    await host.call("fill");
    return new Cluster(system, crew, worker, servers, host);
  }

  async step(options: StepOptions): Promise<MeasuredStep> {
    const before = await this.#usage();
    const step = await this.#host.call("step", options);
    const backlogs = await Promise.all(this.#servers.map((server) => server.call("backlog")));
    const after = await this.#usage();
    const client = after.client - before.client;
    const store = after.store - before.store;
    const isDirect = this.#servers.length === 0;
    return {
      ...step,
      cpuMicros: difference(after.cpu, before.cpu),
      // Each byte between servers is sent by one and received by another, so it is counted twice among theirs.
      wireBytes: { client, store: isDirect ? 0 : store, peers: isDirect ? 0 : (after.servers - before.servers - client - store) / 2 },
      backlog: backlogs.reduce((sum, backlog) => sum + backlog, 0),
    };
  }

  /** Goes on with another workload on the same keys. */
  async use(workload: WorkloadOptions): Promise<void> {
    await this.#host.call("use", workload);
  }

  /** For each distance round the servers, milliseconds from a write's acknowledgement until it is shown there; Infinity beyond the limit. */
  async visibility(probes: number, limitMs: number): Promise<number[][]> {
    return await this.#host.call("visibility", probes, limitMs);
  }

  /** Bytes that each server holds once its garbage is gone. */
  async resident(): Promise<number[]> {
    return await Promise.all(this.#servers.map((server) => server.call("resident")));
  }

  async stop(owner: Set<Crew>): Promise<void> {
    // The host first, then the servers one by one, so that each can hand over to the next, and the store that they use at their end last.
    await this.#host.end();
    for (const server of this.#servers) await server.end();
    await this.#crew.end();
    owner.delete(this.#crew);
  }

  async #usage(): Promise<Usage> {
    const [host, servers, store] = await Promise.all([
      this.#host.call("cpu"),
      Promise.all(this.#servers.map((server) => server.call("cpu"))),
      (this.#store as Worker<StoreProgram>).call("cpu"),
    ]);
    const total = ({ sent, received }: { sent: number; received: number }): number => sent + received;
    const client = total(await this.#host.call("bytes"));
    const among = await Promise.all(this.#servers.map((server) => server.call("bytes")));
    const atStore = SYSTEMS[this.system].store === "redis" ? 0 : total(await (this.#store as Worker<StoreProgram>).call("bytes"));
    return { cpu: { host, servers, store }, client, servers: among.reduce((sum, counts) => sum + total(counts), 0), store: atStore };
  }
}

async function startStore(crew: Crew, system: SystemName): Promise<{ worker: Worker<StoreProgram> | Worker<RedisProgram>; address: string }> {
  const { store, storeDelayMs } = SYSTEMS[system];
  if (store === "redis") {
    const worker = crew.start<RedisProgram>("redis-guard", {});
    return { worker, address: `127.0.0.1:${await worker.call("listen")}` };
  }
  const worker = crew.start<StoreProgram>("store-server", { kind: store, delayMs: storeDelayMs } satisfies StoreOptions);
  return { worker, address: await worker.call("listen") };
}

function difference(after: CpuUse, before: CpuUse): CpuUse {
  return { host: after.host - before.host, servers: after.servers.map((cpu, index) => cpu - before.servers[index]), store: after.store - before.store };
}
