// A whole system in one process: its store, its cache servers and its client on the memory transport, and a record of who sent which request to whom.

import { memoryTransport, type Connection, type Transport } from "@causalmesh/core";
import { FrameSplitter } from "@causalmesh/core/testing";
import type { CacheServer, ClientOptions, ServerOptions, SystemClient } from "../../../src/evaluation/systems/system.js";
import { Rpc, type Service } from "../../../src/evaluation/wire/rpc.js";

const STORE = "store:1";
/** Smaller types are those of answers. */
const REQUESTS_FROM = 16;

export interface Sent {
  /** "client", or the index of a server. */
  readonly from: string;
  readonly to: string;
  readonly type: number;
}

export class World {
  readonly sent: Sent[] = [];
  readonly addresses: readonly string[];
  readonly #transport = memoryTransport();
  readonly #ends: (() => Promise<void>)[] = [];

  constructor(servers: number) {
    this.addresses = Array.from({ length: servers }, (_, index) => `server:${index + 1}`);
  }

  async store(service: Service): Promise<void> {
    const listener = await this.#transport.listen(STORE, (connection) => new Rpc(connection, service));
    this.#ends.push(() => listener.close());
  }

  async servers(start: (options: ServerOptions) => Promise<CacheServer>): Promise<CacheServer[]> {
    const started = await Promise.all(
      this.addresses.map((_, index) => start({ addresses: this.addresses, index, store: STORE, transport: this.#watched(String(index)) })),
    );
    this.#ends.unshift(...started.map((server) => () => server.close()));
    return started;
  }

  async client(open: (options: ClientOptions) => Promise<SystemClient>): Promise<SystemClient> {
    const client = await open({ addresses: this.addresses, store: STORE, transport: this.#watched("client"), counts: { sent: 0, received: 0 } });
    this.#ends.unshift(() => client.close());
    return client;
  }

  count(type: number, from?: string): number {
    return this.sent.filter((sent) => sent.type === type && (from === undefined || sent.from === from)).length;
  }

  async end(): Promise<void> {
    for (const end of this.#ends) await end();
  }

  /** A transport that notes the requests that its owner sends on connections that it has opened. */
  #watched(from: string): Transport {
    const transport = this.#transport;
    return {
      listen: (address, accept) => transport.listen(address, accept),
      connect: (address, open, timeoutMs) => transport.connect(address, (connection) => open(this.#watch(connection, from, address)), timeoutMs),
    };
  }

  #watch(connection: Connection, from: string, address: string): Connection {
    const to = address === STORE ? "store" : String(this.addresses.indexOf(address));
    const frame = (_bytes: Uint8Array, type: number): void => {
      if (type >= REQUESTS_FROM) this.sent.push({ from, to, type });
    };
    const splitter = new FrameSplitter({ frame }, 2 ** 26);
    return {
      get remote() {
        return connection.remote;
      },
      get buffered() {
        return connection.buffered;
      },
      send: (bytes) => {
        splitter.push(bytes);
        return connection.send(bytes);
      },
      pause: () => connection.pause(),
      resume: () => connection.resume(),
      close: () => connection.close(),
    };
  }
}

/** One workflow: each step is a function at a server, with what it reads and writes. Resolves with what was read, by key. */
export async function workflow(
  client: SystemClient,
  steps: readonly {
    readonly at: number;
    readonly reads?: readonly string[];
    readonly writes?: Readonly<Record<string, string>>;
    readonly after?: () => unknown;
  }[],
): Promise<Record<string, string | undefined>> {
  const read: Record<string, string | undefined> = {};
  const begun = await client.begin(steps.map(({ at, reads = [] }) => ({ server: at, reads })));
  let contexts = begun === undefined ? [] : [begun];
  for (const [index, { at, reads = [], writes = {}, after }] of steps.entries()) {
    const run = await client.enter(contexts, at, reads);
    for (const key of reads) [read[key]] = await run.read([key]);
    for (const [key, value] of Object.entries(writes)) await run.write(key, value);
    if (index === steps.length - 1) await run.finish();
    else contexts = [await run.leave()];
    await after?.();
  }
  return read;
}

/** Resolves when the condition holds, and rejects where it does not in time. */
export async function until(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what} did not come true`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
