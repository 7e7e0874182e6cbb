// Workflows on FaaSTCC: each read narrows the interval of snapshots that the workflow may be of, and an empty one ends it. Writes wait in the workflow and are committed at its end.

import { ByteReader, ByteWriter } from "@causalmesh/core/testing";
import { FILL } from "../../store/version-table.js";
import { readTimed, type Timed } from "../../store/timed.js";
import { dial, nothing, type Rpc, writeTexts } from "../../wire/rpc.js";
import { writeWrites } from "../hydrocache/messages.js";
import { dialAll, fillAt } from "../links.js";
import { Aborted, type ClientOptions, type Context, type FunctionRun, type SystemClient } from "../system.js";
import { ANY_HIGH, COMMIT, type FaasContext, LOAD, READ, readFaasContext, writeFaasContext } from "./messages.js";

const packed = new ByteWriter();

export async function faasClient(options: ClientOptions): Promise<SystemClient> {
  const servers = await dialAll(options);
  const filler = await dial(options.transport, options.store);
  return {
    begin: async () => undefined,
    enter: async (contexts, server) => new FaasRun(servers[server], joinContexts(contexts)),
    fill: (keys, value) => fillAt(filler, FILL, keys, value),
    warm: (server, keys) => servers[server].call(LOAD, (out) => writeTexts(out, keys), nothing),
    close: async () => [filler, ...servers].forEach((rpc) => rpc.close()),
  };
}

/** The snapshots that are good for all branches. */
function joinContexts(contexts: readonly Context[]): FaasContext {
  const joined: FaasContext = { low: 0, high: ANY_HIGH, writes: new Map() };
  for (const context of contexts) {
    const { low, high, writes } = readFaasContext(new ByteReader(context as Uint8Array));
    joined.low = Math.max(joined.low, low);
    joined.high = Math.min(joined.high, high);
    for (const [key, value] of writes) joined.writes.set(key, value);
  }
  if (joined.low > joined.high) throw new Aborted("branches have read of different snapshots");
  return joined;
}

class FaasRun implements FunctionRun {
  readonly #server: Rpc;
  readonly #context: FaasContext;

  constructor(server: Rpc, context: FaasContext) {
    this.#server = server;
    this.#context = context;
  }

  async read(keys: readonly string[]): Promise<(string | undefined)[]> {
    const { writes } = this.#context;
    const asked = keys.filter((key) => !writes.has(key));
    const found = asked.length === 0 ? [] : await this.#ask(asked);
    for (const version of found) {
      if (version === undefined) throw new Aborted("no version within the interval");
      this.#context.low = Math.max(this.#context.low, version.timestamp);
      this.#context.high = Math.min(this.#context.high, version.promise);
    }
    return keys.map((key) => writes.get(key) ?? found[asked.indexOf(key)]?.value);
  }

  #ask(keys: readonly string[]): Promise<(Timed | undefined)[]> {
    return this.#server.call(
      READ,
      (out) => {
        writeTexts(out, keys);
        out.varint(this.#context.low);
        out.varint(this.#context.high);
      },
      (payload) => keys.map(() => readTimed(payload)),
    );
  }

  async write(key: string, value: string): Promise<void> {
    this.#context.writes.set(key, value);
  }

  async leave(): Promise<Context> {
    packed.length = 0;
    writeFaasContext(packed, this.#context);
    return packed.copy();
  }

  async finish(): Promise<void> {
    const { writes, low } = this.#context;
    if (writes.size === 0) return;
    await this.#server.call(
      COMMIT,
      (out) => {
        out.varint(low);
        writeWrites(out, writes);
      },
      nothing,
    );
  }
}
