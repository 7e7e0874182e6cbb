// The function hosts, as workflows use them: each function goes to a random host and a random cache node.

import type { ChildProcess } from "node:child_process";
import type { ArgumentsOf, FunctionName, ResultOf } from "./functions.js";
import type { Invocation, InvocationResult } from "./processes/function-host.js";
import type { Random } from "./random.js";
import type { System } from "./systems.js";

export interface Step<Name extends FunctionName> {
  readonly result: ResultOf<Name>;
  readonly token: string;
}

interface Pending {
  resolve(answer: InvocationResult): void;
}

export class FunctionHosts {
  readonly #hosts: readonly ChildProcess[];
  readonly #nodes: number;
  readonly #random: Random;
  readonly #pending = new Map<number, Pending>();
  #id = 0;

  constructor(hosts: readonly ChildProcess[], nodes: number, random: Random) {
    this.#hosts = hosts;
    this.#nodes = nodes;
    this.#random = random;
    for (const host of hosts) host.on("message", (message: InvocationResult) => this.#answered(message));
  }

  #answered(message: InvocationResult): void {
    this.#pending.get(message.id)?.resolve(message);
    this.#pending.delete(message.id);
  }

  /** Runs one function somewhere. `tokens` is all that it knows of what came before. */
  async run<Name extends FunctionName>(system: System, name: Name, tokens: readonly string[], ...args: ArgumentsOf<Name>): Promise<Step<Name>> {
    this.#id += 1;
    const id = this.#id;
    const host = this.#hosts[this.#random.below(this.#hosts.length)];
    const invocation: Invocation = {
      type: "invoke",
      id,
      system,
      name,
      args,
      node: this.#random.below(this.#nodes),
      tokens: tokens.filter((token) => token !== ""),
    };
    const answer = await new Promise<InvocationResult>((resolve) => {
      this.#pending.set(id, { resolve });
      host.send(invocation);
    });
    if (answer.error !== undefined) throw new Error(`${system}: ${name} failed: ${answer.error}`);
    return { result: answer.result as ResultOf<Name>, token: answer.token ?? "" };
  }
}
