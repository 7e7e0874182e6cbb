// Workflows without a cache: every operation goes to the store.

import type { Store } from "@causalmesh/core";
import { remoteStore } from "../../store/remote-store.js";
import type { ClientOptions, Context, FunctionRun, SystemClient } from "../system.js";

const decoder = new TextDecoder();

export async function storeClient({ transport, store }: ClientOptions): Promise<SystemClient> {
  const opened = await remoteStore(transport, store);
  const run = new StoreRun(opened);
  return {
    begin: async () => undefined,
    enter: async () => run,
    fill: async (keys, value) => await run.writeAll(keys, value),
    warm: async () => undefined,
    close: async () => await opened.close(),
  };
}

class StoreRun implements FunctionRun {
  readonly #store: Store;
  #counter = 0;
  #timestamp = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  async read(keys: readonly string[]): Promise<(string | undefined)[]> {
    const rows = await this.#store.getMany(keys);
    return rows.map((row) => (row === undefined || row.value === null ? undefined : decoder.decode(row.value)));
  }

  async write(key: string, value: string): Promise<void> {
    await this.writeAll([key], value);
  }

  async writeAll(keys: readonly string[], value: string): Promise<void> {
    this.#timestamp = Math.max(this.#timestamp + 1, Date.now() * 1000);
    const rows = keys.map((key) => ({ key, value: Buffer.from(value), timestamp: this.#timestamp, replica: 1, counter: ++this.#counter, expiresAt: 0 }));
    await this.#store.apply(rows, []);
  }

  async leave(): Promise<Context> {
    return "";
  }

  async finish(): Promise<void> {}
}
