// Workflows on caches without a promise: there is nothing to hand over.

import { nothing, readValue, type Rpc, writeTexts } from "../../wire/rpc.js";
import { dialAll } from "../links.js";
import type { ClientOptions, Context, FunctionRun, SystemClient } from "../system.js";
import { READ, WRITE } from "./messages.js";

const NO_CONTEXT: Context = "";
/** Writes in flight while the store is filled. */
const FILL_DEPTH = 256;

export async function weakClient(options: ClientOptions): Promise<SystemClient> {
  const servers = await dialAll(options);
  const runs = servers.map((server) => new WeakRun(server));
  return {
    begin: async () => undefined,
    enter: async (_, server) => runs[server],
    fill: async (keys, value) => {
      for (let at = 0; at < keys.length; at += FILL_DEPTH) await Promise.all(keys.slice(at, at + FILL_DEPTH).map((key) => runs[0].write(key, value)));
    },
    warm: async (server, keys) => void (await runs[server].read(keys)),
    close: async () => servers.forEach((server) => server.close()),
  };
}

class WeakRun implements FunctionRun {
  readonly #server: Rpc;

  constructor(server: Rpc) {
    this.#server = server;
  }

  read(keys: readonly string[]): Promise<(string | undefined)[]> {
    return this.#server.call(
      READ,
      (out) => writeTexts(out, keys),
      (payload) => keys.map(() => readValue(payload)),
    );
  }

  write(key: string, value: string): Promise<void> {
    return this.#server.call(
      WRITE,
      (out) => {
        out.text(key);
        out.text(value);
      },
      nothing,
    );
  }

  async leave(): Promise<Context> {
    return NO_CONTEXT;
  }

  async finish(): Promise<void> {}
}
