// A cache server of the CausalMesh of the paper: writes go round the ring twice; after the second trip their tail makes them readable, and nobody else unless asked for by
// a session that follows them.

import type { ByteReader } from "@causalmesh/core/testing";
import { readTexts, Rpc, TEXT_BYTES_MAX, writeValue } from "../../wire/rpc.js";
import { Peers } from "../peers.js";
import type { CacheServer, ServerOptions } from "../system.js";
import { isZero, joinInto, readVectorMap, type Vector, writeVector, writeVectorMap, zero } from "../vectors.js";
import { DualCache } from "./dual-cache.js";
import { readVersion, type Version, writeVersion } from "../versions.js";
import { FILL, FIRST_TRIP, READ, readContext, SECOND_TRIP, VALIDATE, WRITE } from "./messages.js";

export async function startPaperServer(options: ServerOptions, { transactions }: { transactions: boolean }): Promise<CacheServer> {
  const { addresses, index, transport } = options;
  const peers = new Peers(transport, addresses);
  const node = new PaperNode(index, addresses.length, transactions);
  const successor = (index + 1) % addresses.length;
  node.send = (type, message) => peers.tell(successor, type, message);
  const listener = await transport.listen(
    addresses[index],
    (connection) => new Rpc(connection, (rpc, type, id, payload) => node.serve(rpc, type, id, payload)),
  );
  return {
    backlog: () => node.cache.pending,
    close: async () => {
      await listener.close();
      await peers.close();
    },
  };
}

class PaperNode {
  readonly cache: DualCache;
  /** Sends to the successor. */
  send!: Rpc["tell"];
  readonly #index: number;
  readonly #servers: number;
  readonly #transactions: boolean;
  readonly #clock: number[];
  /** Writes whose tail this is, by their names, between their two trips. */
  readonly #awaited = new Map<string, Version>();

  constructor(index: number, servers: number, transactions: boolean) {
    this.#index = index;
    this.#servers = servers;
    this.#transactions = transactions;
    this.#clock = zero(servers);
    this.cache = new DualCache(servers, transactions);
  }

  serve(rpc: Rpc, type: number, id: number, payload: ByteReader): void {
    if (type === READ) this.#read(rpc, id, payload);
    else if (type === WRITE) this.#write(rpc, id, payload);
    else if (type === FIRST_TRIP) this.#firstTrip(payload.varint(), readVersion(payload));
    else if (type === SECOND_TRIP) this.#secondTrip(payload.varint(), payload.varint());
    else if (type === VALIDATE) {
      const read = readVectorMap(payload);
      this.cache.integrate(read);
      const isValid = this.cache.isSnapshot(read);
      rpc.reply(id, (out) => {
        out.u8(isValid ? 1 : 0);
        if (!isValid) writeVectorMap(out, this.cache.newestOf([...read.keys()]));
      });
    } else if (type === FILL) {
      const keys = readTexts(payload);
      const value = payload.text(TEXT_BYTES_MAX);
      for (const key of keys) this.cache.fill(key, value);
      rpc.reply(id, () => undefined);
    }
  }

  /** A session reads: what it follows becomes readable here first. */
  #read(rpc: Rpc, id: number, payload: ByteReader): void {
    const keys = readTexts(payload);
    const read = readVectorMap(payload);
    this.cache.integrate(read);
    this.cache.integrate(readVectorMap(payload));
    rpc.reply(id, (out) => {
      for (const key of keys) {
        const version = this.#transactions ? this.cache.fitting(key, read) : this.cache.newest(key);
        writeValue(out, version?.value);
        if (version === undefined) {
          // For the next attempt: what is the newest here, of all that took part.
          writeVectorMap(out, this.cache.newestOf([key, ...read.keys()]));
          return;
        }
        read.set(key, version.vector);
        writeVector(out, version.vector);
      }
    });
  }

  #write(rpc: Rpc, id: number, payload: ByteReader): void {
    const key = payload.text(TEXT_BYTES_MAX);
    const value = payload.text(TEXT_BYTES_MAX);
    const { dependencies, local } = readContext(payload);
    // The clock joins what the write follows: that its vector covers theirs is what comparisons rest on.
    this.#clock[this.#index] += 1;
    const vector = [...this.#clock];
    for (const [read, followed] of dependencies) {
      joinInto(vector, followed);
      if (isZero(followed)) dependencies.delete(read);
    }
    for (const own of local.values()) {
      this.cache.keep(own);
      dependencies.set(own.key, own.vector);
      joinInto(vector, own.vector);
    }
    vector[this.#index] = this.#clock[this.#index];
    const version = { key, value, vector, dependencies };
    this.cache.keep(version);
    if (this.#servers === 1) this.#show(version);
    else this.#forward(FIRST_TRIP, this.#index, version);
    rpc.reply(id, (out) => writeVector(out, vector));
  }

  #firstTrip(head: number, version: Version): void {
    this.cache.keep(version);
    if ((this.#index + 1) % this.#servers !== head) {
      this.#forward(FIRST_TRIP, head, version);
      return;
    }
    // Every server has it now; the second trip begins here, at the tail, and ends here.
    const counter = version.vector[head];
    this.#awaited.set(`${head}:${counter}`, version);
    this.send(SECOND_TRIP, (out) => {
      out.varint(head);
      out.varint(counter);
    });
  }

  #secondTrip(head: number, counter: number): void {
    const version = this.#awaited.get(`${head}:${counter}`);
    if (version === undefined) {
      this.send(SECOND_TRIP, (out) => {
        out.varint(head);
        out.varint(counter);
      });
      return;
    }
    this.#awaited.delete(`${head}:${counter}`);
    this.#show(version);
  }

  #forward(type: number, head: number, version: Version): void {
    this.send(type, (out) => {
      out.varint(head);
      writeVersion(out, version);
    });
  }

  /** What is readable here is in this server's clock from then on. */
  #show({ key, vector, dependencies }: Version): void {
    joinInto(this.#clock, clockWithout(vector, this.#index, this.#clock));
    this.cache.integrate(dependencies);
    this.cache.integrate(new Map([[key, vector]]));
  }
}

/** Another's vector never counts this server's own writes on. */
function clockWithout(vector: Vector, index: number, clock: Vector): Vector {
  return vector.map((counter, at) => (at === index ? clock[index] : counter));
}
