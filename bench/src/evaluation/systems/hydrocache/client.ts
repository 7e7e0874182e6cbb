// Workflows on HydroCache. Writes wait in the workflow and are flushed by its last function, with all that was read as what they depend on.

import { ByteReader, ByteWriter } from "@causalmesh/core/testing";
import { FILL_VERSIONS } from "../../store/causal-table.js";
import { dial, nothing, type Rpc, writeTexts } from "../../wire/rpc.js";
import { dialAll, fillAt } from "../links.js";
import { Aborted, type ClientOptions, type Context, type FunctionRun, type PlannedFunction, type SystemClient } from "../system.js";
import { addTo, joinReads, writeVectorMap } from "../vectors.js";
import {
  CLEAN,
  FIT,
  FLUSH,
  type HydroContext,
  LOAD,
  PREPARE,
  type Read,
  READ,
  readHydroContext,
  readRead,
  readSources,
  writeHydroContext,
  writeKeysByServer,
  writeSources,
  writeWrites,
} from "./messages.js";
import { ABORTS } from "./optimistic.js";

const packed = new ByteWriter();
let workflows = 0;

export async function conservativeClient(options: ClientOptions): Promise<SystemClient> {
  const servers = await dialAll(options);
  const begin = async (plan: readonly PlannedFunction[] | undefined): Promise<Context> => {
    if (plan === undefined) throw new Error("the conservative HydroCache has to know all keys of a workflow before it begins");
    const reads = new Map<number, string[]>();
    for (const planned of plan) if (planned.reads.length > 0) reads.set(planned.server, [...(reads.get(planned.server) ?? []), ...planned.reads]);
    const context: HydroContext = { id: ++workflows, participants: [...reads.keys()], sources: [], read: new Map(), writes: new Map() };
    if (reads.size === 0) return pack(context);
    await servers[plan[0].server].call(
      PREPARE,
      (out) => {
        out.varint(context.id);
        writeKeysByServer(out, reads);
      },
      nothing,
    );
    return pack(context);
  };
  return {
    ...(await common(options, servers)),
    begin,
    enter: async (contexts, server) => {
      const context = joinContexts(contexts);
      return new HydroRun(servers, server, context, (keys) => readPinned(servers[server], context, keys));
    },
  };
}

export async function optimisticClient(options: ClientOptions): Promise<SystemClient> {
  const servers = await dialAll(options);
  return {
    ...(await common(options, servers)),
    begin: async () => undefined,
    enter: async (contexts, server, reads) => {
      const context = joinContexts(contexts);
      // The function's keys are known when it is called: one request for all of them.
      const wanted = reads.filter((key) => !context.writes.has(key));
      const isJoined = contexts.length > 1;
      const found = wanted.length === 0 && !isJoined ? [] : await fit(servers[server], context, wanted, isJoined);
      const byKey = new Map(wanted.map((key, index) => [key, found[index]]));
      return new HydroRun(servers, server, context, async (keys) => keys.map((key) => byKey.get(key)!));
    },
  };
}

async function common({ transport, store }: ClientOptions, servers: readonly Rpc[]): Promise<Pick<SystemClient, "fill" | "warm" | "close">> {
  const filler = await dial(transport, store);
  return {
    fill: (keys, value) => fillAt(filler, FILL_VERSIONS, keys, value),
    warm: (server, keys) => servers[server].call(LOAD, (out) => writeTexts(out, keys), nothing),
    close: async () => [filler, ...servers].forEach((rpc) => rpc.close()),
  };
}

function readPinned(server: Rpc, { id }: HydroContext, keys: readonly string[]): Promise<Read[]> {
  return server.call(
    READ,
    (out) => {
      out.varint(id);
      writeTexts(out, keys);
    },
    (payload) => keys.map(() => readRead(payload)),
  );
}

/** `isJoined`: what parallel branches have read is to be looked at, too. */
async function fit(server: Rpc, context: HydroContext, keys: readonly string[], isJoined: boolean): Promise<Read[]> {
  return await server.call(
    FIT,
    (out) => {
      writeTexts(out, keys);
      out.u8(isJoined ? 1 : 0);
      writeVectorMap(out, context.read);
      writeSources(out, context.sources);
    },
    (payload) => {
      const abort = payload.u8();
      if (abort !== 0) return Promise.reject(new Aborted(ABORTS[abort]));
      const found = keys.map(() => readRead(payload));
      context.sources = readSources(payload);
      return found;
    },
  );
}

function pack(context: HydroContext): Uint8Array {
  packed.length = 0;
  writeHydroContext(packed, context);
  return packed.copy();
}

function joinContexts(contexts: readonly Context[]): HydroContext {
  const [first, ...others] = contexts.map((context) => readHydroContext(new ByteReader(context as Uint8Array)));
  if (first === undefined) return { id: 0, participants: [], sources: [], read: new Map(), writes: new Map() };
  for (const { read, writes, sources } of others) {
    joinReads(first.read, read);
    for (const [key, value] of writes) first.writes.set(key, value);
    first.sources = [...first.sources, ...sources];
  }
  return first;
}

class HydroRun implements FunctionRun {
  readonly #servers: readonly Rpc[];
  readonly #server: number;
  readonly #context: HydroContext;
  readonly #ask: (keys: readonly string[]) => Promise<readonly Read[]>;

  constructor(servers: readonly Rpc[], server: number, context: HydroContext, ask: (keys: readonly string[]) => Promise<readonly Read[]>) {
    this.#servers = servers;
    this.#server = server;
    this.#context = context;
    this.#ask = ask;
  }

  async read(keys: readonly string[]): Promise<(string | undefined)[]> {
    const { writes, read } = this.#context;
    const asked = keys.filter((key) => !writes.has(key));
    const found = asked.length === 0 ? [] : await this.#ask(asked);
    asked.forEach((key, index) => addTo(read, key, found[index].vector));
    return keys.map((key) => writes.get(key) ?? found[asked.indexOf(key)].value);
  }

  async write(key: string, value: string): Promise<void> {
    this.#context.writes.set(key, value);
  }

  async leave(): Promise<Context> {
    return pack(this.#context);
  }

  async finish(): Promise<void> {
    const { writes, read, id, participants } = this.#context;
    if (writes.size > 0) {
      await this.#servers[this.#server].call(
        FLUSH,
        (out) => {
          writeWrites(out, writes);
          writeVectorMap(out, read);
        },
        nothing,
      );
    }
    for (const server of participants) this.#servers[server].tell(CLEAN, (out) => out.varint(id));
  }
}
