// A whole deployment in a simulated world: the nodes of a mesh, the store behind them, and processes that run the functions, all of them the code of production, each on
// its processor, with stated delays between them.

import { formMesh, type Transport } from "@causalmesh/core";
import { MemberNode, Simulation } from "@causalmesh/core/testing";
import { remoteStore } from "../store/remote-store.js";
import { rowTable } from "../store/row-table.js";
import { sessionClient } from "../systems/causalmesh/client.js";
import type { SystemClient } from "../systems/system.js";
import { Rpc } from "../wire/rpc.js";
import { Cores } from "./cores.js";
import { DelayedNetwork } from "./network.js";
import { SimulatedProcess } from "./process.js";
import { Propagation } from "./propagation.js";
import { type CodeCosts, costMs, type SocketCosts, type Work } from "./work.js";

export type Role = "node" | "functions" | "store";
export const ROLES: readonly Role[] = ["node", "functions", "store"];

export interface Costs {
  readonly sockets: SocketCosts;
  readonly code: Readonly<Record<Role, CodeCosts>>;
}

export interface DeploymentOptions {
  readonly nodes: number;
  /** Processes that run functions, at most; each serves the same number of nodes, side by side in the ring. */
  readonly hosts: number;
  /** Milliseconds one way: from region to region, and on the diagonal within one. The nodes of a region stand side by side in the ring; the store is in the first. */
  readonly delaysMs: readonly (readonly number[])[];
  /** Processors that all processes share; undefined where each node has one, and functions and the store as many as they need. */
  readonly sharedCores?: number;
  readonly costs: Costs;
  readonly seed: number;
  /** Told of each step and of what it took in this very process. */
  readonly measured?: (role: Role, work: Work, ms: number) => void;
}

/** Bytes that were sent. */
export interface SentBytes {
  /** Between functions and nodes, from node to node, and between nodes and the store. */
  client: number;
  peers: number;
  store: number;
}

export interface FunctionHost {
  readonly process: SimulatedProcess;
  /** Its client knows its nodes alone, by their place from here on. */
  readonly firstNode: number;
  readonly client: SystemClient;
}

const STORE = "store";
/** Enough for the keys of the workloads. */
const CACHE_BYTES = 1024 * 1024;
const SNAPSHOT_BYTES = 256 * 1024;
const EVENTS_MAX = 1e9;
const EVENTS_PER_TURN = 2_000;
/** Keys in one request while caches are filled. */
const BATCH_KEYS = 500;

/** Lets promises run; and now and then the runtime's own event loop, so that the program hears of signals. */
function settle(): () => Promise<void> {
  let events = 0;
  return () => new Promise((resolve) => (++events % EVENTS_PER_TURN === 0 ? setImmediate(resolve) : process.nextTick(resolve)));
}

export class Deployment {
  readonly simulation: Simulation;
  readonly options: DeploymentOptions;
  readonly nodes: { readonly process: SimulatedProcess; readonly member: MemberNode }[] = [];
  readonly hosts: FunctionHost[] = [];
  readonly store: SimulatedProcess;
  readonly sent: SentBytes = { client: 0, peers: 0, store: 0 };
  readonly propagation: Propagation;
  #numbers = 0;
  /** Numbers writes. */
  readonly nextNumber = (): number => ++this.#numbers;
  readonly #network: DelayedNetwork;
  readonly #roles = new Map<SimulatedProcess, Role>();
  readonly #regions = new Map<SimulatedProcess, number>();
  readonly #shared: Cores | undefined;

