// Nodes as processes that can be killed: a mesh of them on one database.

import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { formMesh, type Member, type Store } from "@causalmesh/core";
import { freePort } from "@causalmesh/test-servers";

export interface NodeOrder {
  /** Of the database. */
  readonly url: string;
  readonly address: string;
  readonly replica: number;
}

export type NodeMessage = { readonly ready: true } | { readonly failed: string };

export const ORDER_VARIABLE = "CAUSALMESH_FAULTS_NODE";
const PROGRAM = fileURLToPath(new URL("./node-main.js", import.meta.url));

class NodeProcess {
  /** Resolves when the node listens; rejects when it ends before. */
  readonly ready: Promise<void>;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #ending = false;

  constructor(url: string, { address, replica }: Member, failed: (message: string) => void) {
    const order: NodeOrder = { url, address, replica };
    // Not on the command line, which other users see: the URL may hold a password.
    this.#child = fork(PROGRAM, { execArgv: [], env: { ...process.env, [ORDER_VARIABLE]: JSON.stringify(order) } });
    this.#ended = once(this.#child, "exit");
    this.ready = new Promise((resolve, reject) => {
      this.#child.on("message", (message: NodeMessage) => ("ready" in message ? resolve() : failed(`${address}: ${message.failed}`)));
      this.#child.once("exit", (code, signal) => {
        const how = `ended by itself with ${signal ?? `code ${code}`}`;
        if (!this.#ending) failed(`${address}: ${how}`);
        reject(new Error(`the node at ${address} ${how} before it listened`));
      });
    });
    // Whoever starts several waits for all of them.
    this.ready.catch(() => undefined);
  }

  kill(): void {
    this.#ending = true;
    this.#child.kill("SIGKILL");
  }

  /** Asks it to hand on and flush what it has, then to end. */
  stop(): void {
    this.#ending = true;
    this.#child.send("stop", () => undefined);
  }

  async ended(): Promise<void> {
    await this.#ended;
  }
}

export class MeshProcesses {
  readonly addresses: readonly string[];
  /** What nodes said when they stopped by themselves. */
  readonly failures: string[] = [];
  readonly #nodes: readonly NodeProcess[];

  private constructor(url: string, members: readonly Member[]) {
    this.addresses = members.map(({ address }) => address);
    this.#nodes = members.map((member) => new NodeProcess(url, member, (message) => this.failures.push(message)));
  }

  /** Forms the next mesh on the store, and starts each of its nodes on the database of the URL. */
  static async start(store: Store, url: string, nodes: number): Promise<MeshProcesses> {
    const addresses = new Set<string>();
    while (addresses.size < nodes) addresses.add(`127.0.0.1:${await freePort()}`);
    const { members } = await formMesh(store, [...addresses]);
    const mesh = new MeshProcesses(url, members);
    try {
      await Promise.all(mesh.#nodes.map((node) => node.ready));
      return mesh;
    } catch (error) {
      await mesh.kill();
      throw error;
    }
  }

  /** Ends one of them in the middle of whatever it does, and the others in order. */
  async loseOne(index: number): Promise<void> {
    this.#nodes.forEach((node, at) => (at === index ? node.kill() : node.stop()));
    await Promise.all(this.#nodes.map((node) => node.ended()));
  }

  /** Ends all of them at once, in the middle of whatever they do. */
  async kill(): Promise<void> {
    for (const node of this.#nodes) node.kill();
    await Promise.all(this.#nodes.map((node) => node.ended()));
  }
}
