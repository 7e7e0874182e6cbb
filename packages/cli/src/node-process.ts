// One node of `causalmesh dev`: a child process, what it reported, and how it ended.

import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { MeshError } from "@causalmesh/core";
import type { NodeReport, StopOrder } from "./supervision.js";

/** The program itself; the build puts every module beside it. */
const MAIN_PATH = fileURLToPath(new URL("./main.js", import.meta.url));

export interface NodeProcessOptions {
  /** 1, 2, 3 … in the order of the ring, for people. */
  readonly number: number;
  /** Arguments of `node start`. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Each line that the node writes to its log. */
  log(line: string, number: number): void;
}

export type NodeReady = Extract<NodeReport, { type: "ready" }>;

export class NodeProcess {
  readonly number: number;
  /** Resolves when the node listens; rejects when it says that it cannot, or ends before. */
  readonly ready: Promise<NodeReady>;
  /** Resolves with how the process ended, in words. Never rejects. */
  readonly ended: Promise<string>;
  #running = true;
  readonly #child: ChildProcess;

  constructor(options: NodeProcessOptions) {
    this.number = options.number;
    // The log comes through a pipe; standard output belongs to the parent's results alone.
    this.#child = spawn(process.execPath, [MAIN_PATH, "node", "start", "--supervised", ...options.args], {
      env: options.env as NodeJS.ProcessEnv,
      cwd: options.cwd,
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    createInterface({ input: this.#child.stderr! }).on("line", (line) => options.log(line, this.number));
    this.ended = this.#watchEnd();
    this.ready = this.#watchReady();
    // Whoever starts several waits for them one after another; a rejection that is not awaited yet is no crash.
    this.ready.catch(() => undefined);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Asks the node to flush and end. */
  stop(): void {
    const order: StopOrder = { type: "stop" };
    // Without a channel the node knows already that it must end.
    if (this.#running && this.#child.connected) this.#child.send(order, () => undefined);
  }

  /** Ends the process at once. */
  kill(): void {
    if (this.#running) this.#child.kill("SIGKILL");
  }

  #watchEnd(): Promise<string> {
    return new Promise((resolve) => {
      const end = (how: string): void => {
        this.#running = false;
        resolve(how);
      };
      this.#child.once("error", (error) => end(`could not be started: ${error.message}`));
      // `close` comes after the last line of the log has been read.
      this.#child.once("close", (code, signal) => end(signal === null ? `ended with exit code ${code}` : `was killed by ${signal}`));
    });
  }

  #watchReady(): Promise<NodeReady> {
    return new Promise((resolve, reject) => {
      this.#child.on("message", (message: NodeReport) => {
        if (message.type === "ready") resolve(message);
        else reject(nodeError(this.number, message));
      });
      void this.ended.then((how) => reject(new Error(`node ${this.number} (process ${this.pid ?? "?"}) ${how} before it was ready`)));
    });
  }
}

function nodeError(number: number, { code, message }: Extract<NodeReport, { type: "failed" }>): Error {
  const text = `node ${number}: ${message}`;
  return code === "INTERNAL" ? new Error(text) : new MeshError(code, text);
}