  private constructor(simulation: Simulation, options: DeploymentOptions) {
    this.simulation = simulation;
    this.options = options;
    this.#shared = options.sharedCores === undefined ? undefined : new Cores(options.sharedCores);
    this.#network = new DelayedNetwork(simulation, {
      delayMs: (from, to) => options.delaysMs[this.#regions.get(from)!][this.#regions.get(to)!],
      sent: (from, to, bytes) => (this.sent[this.#between(from, to)] += bytes),
    });
    this.propagation = new Propagation(simulation, this.nodes);
    this.store = this.#process(STORE, "store", 0);
  }

  /** Runs `work` on a deployment whose nodes have all keys in their caches. Nothing is left of it afterwards. */
  static async run<Result>(
    options: DeploymentOptions,
    keys: readonly string[],
    fill: string,
    work: (deployment: Deployment) => Promise<Result>,
  ): Promise<Result> {
    const simulation = new Simulation(options.seed, settle(), false, EVENTS_MAX);
    const deployment = new Deployment(simulation, options);
    return await simulation.run(
      (async () => {
        await deployment.#start();
        await deployment.#fill(keys, fill);
        return await work(deployment);
      })(),
    );
  }

  async #start(): Promise<void> {
    const { nodes: count, hosts: hostsMax, delaysMs } = this.options;
    const hosts = Math.min(count, hostsMax);
    const regionOf = (host: number): number => Math.floor((host * delaysMs.length) / hosts);
    const table = rowTable(0);
    await this.#network.transport({ process: this.store, source: "peer" }).listen(STORE, (connection) => new Rpc(connection, table));
    const addresses = Array.from({ length: count }, (_, index) => `node-${index + 1}`);
    for (const [index, address] of addresses.entries()) {
      const simulated = this.#process(address, "node", regionOf(this.hostOf(index)));
      const transport = this.#network.transport({ process: simulated, source: "peer" });
      if (index === 0) await formMesh(await remoteStore(transport, STORE), addresses, simulated.platform);
      const options = { address, cacheBytes: CACHE_BYTES, snapshotBytes: SNAPSHOT_BYTES, platform: simulated.platform };
      const store = await remoteStore(transport, STORE);
      const member = new MemberNode({ ...options, store, transport, replica: index + 1, onFatal: this.propagation.fail });
      await member.start();
      this.nodes.push({ process: simulated, member });
    }
    for (let host = 0; host < hosts; host++) {
      const first = addresses.findIndex((_, index) => this.hostOf(index) === host);
      const own = addresses.filter((_, index) => this.hostOf(index) === host);
      this.hosts.push(await this.#host(host, own, first, regionOf(host)));
    }
  }

  async #host(index: number, addresses: readonly string[], firstNode: number, region: number): Promise<FunctionHost> {
    const simulated = this.#process(`functions-${index + 1}`, "functions", region);
    const transport: Transport = this.#network.transport({ process: simulated, source: "client" });
    const { platform } = simulated;
    await simulated.entered();
    return { process: simulated, firstNode, client: await sessionClient({ addresses, store: STORE, transport, counts: { sent: 0, received: 0 }, platform }) };
  }

  #process(name: string, role: Role, region: number): SimulatedProcess {
    const { costs, measured } = this.options;
    const code = costs.code[role];
    const cores = this.#shared ?? (role === "node" ? new Cores(1) : undefined);
    const index = this.nodes.length;
    const simulated: SimulatedProcess = new SimulatedProcess(this.simulation, {
      name,
      cores,
      costMs: (work) => costMs(work, costs.sockets, code),
      onStep: (work, ms) => {
        if (role === "node") this.propagation.look(index, simulated, work);
        measured?.(role, work, ms);
      },
    });
    this.#roles.set(simulated, role);
    this.#regions.set(simulated, region);
    return simulated;
  }

  #between(from: SimulatedProcess, to: SimulatedProcess): keyof SentBytes {
    const roles = [this.#roles.get(from)!, this.#roles.get(to)!];
    return roles.includes("store") ? "store" : roles.includes("functions") ? "client" : "peers";
  }

  /** The index of the host that runs the functions at a node. */
  hostOf(node: number): number {
    const { nodes, hosts } = this.options;
    return Math.floor((node * Math.min(nodes, hosts)) / nodes);
  }

  async #fill(keys: readonly string[], value: string): Promise<void> {
    for (let at = 0; at < keys.length; at += BATCH_KEYS) {
      const batch = keys.slice(at, at + BATCH_KEYS);
      await this.hosts[0].process.entered();
      await this.hosts[0].client.fill(batch, value);
    }
    const warm = async (host: FunctionHost, index: number): Promise<void> => {
      await host.process.entered();
      for (let node = 0; node < this.nodes.length; node++) {
        if (this.hostOf(node) !== index) continue;
        for (let at = 0; at < keys.length; at += BATCH_KEYS) await host.client.warm(node - host.firstNode, keys.slice(at, at + BATCH_KEYS));
        // In a mesh that has run for a while all nodes have written something, so vectors name all of them.
        const run = await host.client.enter([], node - host.firstNode, []);
        await run.write(`first:${node}`, value);
      }
    };
    await Promise.all(this.hosts.map(warm));
  }

  /** The client as one workflow sees it, wherever its functions run. */
  roaming(): SystemClient & { readonly process: SimulatedProcess | undefined } {
    let at: FunctionHost | undefined;
    const unused = (): Promise<never> => Promise.reject(new Error("a workflow neither fills nor closes anything"));
    return {
      get process() {
        return at?.process;
      },
      begin: async () => undefined,
      enter: async (contexts, node, reads) => {
        const host = this.hosts[this.hostOf(node)];
        if (at === undefined) await host.process.entered();
        else if (at !== host) await this.#network.arrival(at.process, host.process, "client");
        at = host;
        return await host.client.enter(contexts, node - host.firstNode, reads);
      },
      fill: unused,
      warm: unused,
      close: unused,
    };
  }
}
