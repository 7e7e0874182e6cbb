// The nodes of a chaos run: processes that advertise a proxy each, so that what others say to a node can be late, or not get there. Clients know where the nodes themselves listen.

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readView, type Store, type View } from "@causalmesh/core";
import { freeAddresses, NodeProcess } from "../node-process.js";
import { TcpProxy } from "../tcp-proxy.js";

const WATCH_MS = 100;
/** Pause before a node that could not begin is started again, as a supervisor of processes would. */
const START_AGAIN_MS = 500;

export interface ChaosNode {
  /** 1, 2, 3 …, for people. */
  readonly number: number;
  readonly listen: string;
  readonly proxy: TcpProxy;
  process: NodeProcess | undefined;
  /** Whether it is to be a member of the mesh: it runs, and will go on running. */
  isWanted: boolean;
  /** Something is being done to it. */
  isBusy: boolean;
}

export interface NodesOptions {
  readonly url: string;
  readonly store: Store;
  readonly count: number;
  /** Nodes that may join later. */
  readonly spares: number;
  /** A folder for the logs of the nodes. */
  readonly logs: string | undefined;
  readonly failed: (message: string) => void;
}

export class ChaosNodes {
  readonly all: readonly ChaosNode[];
  readonly #options: NodesOptions;
  /** Whose replica id it is. */
  readonly #owners = new Map<number, ChaosNode>();
  /** Pairs of numbers, `from-to`: what the one says does not reach the other. */
  readonly #barred = new Set<string>();
  #view: View | undefined;
  #closed = false;
  readonly #watching: Promise<void>;

  private constructor(options: NodesOptions, all: readonly ChaosNode[]) {
    this.#options = options;
    this.all = all;
    for (const node of all) node.proxy.admits = (opening) => this.#admits(opening, node);
    this.#watching = this.#watch();
  }

  /** Starts the first node, which begins the mesh, and then the others, which join it. */
  static async start(options: NodesOptions): Promise<ChaosNodes> {
    const addresses = await freeAddresses(options.count + options.spares);
    const all = await Promise.all(
      addresses.map(async (listen, index): Promise<ChaosNode> => {
        const proxy = await TcpProxy.to("127.0.0.1", Number(listen.split(":")[1]));
        return { number: index + 1, listen, proxy, process: undefined, isWanted: false, isBusy: false };
      }),
    );
    const nodes = new ChaosNodes(options, all);
    try {
      const [first, ...others] = all.slice(0, options.count);
      await nodes.start(first);
      await Promise.all(others.map((node) => nodes.start(node)));
      return nodes;
    } catch (error) {
      await nodes.close();
      throw error;
    }
  }

  /** The last view that was read. */
  get view(): View | undefined {
    return this.#view;
  }

  get wanted(): readonly ChaosNode[] {
    return this.all.filter(({ isWanted }) => isWanted);
  }

  /** Resolves when the node serves. One that cannot begin, since the store is away, is started again. */
  async start(node: ChaosNode): Promise<void> {
    const { url, logs, failed } = this.#options;
    node.isWanted = true;
    while (!this.#closed) {
      const logPath = logs === undefined ? undefined : join(logs, `node-${node.number}.log`);
      node.process = new NodeProcess({ url, listen: node.listen, advertise: `127.0.0.1:${node.proxy.port}`, logPath, failed });
      try {
        return await node.process.ready;
      } catch {
        await sleep(START_AGAIN_MS);
      }
    }
  }

  /** The node before this one in the ring. */
  predecessorOf(node: ChaosNode): ChaosNode | undefined {
    const members = this.#view?.members ?? [];
    const at = members.findIndex(({ replica }) => this.#owners.get(replica) === node);
    return at < 0 ? undefined : this.#owners.get(members[(at + members.length - 1) % members.length].replica);
  }

  /** Whether the view of the store has exactly those nodes that are wanted. */
  get isWhole(): boolean {
    const members = this.#view?.members ?? [];
    const wanted = this.wanted.map(({ proxy }) => `127.0.0.1:${proxy.port}`);
    return members.length === wanted.length && members.every(({ address }) => wanted.includes(address));
  }

  /** From now on nothing that the one says reaches the other. */
  bar(from: ChaosNode, to: ChaosNode): void {
    this.#barred.add(`${from.number}-${to.number}`);
    to.proxy.cut((opening) => !this.#admits(opening, to));
  }

  allow(from: ChaosNode, to: ChaosNode): void {
    this.#barred.delete(`${from.number}-${to.number}`);
  }

  /** A node that is not known yet, while others are kept away, may be one of them; it tries again. */
  #admits(opening: Buffer, to: ChaosNode): boolean {
    const replica = replicaIn(opening);
    if (replica === undefined || this.#barred.size === 0) return true;
    const from = this.#owners.get(replica);
    return from !== undefined && !this.#barred.has(`${from.number}-${to.number}`);
  }

  async #watch(): Promise<void> {
    while (!this.#closed) {
      try {
        this.#view = await readView(this.#options.store);
        for (const { replica, address } of this.#view?.members ?? []) {
          const owner = this.all.find(({ proxy }) => address === `127.0.0.1:${proxy.port}`);
          if (owner !== undefined) this.#owners.set(replica, owner);
        }
      } catch {
        // The store is away.
      }
      await sleep(WATCH_MS);
    }
  }

  /** Ends everything at once. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.all.map(async ({ process }) => await process?.kill()));
    await Promise.all(this.all.map(({ proxy }) => proxy.close()));
    await this.#watching;
  }
}

/** The replica of the node whose HELLO this is (docs/wire.md); undefined for clients. */
function replicaIn(opening: Buffer): number | undefined {
  const isNodesHello = opening.length >= 36 && opening[4] === 1 && opening[15] === 1;
  return isNodesHello ? opening.readUInt32LE(32) : undefined;
}
