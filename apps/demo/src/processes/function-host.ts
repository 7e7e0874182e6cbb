// A process that runs functions for workflows: it is told the function, the system, the cache node and the tokens, and answers with the result and
// the token for what comes next.

import type { Mesh } from "@causalmesh/core";
import { connect } from "@causalmesh/transport-tcp";
import { FUNCTIONS, type FunctionName } from "../functions.js";
import { PlainClient } from "../plain/plain-client.js";
import type { System, View } from "../systems.js";
import { runChild, tell } from "./child.js";

export interface FunctionHostOptions {
  readonly mesh: readonly string[];
  readonly plain: readonly string[];
  readonly secret: string;
}

export interface Invocation {
  readonly type: "invoke";
  readonly id: number;
  readonly system: System;
  readonly name: FunctionName;
  readonly args: readonly unknown[];
  /** Index of the cache node. */
  readonly node: number;
  readonly tokens: readonly string[];
}

export interface InvocationResult {
  readonly type: "result";
  readonly id: number;
  readonly result?: unknown;
  readonly token?: string;
  readonly error?: string;
}

runChild(async (options: FunctionHostOptions) => {
  const mesh = await connect({ nodes: options.mesh, secret: options.secret });
  const plain = await Promise.all(options.plain.map((address) => PlainClient.connect(address)));
  process.on("message", (message: Invocation) => {
    if (message.type === "invoke") void invoke(message, () => viewOf(message, mesh, plain, options.mesh));
  });
  const stop = async (): Promise<void> => {
    for (const client of plain) client.close();
    await mesh.close();
  };
  return { stop };
});

async function invoke({ id, name, args }: Invocation, open: () => View): Promise<void> {
  let answer: InvocationResult;
  try {
    const view = open();
    const call = FUNCTIONS[name] as (view: View, ...args: unknown[]) => Promise<unknown>;
    const result = await call(view, ...args);
    answer = { type: "result", id, result, token: await view.token() };
  } catch (error) {
    answer = { type: "result", id, error: error instanceof Error ? error.message : String(error) };
  }
  tell(answer);
}

function viewOf({ system, node, tokens }: Invocation, mesh: Mesh, plain: readonly PlainClient[], addresses: readonly string[]): View {
  return system === "causalmesh" ? mesh.session(tokens, { node: addresses[node] }) : new PlainView(plain[node]);
}

/** The same calls on a plain cache; there is nothing to hand over. */
class PlainView implements View {
  readonly #client: PlainClient;

  constructor(client: PlainClient) {
    this.#client = client;
  }

  async get<Value>(key: string): Promise<Value | undefined> {
    return (await this.getMany<Value>([key]))[0];
  }

  async getMany<Value>(keys: readonly string[]): Promise<(Value | undefined)[]> {
    return (await this.#client.call({ get: keys })).map((value) => (value === null ? undefined : (value as Value)));
  }

  async set(key: string, value: unknown): Promise<void> {
    await this.#client.call({ set: [[key, value]] });
  }

  async token(): Promise<string> {
    return "";
  }
}
