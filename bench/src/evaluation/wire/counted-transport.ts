// Counts the bytes of every connection of a process, whichever system speaks over it.

import type { Connection, ConnectionEvents, Transport } from "@causalmesh/core";

export interface ByteCounts {
  sent: number;
  received: number;
}

export function countedTransport(transport: Transport, counts: ByteCounts): Transport {
  const counted = (connection: Connection): Connection => new CountedConnection(connection, counts);
  const events = (inner: ConnectionEvents): ConnectionEvents => ({
    data: (bytes) => {
      counts.received += bytes.length;
      inner.data(bytes);
    },
    drained: () => inner.drained(),
    closed: (error) => inner.closed(error),
  });
  return {
    listen: async (address, accept) => await transport.listen(address, (connection) => events(accept(counted(connection)))),
    connect: async (address, open, timeoutMs) => {
      let wrapped!: Connection;
      await transport.connect(address, (connection) => events(open((wrapped = counted(connection)))), timeoutMs);
      return wrapped;
    },
  };
}

class CountedConnection implements Connection {
  readonly #inner: Connection;
  readonly #counts: ByteCounts;

  constructor(inner: Connection, counts: ByteCounts) {
    this.#inner = inner;
    this.#counts = counts;
  }

  get remote(): string {
    return this.#inner.remote;
  }

  get buffered(): number {
    return this.#inner.buffered;
  }

  send(bytes: Uint8Array): boolean {
    this.#counts.sent += bytes.length;
    return this.#inner.send(bytes);
  }

  pause(): void {
    this.#inner.pause();
  }

  resume(): void {
    this.#inner.resume();
  }

  close(): void {
    this.#inner.close();
  }
}
