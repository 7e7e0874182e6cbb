// Connections inside one process. Bytes are copied once, at `send`, and delivered in a microtask, so that no event comes during a call and all
// that one task sends arrives as one piece. Ends that answer each other in microtasks would keep timers, sockets and the store waiting for
// as long as they have something to say, so every so many bytes a delivery comes with the next turn of the event loop.

import { inputText, MeshError } from "../errors.js";
import type { Connection, ConnectionEvents, Listener, Transport } from "../transport.js";
import { systemPlatform } from "./platform.js";

/** Bytes that wait for the receiver before `send` says so. */
const HIGH_WATER_BYTES = 256 * 1024;
/** Bytes that all connections together deliver before the event loop turns: handling them takes about a millisecond. */
const TURN_BYTES_MAX = 64 * 1024;
let turnBytes = 0;

type Accept = (connection: Connection) => ConnectionEvents;

/** A network of its own: addresses are any names, known to whoever holds this transport. */
export function memoryTransport(): Transport {
  const listeners = new Map<string, Accept>();
  return {
    listen: async (address, accept) => listen(listeners, checkAddress(address), accept),
    connect: async (address, open) => connect(listeners, checkAddress(address), open),
  };
}

function checkAddress(address: unknown): string {
  if (typeof address === "string" && address.length > 0) return address;
  throw new MeshError("ADDRESS_INVALID", `${inputText(address)} is no address; give any name`);
}

function listen(listeners: Map<string, Accept>, address: string, accept: Accept): Listener {
  if (listeners.has(address)) throw new MeshError("ADDRESS_IN_USE", `${address} is taken by another node of this process; give each its own name`);
  listeners.set(address, accept);
  return {
    address,
    close: async () => {
      if (listeners.get(address) === accept) listeners.delete(address);
    },
  };
}

let connections = 0;

function connect(listeners: Map<string, Accept>, address: string, open: Accept): Connection {
  const accept = listeners.get(address);
  if (accept === undefined) throw new MeshError("NODE_UNREACHABLE", `no node listens at ${address} in this process`);
  const near = new MemoryConnection(address);
  const far = new MemoryConnection(`connection ${++connections} to ${address}`);
  near.peer = far;
  far.peer = near;
  far.events = accept(far);
  near.events = open(near);
  near.wake();
  far.wake();
  return near;
}

class MemoryConnection implements Connection {
  readonly remote: string;
  peer!: MemoryConnection;
  /** Unknown until both ends are open; what is sent meanwhile waits. */
  events: ConnectionEvents | undefined;
  /** Bytes on their way to this end. */
  #incoming: Uint8Array[] = [];
  #incomingBytes = 0;
  #paused = false;
  /** This end was closed by its owner, or told that it is closed. */
  #over = false;
  /** The other end was closed. */
  #ending = false;
  #owesDrained = false;
  #scheduled = false;

  constructor(remote: string) {
    this.remote = remote;
  }

  get buffered(): number {
    return this.peer.#incomingBytes;
  }

  send(bytes: Uint8Array): boolean {
    const { peer } = this;
    if (this.#over || this.#ending || bytes.length === 0) return true;
    peer.#incoming.push(bytes.slice());
    peer.#incomingBytes += bytes.length;
    peer.wake();
    if (peer.#incomingBytes < HIGH_WATER_BYTES) return true;
    this.#owesDrained = true;
    return false;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.wake();
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#incoming = [];
    this.#incomingBytes = 0;
    this.peer.#ending = true;
    this.peer.wake();
  }

  wake(): void {
    if (this.#scheduled || this.events === undefined) return;
    this.#scheduled = true;
    if (turnBytes < TURN_BYTES_MAX) void Promise.resolve().then(this.#deliver);
    else systemPlatform.clock.defer(this.#deliverNextTurn);
  }

  readonly #deliverNextTurn = (): void => {
    turnBytes = 0;
    this.#deliver();
  };

  readonly #deliver = (): void => {
    this.#scheduled = false;
    const incoming = this.#incoming;
    this.#incoming = [];
    for (let index = 0; index < incoming.length; index++) {
      if (this.#over) return;
      if (this.#paused) {
        this.#incoming = [...incoming.slice(index), ...this.#incoming];
        return;
      }
      this.#incomingBytes -= incoming[index].length;
      turnBytes += incoming[index].length;
      this.events!.data(incoming[index]);
    }
    if (this.peer.#owesDrained && this.#incomingBytes === 0) this.peer.#drained();
    if (this.#ending && !this.#over && this.#incoming.length === 0) {
      this.#over = true;
      this.events!.closed(undefined);
    }
  };

  #drained(): void {
    this.#owesDrained = false;
    if (!this.#over) this.events?.drained();
  }
}
