// Nodes as processes that can be killed, stopped and continued: each is `causalmesh node start`. A mesh of them on one database.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { formMesh, type Store } from "@causalmesh/core";
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
  /** Told when the mesh had gone on without it and it has joined anew. */
  readonly rejoined?: () => void;
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
        if (report.type === "failed") this.#lastLine = report.message;
        else {
          this.#hasServed = true;
          resolve();
        }
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
    if (line.includes('"joined the mesh again"')) this.#options.rejoined?.();
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
  readonly #url: string;
  readonly #nodes: NodeProcess[] = [];

  private constructor(url: string, addresses: readonly string[]) {
    this.#url = url;
    this.addresses = addresses;
  }

  /** Begins the next mesh on the store with a node on the database of the URL, which the others join. */
  static async start(store: Store, url: string, nodes: number): Promise<MeshProcesses> {
    const mesh = new MeshProcesses(url, await freeAddresses(nodes));
    const [first, ...others] = mesh.addresses;
    const { members } = await formMesh(store, [first]);
    try {
      await mesh.#start(first, members[0].replica);
      await Promise.all(others.map((address) => mesh.#start(address)));
      return mesh;
    } catch (error) {
      await mesh.kill();
      throw error;
    }
  }

  async #start(listen: string, replica?: number): Promise<void> {
    const node = this.#node(listen, replica);
    this.#nodes.push(node);
    await node.ready;
  }

  #node(listen: string, replica?: number): NodeProcess {
    return new NodeProcess({ url: this.#url, listen, replica, failed: (message) => this.failures.push(message) });
  }

  /** Ends one of them in the middle of whatever it does, and the others in order. */
  async loseOne(index: number): Promise<void> {
    await Promise.all(this.#nodes.map((node, at) => (at === index ? node.kill() : node.stop())));
  }

  /** Ends one of them in the middle of whatever it does; the others go on. */
  async loseAt(index: number): Promise<void> {
    await this.#nodes[index].kill();
  }

  /** Starts one anew that has ended, at its address: it joins the mesh. */
  async startAgain(index: number): Promise<void> {
    this.#nodes[index] = this.#node(this.addresses[index]);
    await this.#nodes[index].ready;
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
