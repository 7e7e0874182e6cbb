// The processes of the demo: started by this one, asked by messages, and never left behind.

import { fork, type ChildProcess } from "node:child_process";
import { createServer, type AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import type { Order, Report } from "./processes/child.js";

/** Time to end by itself before a process is killed. */
const STOP_TIMEOUT_MS = 10_000;

export class Crew {
  readonly #children = new Set<ChildProcess>();
  /** Called when a process ends that nobody stopped. */
  onLoss: (message: string) => void = () => undefined;
  #stopping = false;

  /** Starts a process of a kind and resolves with it when it is ready. */
  async start<Options>(kind: "mesh-node" | "plain-node" | "function-host", options: Options): Promise<ChildProcess> {
    const child = fork(fileURLToPath(new URL(`./processes/${kind}.js`, import.meta.url)), { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    this.#children.add(child);
    // A message to a process that has just ended fails; its end is what counts, and is noticed by itself.
    child.on("error", () => undefined);
    child.once("exit", (code, signal) => {
      this.#children.delete(child);
      if (!this.#stopping) this.onLoss(`a ${kind} process (${child.pid}) ended with ${signal ?? `exit code ${code}`}`);
    });
    const order: Order<Options> = { type: "start", options };
    child.send(order);
    await new Promise<void>((resolve, reject) => {
      child.once("message", (report: Report) => (report.type === "ready" ? resolve() : reject(new Error(`${kind}: ${report.message}`))));
      child.once("error", reject);
      child.once("exit", (code, signal) => reject(new Error(`a ${kind} process ended with ${signal ?? `exit code ${code}`} before it was ready`)));
    });
    return child;
  }

  /** Ends all processes; resolves when none is left. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const order: Order<never> = { type: "stop" };
    const ended = [...this.#children].map((child) => new Promise<void>((resolve) => child.once("exit", () => resolve())));
    for (const child of this.#children) {
      if (child.connected) child.send(order);
      else child.kill();
    }
    const kill = setTimeout(() => {
      for (const child of this.#children) child.kill("SIGKILL");
    }, STOP_TIMEOUT_MS);
    await Promise.all(ended);
    clearTimeout(kill);
  }
}

/** Addresses of this machine on which nothing listens now. */
export async function freeAddresses(count: number): Promise<string[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  const addresses = servers.map((server) => `127.0.0.1:${(server.address() as AddressInfo).port}`);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return addresses;
}
