// Nodes as processes that can be killed, stopped and continued: each is `causalmesh node start`. A mesh of them on one database.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { formMesh, type Member, type Store } from "@causalmesh/core";
import { freePort } from "@causalmesh/test-servers";

/** The program stands beside the library of its package. */
const PROGRAM = fileURLToPath(new URL("./main.js", import.meta.resolve("causalmesh")));

export interface NodeOptions {
  /** Of the database. */
  readonly url: string;
  readonly listen: string;
  /** Where others reach it, if that is another address. */
  readonly advertise?: string;
  /** The member that it is. Without it the node joins the mesh on the store. */
  readonly replica?: number;
  /** A file for what it logs. */
  readonly logPath?: string;
  /** Told when it ends by itself after it has served, or cannot end in order. */
  readonly failed: (message: string) => void;
}

/** What a supervised node says over its channel. */
type NodeReport = { readonly type: "ready" } | { readonly type: "failed"; readonly message: string };

export class NodeProcess {
  /** Resolves when the node serves; rejects when it ends before. */
  readonly ready: Promise<void>;
  readonly #options: NodeOptions;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #ending: "by itself" | "in order" | "killed" = "by itself";
  #hasServed = false;
  #lastLine = "";

  constructor(options: NodeOptions) {
    this.#options = options;
    const { url, listen, advertise, replica } = options;
    const args = ["node", "start", "--supervised", "--no-config", "--no-admin", "--listen", listen];
    if (advertise !== undefined) args.push("--advertise", advertise);
    if (replica !== undefined) args.push("--replica", String(replica));
    this.#child = spawn(process.execPath, [PROGRAM, ...args], {
      // Not on the command line, which other users see: the URL may hold a password.
      env: { ...process.env, CAUSALMESH_STORE: url },
      // The channel ends with this process, however that ends, and then the node ends too.
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    createInterface({ input: this.#child.stderr! }).on("line", (line) => this.#logged(line));
    // `close` comes after the last line.
    this.#ended = once(this.#child, "close");
    this.ready = new Promise((resolve, reject) => {
      this.#child.on("message", (report: NodeReport) => {
        if (report.type !== "ready") return;
        this.#hasServed = true;
        resolve();
      });
      this.#child.once("close", (code, signal) => {
        const how = this.#endedWith(code as number | null, signal as string | null);
        reject(new Error(`the node at ${listen} ${how} before it served`));
      });
    });
    // Whoever starts several waits for all of them.
    this.ready.catch(() => undefined);
  }

  #logged(line: string): void {
    this.#lastLine = line;
    if (this.#options.logPath !== undefined) appendFileSync(this.#options.logPath, `${line}\n`);
  }

  #endedWith(code: number | null, signal: string | null): string {
    const how = `ended ${this.#ending} with ${signal ?? `code ${code}`}: ${this.#lastLine}`;
    const isWell = this.#ending === "killed" || (this.#ending === "in order" && code === 0);
    if (!isWell && this.#hasServed) this.#options.failed(`${this.#options.listen}: ${how}`);
    return how;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Ends it in the middle of whatever it does. */
  async kill(): Promise<void> {
    this.#ending = "killed";
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  /** Tells it to hand over and leave, and waits for its end. */
  async stop(): Promise<void> {
    if (this.#ending === "by itself") this.#ending = "in order";
    this.#child.kill("SIGTERM");
    await this.#ended;
  }

  /** Takes its processor away, until `resume`. */
  pause(): void {
    this.#child.kill("SIGSTOP");
  }

  resume(): void {
    this.#child.kill("SIGCONT");
  }
}

export class MeshProcesses {
  readonly addresses: readonly string[];
  /** What nodes said when they stopped by themselves. */
  readonly failures: string[] = [];
  readonly #nodes: readonly NodeProcess[];

  private constructor(url: string, members: readonly Member[]) {
    this.addresses = members.map(({ address }) => address);
    this.#nodes = members.map(({ address, replica }) => new NodeProcess({ url, listen: address, replica, failed: (message) => this.failures.push(message) }));
  }

  /** Forms the next mesh on the store, and starts each of its nodes on the database of the URL. */
  static async start(store: Store, url: string, nodes: number): Promise<MeshProcesses> {
    const addresses = await freeAddresses(nodes);
    const { members } = await formMesh(store, addresses);
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
    await Promise.all(this.#nodes.map((node, at) => (at === index ? node.kill() : node.stop())));
  }

  /** Ends all of them at once, in the middle of whatever they do. */
  async kill(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.kill()));
  }
}

/** So many addresses of this machine at which nobody listens, each another one. */
export async function freeAddresses(count: number): Promise<string[]> {
  const addresses = new Set<string>();
  while (addresses.size < count) addresses.add(`127.0.0.1:${await freePort()}`);
  return [...addresses];
}
