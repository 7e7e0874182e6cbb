// Workflows on the CausalMesh of the paper. A session carries what it has read, by key, and its own writes with all that they follow.

import { ByteReader, ByteWriter } from "@causalmesh/core/testing";
import { readValue, type Rpc, writeTexts } from "../../wire/rpc.js";
import { dialAll, fillAt } from "../links.js";
import { Aborted, type ClientOptions, type Context, type FunctionRun, type SystemClient } from "../system.js";
import { addTo, isZero, joinReads, readVector, readVectorMap, type VectorMap, writeVectorMap } from "../vectors.js";
import type { Version } from "../versions.js";
import { FILL, type PaperContext, READ, readContext, VALIDATE, WRITE, writeContext } from "./messages.js";

const packed = new ByteWriter();

export async function paperClient(options: ClientOptions, { transactions }: { transactions: boolean }): Promise<SystemClient> {
  const servers = await dialAll(options);
  return {
    begin: async (_plan, retryWith) => retryWith,
    enter: async (contexts, server) => {
      const run = new PaperRun(servers[server], joinContexts(contexts, transactions), transactions);
      if (transactions && contexts.length > 1) await run.validate();
      return run;
    },
    fill: async (keys, value) => void (await Promise.all(servers.map((server) => fillAt(server, FILL, keys, value)))),
    // Every server has all keys, as in the paper's prototype, which reads no database.
    warm: async () => undefined,
    close: async () => servers.forEach((server) => server.close()),
  };
}

function joinContexts(contexts: readonly Context[], transactions: boolean): PaperContext {
  const [first, ...others] = contexts.map((context) => readContext(new ByteReader(context as Uint8Array)));
  if (first === undefined) return { dependencies: new Map(), local: new Map(), floor: new Map() };
  for (const { dependencies, local, floor } of others) {
    if (transactions) joinReads(first.dependencies, dependencies);
    else for (const [key, vector] of dependencies) addTo(first.dependencies, key, vector);
    for (const version of local.values()) keepLater(first.local, version);
    for (const [key, vector] of floor) addTo(first.floor, key, vector);
  }
  return first;
}

function pack(context: PaperContext): Uint8Array {
  packed.length = 0;
  writeContext(packed, context);
  return packed.copy();
}

/** Of two own writes of a key, made in parallel branches, the session goes on with one; both are on their way round the ring. */
function keepLater(local: Map<string, Version>, version: Version): void {
  const known = local.get(version.key);
  if (known === undefined || version.value > known.value) local.set(version.key, version);
}

class PaperRun implements FunctionRun {
  readonly #server: Rpc;
  readonly #context: PaperContext;
  readonly #transactions: boolean;

  constructor(server: Rpc, context: PaperContext, transactions: boolean) {
    this.#server = server;
    this.#context = context;
    this.#transactions = transactions;
  }

  async read(keys: readonly string[]): Promise<(string | undefined)[]> {
    const { local } = this.#context;
    const answered = new Map<string, string>();
    // As published: its own write is what a session reads, without looking for anything newer.
    const asked = keys.filter((key) => !local.has(key));
    if (asked.length > 0) await this.#ask(asked, answered);
    return keys.map((key) => local.get(key)?.value ?? answered.get(key)!);
  }

  /** Reads into `answered`, and notes what was read. */
  async #ask(keys: readonly string[], answered: Map<string, string>): Promise<void> {
    const { dependencies, floor } = this.#context;
    const write = (out: ByteWriter): void => {
      writeTexts(out, keys);
      writeVectorMap(out, dependencies);
      writeVectorMap(out, floor);
    };
    await this.#server.call(READ, write, (payload) => {
      for (const key of keys) {
        const value = readValue(payload);
        if (value === undefined) return Promise.reject(this.#aborted("no version fits", readVectorMap(payload)));
        answered.set(key, value);
        const vector = readVector(payload);
        // What was there from the beginning comes before everything, and needs no mention but where nothing newer may be followed.
        if (this.#transactions || !isZero(vector)) addTo(dependencies, key, vector);
      }
      return undefined;
    });
  }

  /** The next attempt has what stood in the way made readable wherever it reads: servers show what they have pending to nobody else. */
  #aborted(reason: string, newest: VectorMap): Aborted {
    const { floor } = this.#context;
    for (const [key, vector] of newest) addTo(floor, key, vector);
    return new Aborted(reason, pack({ dependencies: new Map(), local: new Map(), floor }));
  }

  /** What parallel branches have read has to be of one snapshot. */
  async validate(): Promise<void> {
    const read = (payload: ByteReader): VectorMap | undefined => (payload.u8() === 1 ? undefined : readVectorMap(payload));
    const newest = await this.#server.call(VALIDATE, (out) => writeVectorMap(out, this.#context.dependencies), read);
    if (newest !== undefined) throw this.#aborted("branches have read of different snapshots", newest);
  }

  async write(key: string, value: string): Promise<void> {
    const { dependencies, local } = this.#context;
    const vector = await this.#server.call(
      WRITE,
      (out) => {
        out.text(key);
        out.text(value);
        writeContext(out, this.#context);
      },
      readVector,
    );
    const followed: VectorMap = new Map(dependencies);
    for (const own of local.values()) followed.set(own.key, own.vector);
    local.set(key, { key, value, vector, dependencies: followed });
  }

  async leave(): Promise<Context> {
    return pack(this.#context);
  }

  async finish(): Promise<void> {}
}
