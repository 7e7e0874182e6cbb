// A program of a chaos run as its parent holds it: it works from `begin` to `stop`, and reports then. It ends with its parent, however that ends.

import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** What parent and program say to each other. */
export type ToProgram<Order> =
  | { readonly type: "begin"; readonly order: Order }
  | { readonly type: "stop" }
  | { readonly type: "mail"; readonly mail: unknown };
export type FromProgram<Report> =
  | { readonly type: "begun" }
  | { readonly type: "stopped"; readonly report: Report }
  | { readonly type: "mail"; readonly mail: unknown };

export class Program<Order, Report> {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #failure: Error | undefined;
  #waiting: { resolve: (message: FromProgram<Report>) => void; reject: (error: Error) => void } | undefined;

  /** `name` is that of a file beside this one; `mailed` is told what the program sends at any time. */
  constructor(name: string, mailed: (mail: unknown) => void = () => undefined) {
    this.#child = fork(fileURLToPath(new URL(`./${name}.js`, import.meta.url)), { execArgv: [] });
    this.#ended = once(this.#child, "exit");
    this.#child.on("message", (message: FromProgram<Report>) => {
      if (message.type === "mail") mailed(message.mail);
      else this.#waiting?.resolve(message);
    });
    this.#child.once("exit", (code, signal) => {
      this.#failure = new Error(`${name} ended with ${signal ?? `code ${code}`}`);
      this.#waiting?.reject(this.#failure);
    });
  }

  /** Resolves when it works. */
  async begin(order: Order): Promise<void> {
    await this.#ask({ type: "begin", order });
  }

  /** Resolves when no call is under way any more. */
  async stop(): Promise<Report> {
    const message = await this.#ask({ type: "stop" });
    return (message as Extract<FromProgram<Report>, { type: "stopped" }>).report;
  }

  post(mail: unknown): void {
    if (this.#failure === undefined) this.#send({ type: "mail", mail });
  }

  async end(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  #ask(message: ToProgram<Order>): Promise<FromProgram<Report>> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      if (this.#failure === undefined) this.#send(message);
      else reject(this.#failure);
    });
  }

  #send(message: ToProgram<Order>): void {
    // Whoever waits learns of the end of the program by that.
    this.#child.send(message, () => undefined);
  }
}

export interface ProgramWork<Order, Report> {
  begin(order: Order): Promise<void>;
  stop(): Promise<Report>;
  mailed?(mail: unknown): void;
}

/** The other side: runs the work in this process. */
export function serve<Order, Report>(work: ProgramWork<Order, Report>): void {
  const say = (message: FromProgram<Report>): void => void process.send!(message);
  process.once("disconnect", () => process.exit());
  // Ctrl-C reaches every process of the terminal; the parent says what is to end.
  process.on("SIGINT", () => undefined);
  process.on("message", (message: ToProgram<Order>) => {
    if (message.type === "begin") void work.begin(message.order).then(() => say({ type: "begun" }));
    else if (message.type === "stop") void work.stop().then((report) => say({ type: "stopped", report }));
    else work.mailed?.(message.mail);
  });
}
