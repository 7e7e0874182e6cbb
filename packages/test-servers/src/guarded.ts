// Servers that do not outlive the test that started them: each runs under guard.ts.

import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { UserIds } from "./machine.js";

export interface GuardOrder {
  readonly command: string;
  readonly args: readonly string[];
  /** The server's working folder; removed when the test's process ends without having stopped the server. */
  readonly folder: string;
  /** The file that its output is appended to. */
  readonly log: string;
  /** Beside the environment of the test. */
  readonly env?: Readonly<Record<string, string>>;
  readonly user?: UserIds;
}

const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 20_000;
const POLL_MS = 30;

export class GuardedServer {
  readonly #guard: ChildProcess;
  readonly #log: string;
  readonly #pid: number;

  private constructor(guard: ChildProcess, log: string, pid: number) {
    this.#guard = guard;
    this.#log = log;
    this.#pid = pid;
  }

  /** Starts a server and waits until `answers` resolves. Throws, with the end of the server's log, when it does not in time. */
  static async start(order: GuardOrder, answers: () => Promise<unknown>): Promise<GuardedServer> {
    const guard = fork(fileURLToPath(new URL("./guard.js", import.meta.url)), [JSON.stringify(order)], { detached: true, execArgv: [], stdio: "ignore" });
    const [{ pid, failed }] = (await once(guard, "message")) as [{ pid?: number; failed?: string }];
    if (pid === undefined) throw new Error(`${order.command} could not be started: ${failed}`);
    // A test that ends without stopping its server is not kept alive by it.
    guard.unref();
    guard.channel!.unref();
    const server = new GuardedServer(guard, order.log, pid);
    await server.#untilItAnswers(answers);
    return server;
  }

  async #untilItAnswers(answers: () => Promise<unknown>): Promise<void> {
    const deadline = performance.now() + START_TIMEOUT_MS;
    for (;;) {
      try {
        return void (await answers());
      } catch (cause) {
        if (this.running && performance.now() < deadline) {
          await sleep(POLL_MS);
          continue;
        }
        await this.end("SIGKILL");
        throw new Error(`the server does not answer; the end of its log:\n${readFileSync(this.#log, "utf8").slice(-2000)}`, { cause });
      }
    }
  }

  get running(): boolean {
    return this.#guard.exitCode === null && this.#guard.signalCode === null;
  }

  /** Sends the signal and waits for the end; kills a server that does not end by it in time. */
  async end(signal: NodeJS.Signals): Promise<void> {
    if (!this.running) return;
    const ended = once(this.#guard, "exit");
    process.kill(this.#pid, signal);
    const late = setTimeout(() => process.kill(this.#pid, "SIGKILL"), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(late);
  }
}
