// A network in which participants have names: they can be cut off from some of the others without anybody being told, and killed, which
// cuts them off from everything, the store included.

import type { Connection, ConnectionEvents, Transport } from "../../src/transport.js";
import { MeshError } from "../../src/errors.js";
import type { Store } from "../../src/store.js";
import { connectionWith } from "./connection-with.js";

/** Names the store among those whom a participant is cut off from. */
export const STORE = "the store";

interface Passing {
  readonly from: string;
  readonly to: string;
}

export class SplitNetwork {
  readonly #inner: Transport;
  readonly #cuts = new Map<string, ReadonlySet<string>>();
  readonly #dead = new Set<string>();

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  /** From now on what goes between `name` and these others is lost. */
  cut(name: string, others: readonly string[]): void {
    this.#cuts.set(name, new Set(others));
  }

  heal(name: string): void {
    this.#cuts.delete(name);
  }

  kill(name: string): void {
    this.#dead.add(name);
  }

  isDead(name: string): boolean {
    return this.#dead.has(name);
  }

  #passes({ from, to }: Passing): boolean {
    if (this.#dead.has(from) || this.#dead.has(to)) return false;
    return this.#cuts.get(from)?.has(to) !== true && this.#cuts.get(to)?.has(from) !== true;
  }

  /** The network as this participant sees it; participants are known by the address at which they listen. */
  of(name: string): Transport {
    return {
      listen: (address, accept) => this.#inner.listen(address, accept),
      connect: async (address, open, timeoutMs) => {
        const way = { from: name, to: address };
        if (!this.#passes(way)) {
          await new Promise((resolve) => setTimeout(resolve, timeoutMs));
          throw new MeshError("TIMEOUT", `${address} did not answer within ${timeoutMs} ms`);
        }
        return await this.#inner.connect(address, (connection) => this.#guarded(connection, open, way), timeoutMs);
      },
    };
  }

  #guarded(connection: Connection, open: (connection: Connection) => ConnectionEvents, way: Passing): ConnectionEvents {
    const events = open(connectionWith(connection, (bytes) => !this.#passes(way) || connection.send(bytes)));
    return {
      data: (bytes) => {
        if (this.#passes(way)) events.data(bytes);
      },
      drained: () => events.drained(),
      closed: (error) => {
        if (this.#passes(way)) events.closed(error);
      },
    };
  }

  /** The store as this participant sees it. */
  storeOf(name: string, store: Store): Store {
    return new Proxy(store, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property, target);
        if (typeof value !== "function") return value;
        return (...args: unknown[]): unknown => {
          if (this.#dead.has(name) || this.#cuts.get(name)?.has(STORE) === true)
            return Promise.reject(new MeshError("STORE_UNAVAILABLE", `${name} does not reach the store`));
          return (value as (...args: unknown[]) => unknown).apply(target, args);
        };
      },
    });
  }
}
