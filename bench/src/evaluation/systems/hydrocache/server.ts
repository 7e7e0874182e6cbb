// What both kinds of HydroCache servers have: the cut and its refresh, and the flush of a workflow's writes at its end.

import type { ByteReader } from "@causalmesh/core/testing";
import { PUT_VERSIONS } from "../../store/causal-table.js";
import { nothing, readTexts, Rpc } from "../../wire/rpc.js";
import { Peers } from "../peers.js";
import type { CacheServer, ServerOptions } from "../system.js";
import { isZero, joinInto, readVectorMap, type Vector, zero } from "../vectors.js";
import { type Version, writeVersion } from "../versions.js";
import { CausalCut } from "./causal-cut.js";
import { FLUSH, LOAD, readWrites } from "./messages.js";
import { Refresh } from "./refresh.js";

/** What a kind of HydroCache answers beyond that. */
export interface Kind {
  serve(rpc: Rpc, type: number, id: number, payload: ByteReader): void;
}

export interface HydroParts {
  readonly index: number;
  readonly cut: CausalCut;
  readonly peers: Peers;
  readonly refresh: Refresh;
}

export async function startHydroServer(options: ServerOptions, kindOf: (parts: HydroParts) => Kind): Promise<CacheServer> {
  const { addresses, index, transport } = options;
  const cut = new CausalCut();
  const refresh = await Refresh.start(cut, options);
  const peers = new Peers(transport, addresses);
  const kind = kindOf({ index, cut, peers, refresh });
  const flusher = new Flusher(index, addresses.length, refresh);
  const serve = (rpc: Rpc, type: number, id: number, payload: ByteReader): void => {
    if (type === FLUSH) flusher.flush(rpc, id, payload);
    else if (type === LOAD) answered(rpc, id, refresh.load(readTexts(payload)));
    else kind.serve(rpc, type, id, payload);
  };
  const listener = await transport.listen(addresses[index], (connection) => new Rpc(connection, serve));
  return {
    backlog: () => refresh.backlog,
    close: async () => {
      await listener.close();
      await peers.close();
      refresh.store.close();
    },
  };
}

export function answered(rpc: Rpc, id: number, work: Promise<unknown>): void {
  work.then(
    () => rpc.reply(id, nothing),
    (error: unknown) => rpc.fail(id, error),
  );
}

class Flusher {
  readonly #index: number;
  readonly #servers: number;
  readonly #refresh: Refresh;
  #counter = 0;

  constructor(index: number, servers: number, refresh: Refresh) {
    this.#index = index;
    this.#servers = servers;
    this.#refresh = refresh;
  }

  /** All writes of a workflow get one vector, follow what it has read, and depend on each other, so that they are shown together. */
  flush(rpc: Rpc, id: number, payload: ByteReader): void {
    const writes = readWrites(payload);
    const read = readVectorMap(payload);
    const vector = zero(this.#servers);
    const followed = new Map<string, Vector>();
    for (const [key, seen] of read) {
      joinInto(vector, seen);
      if (!isZero(seen)) followed.set(key, seen);
    }
    vector[this.#index] = ++this.#counter;
    const versions = [...writes].map(([key, value]): Version => {
      const dependencies = new Map(followed);
      for (const sibling of writes.keys()) dependencies.set(sibling, vector);
      dependencies.delete(key);
      return { key, value, vector, dependencies };
    });
    const put = this.#refresh.store.call(
      PUT_VERSIONS,
      (out) => {
        out.varint(versions.length);
        for (const version of versions) writeVersion(out, version);
      },
      nothing,
    );
    answered(rpc, id, put);
  }
}
