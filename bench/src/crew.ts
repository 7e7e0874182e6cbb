// The child processes of a run: started here, asked here, and ended here whatever happens.

import { execFileSync, fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import type { Answer, Commands } from "./serve.js";

/** A worker that does not end by itself is killed after this time. */
const END_MS_MAX = 3_000;

export interface StartOptions {
  /** Options of the runtime, such as `--expose-gc`. */
  readonly execArgv?: readonly string[];
  /**
   * The processor that it and its children keep to. Client and server on one of their own each: where the scheduler puts them otherwise, together
   * or apart, by chance and for as long as they live, changes a round trip by half.
   */
  readonly processor?: 0 | 1;
}

/** Whether processes can be kept to a processor here. */
export function canPin(): boolean {
  try {
    if (availableParallelism() < 2) return false;
    execFileSync("taskset", ["-p", String(process.pid)], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

export class Crew {
  readonly #workers = new Set<Worker<Commands>>();
  readonly #execArgv: readonly string[];

  /** With a folder, every process leaves a CPU profile there. */
  constructor(profileFolder?: string) {
    this.#execArgv = profileFolder === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileFolder}`];
  }

  /** Starts a program of src/processes with an argument that it reads with `argument`. */
  start<Program extends Commands>(program: string, argument: unknown, { execArgv = [], processor }: StartOptions = {}): Worker<Program> {
    const child = fork(fileURLToPath(new URL(`./processes/${program}.js`, import.meta.url)), [JSON.stringify(argument)], {
      execArgv: [...this.#execArgv, ...execArgv],
      serialization: "advanced",
      // Standard output belongs to the report alone.
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    if (processor !== undefined) execFileSync("taskset", ["-acp", String(processor), String(child.pid)], { stdio: "ignore" });
    const worker = new Worker<Program>(child, program, () => this.#workers.delete(worker as Worker<Commands>));
    this.#workers.add(worker as Worker<Commands>);
    return worker;
  }

  async end(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => worker.end()));
  }

  /** Without waiting, for the end of this very process. */
  kill(): void {
    for (const worker of this.#workers) worker.kill();
  }
}

interface Waiter {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** One child process, seen from its parent. */
export class Worker<Program extends Commands> {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #waiting = new Map<number, Waiter>();
  #nextId = 1;

  constructor(child: ChildProcess, name: string, ended: () => void) {
    this.#child = child;
    this.#name = name;
    child.on("message", (answer: Answer) => this.#answered(answer));
    child.on("exit", (code, signal) => {
      ended();
      for (const { reject } of this.#waiting.values()) reject(new Error(`the ${name} process ended (${signal ?? code}) before it answered`));
      this.#waiting.clear();
    });
  }

  #answered(answer: Answer): void {
    const waiter = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (answer.error !== undefined) waiter?.reject(new Error(`the ${this.#name} process: ${answer.error}`));
    else waiter?.resolve(answer.value);
  }

  /** Runs a command of the program and resolves with what it returns. */
  call<Name extends keyof Program & string>(command: Name, ...args: Parameters<Program[Name]>): Promise<Awaited<ReturnType<Program[Name]>>> {
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#child.send({ id, command, args }, (error) => {
        if (error !== null && this.#waiting.delete(id)) reject(error);
      });
    });
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const timer = setTimeout(() => this.kill(), END_MS_MAX);
    const ended = once(this.#child, "exit");
    if (this.#child.connected) this.#child.disconnect();
    await ended;
    clearTimeout(timer);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}
