// A real browser: one that is there, or Debian's.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { installDebianPackage } from "@causalmesh/test-servers";

const NAMES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const QUIET = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The path of a browser; installs it where that can be done, and fails with what to do otherwise. */
export async function chromium(): Promise<string> {
  const find = (): string | undefined => process.env["CHROMIUM_PATH"] ?? NAMES.find((name) => existsSync(name));
  const found = find() ?? ((await installDebianPackage("chromium")) ? find() : undefined);
  if (found === undefined) throw new Error("no browser was found; install chromium, or set CHROMIUM_PATH");
  return found;
}

/** A page in a browser that is driven over a pipe, by the DevTools protocol: messages are JSON, each ended by a zero byte. */
export class Browser {
  readonly #process: ChildProcess;
  readonly #answers = new Map<number, (message: Answer) => void>();
  #id = 0;
  #session: string | undefined;

  /** Runs the program with a folder of its own. */
  constructor(program: string, folder: string) {
    this.#process = spawn(program, [...QUIET, `--user-data-dir=${folder}`, "--remote-debugging-pipe", "about:blank"], {
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
    });
    let rest = "";
    (this.#process.stdio[4] as Readable).setEncoding("utf8").on("data", (text: string) => {
      const messages = (rest + text).split("\0");
      rest = messages.pop()!;
      for (const message of messages) this.#received(JSON.parse(message) as Answer);
    });
  }

  #received(message: Answer): void {
    if (message.id === undefined) return;
    this.#answers.get(message.id)?.(message);
    this.#answers.delete(message.id);
  }

  async #call(method: string, params: object): Promise<Record<string, unknown>> {
    this.#id += 1;
    const id = this.#id;
    const answer = new Promise<Answer>((resolve) => this.#answers.set(id, resolve));
    (this.#process.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, sessionId: this.#session })}\0`);
    const { result, error } = await answer;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  }

  async open(url: string): Promise<void> {
    const { targetId } = await this.#call("Target.createTarget", { url });
    const { sessionId } = await this.#call("Target.attachToTarget", { targetId, flatten: true });
    this.#session = sessionId as string;
  }

  /** The value of an expression in the page. */
  async evaluate(expression: string): Promise<unknown> {
    const { result } = await this.#call("Runtime.evaluate", { expression, returnByValue: true });
    return (result as { value?: unknown }).value;
  }

  async close(): Promise<void> {
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await ended;
  }
}

interface Answer {
  readonly id?: number;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}
