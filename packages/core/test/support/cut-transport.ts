// A transport around another one that keeps hold of its connections: it can cut them, hold what arrives, and record what passes.

import type { Connection, ConnectionEvents, Transport } from "../../src/transport.js";
import { MeshError } from "../../src/errors.js";

type Direction = "sent" | "received";

/** The opening end of one connection, and the switches on it. */
export class Tapped {
  readonly address: string;
  /** What passed, in pieces as they came. */
  readonly sent: Uint8Array[] = [];
  readonly received: Uint8Array[] = [];
  /** Undefined until the connection is there. */
  connection: Connection | undefined;
  events!: ConnectionEvents;
  held: Uint8Array[] | undefined;
  heldBack: Uint8Array[] | undefined;
  cutOff = false;

  constructor(address: string) {
    this.address = address;
  }

  bytes(direction: Direction): Uint8Array {
    return concat(this[direction]);
  }

  /** Both ends see the connection break. */
  cut(): void {
    if (this.cutOff) return;
    this.cutOff = true;
    this.connection?.close();
    this.events.closed(new MeshError("NODE_UNREACHABLE", `${this.address} was cut off by the test`));
  }

  /** From now on nothing arrives, until `release`. */
  hold(): void {
    this.held ??= [];
  }

  /** From now on nothing leaves, until `release`. */
  holdBack(): void {
    this.heldBack ??= [];
  }

  release(): void {
    const [held, heldBack] = [this.held ?? [], this.heldBack ?? []];
    this.held = undefined;
    this.heldBack = undefined;
    for (const bytes of heldBack) if (!this.cutOff) this.connection?.send(bytes);
    for (const bytes of held) if (!this.cutOff) this.events.data(bytes);
  }
}

export class CutTransport implements Transport {
  readonly #inner: Transport;
  /** All connections that were opened through this transport. */
  readonly tapped: Tapped[] = [];
  /** Addresses that cannot be reached. */
  readonly unreachable = new Set<string>();

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  /** Those to this address that are there and not cut. */
  to(address: string): Tapped[] {
    return this.tapped.filter((tapped) => tapped.address === address && tapped.connection !== undefined && !tapped.cutOff);
  }

  listen: Transport["listen"] = (address, accept) => this.#inner.listen(address, accept);

  connect: Transport["connect"] = async (address, open, timeoutMs) => {
    if (this.unreachable.has(address)) throw new MeshError("NODE_UNREACHABLE", `${address} is out of reach in this test`);
    const tapped = new Tapped(address);
    this.tapped.push(tapped);
    const wrap = (connection: Connection): ConnectionEvents => {
      tapped.connection = connection;
      tapped.events = open(tap(connection, tapped));
      return {
        data: (bytes) => {
          tapped.received.push(bytes.slice());
          if (tapped.held !== undefined) tapped.held.push(bytes.slice());
          else tapped.events.data(bytes);
        },
        drained: () => tapped.events.drained(),
        closed: (error) => {
          if (!tapped.cutOff) tapped.events.closed(error);
          tapped.cutOff = true;
        },
      };
    };
    return await this.#inner.connect(address, wrap, timeoutMs);
  };
}

function tap(connection: Connection, tapped: Tapped): Connection {
  return {
    get remote() {
      return connection.remote;
    },
    get buffered() {
      return connection.buffered;
    },
    send: (bytes) => {
      tapped.sent.push(bytes.slice());
      if (tapped.heldBack !== undefined) return tapped.heldBack.push(bytes.slice()) > 0;
      return tapped.cutOff || connection.send(bytes);
    },
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    close: () => {
      tapped.cutOff = true;
      connection.close();
    },
  };
}

export function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
