// The network of a simulated deployment: connections on which bytes arrive in order, each a stated delay after it was sent. What arrives while the receiver is busy waits in
// its socket, and is read at once.

import { type Connection, type ConnectionEvents, MeshError, type Transport } from "@causalmesh/core";
import type { Simulation } from "@causalmesh/core/testing";
import type { SimulatedProcess } from "./process.js";
import type { Source } from "./work.js";

/** The most that a real process gets of one read. */
const READ_BYTES_MAX = 64 * 1024;

/** A process and what it is to the others. */
export interface Station {
  readonly process: SimulatedProcess;
  /** What its connections are for those to whom it connects. */
  readonly source: Source;
}

export interface NetworkOptions {
  /** Milliseconds from one process to another. */
  readonly delayMs: (from: SimulatedProcess, to: SimulatedProcess) => number;
  /** Told of all that is sent. */
  readonly sent: (from: SimulatedProcess, to: SimulatedProcess, bytes: number) => void;
}

interface Listening {
  readonly station: Station;
  readonly accept: (connection: Connection) => ConnectionEvents;
}

export class DelayedNetwork {
  readonly simulation: Simulation;
  readonly options: NetworkOptions;
  readonly #listening = new Map<string, Listening>();

  constructor(simulation: Simulation, options: NetworkOptions) {
    this.simulation = simulation;
    this.options = options;
  }

  /** The transport as one process sees it. */
  transport(station: Station): Transport {
    return {
      listen: async (address, accept) => {
        this.#listening.set(address, { station, accept });
        return { address, close: async () => void this.#listening.delete(address) };
      },
      connect: (address, open) => this.#connect(station, address, open),
    };
  }

  async #connect(from: Station, address: string, open: (connection: Connection) => ConnectionEvents): Promise<Connection> {
    const listening = this.#listening.get(address);
    if (listening === undefined) throw new MeshError("NODE_UNREACHABLE", `nothing listens at ${address}`);
    const { station: to, accept } = listening;
    const here = new End(this, from.process, address, "peer");
    const there = new End(this, to.process, from.process.name, from.source);
    here.other = there;
    there.other = here;
    await this.arrival(from.process, to.process, "loop");
    there.events = accept(there);
    await this.arrival(to.process, from.process, "loop");
    here.events = open(here);
    return here;
  }

  /** Resolves within a step of `to`, when something that leaves `from` now has arrived there. */
  arrival(from: SimulatedProcess, to: SimulatedProcess, source: Source): Promise<void> {
    return new Promise((resolve) => {
      from.leaves(() => this.simulation.schedule(this.options.delayMs(from, to), () => to.run(source, resolve)));
    });
  }
}

/** One end of a connection. */
class End implements Connection {
  readonly buffered = 0;
  readonly remote: string;
  other!: End;
  events: ConnectionEvents | undefined;
  readonly #network: DelayedNetwork;
  readonly #process: SimulatedProcess;
  readonly #source: Source;
  /** What has arrived and is not read yet. */
  #unread: Uint8Array[] = [];
  #unreadBytes = 0;
  #isPaused = false;
  #isClosed = false;

  constructor(network: DelayedNetwork, process: SimulatedProcess, remote: string, source: Source) {
    this.#network = network;
    this.#process = process;
    this.remote = remote;
    this.#source = source;
  }

  send(bytes: Uint8Array): boolean {
    if (this.#isClosed) return true;
    const copy = bytes.slice();
    const to = this.other;
    const { work } = this.#process;
    work.sends += 1;
    work.bytes += copy.length;
    this.#network.options.sent(this.#process, to.#process, copy.length);
    this.#leaves(() => to.#arrived(copy));
    return true;
  }

  #leaves(arrive: () => void): void {
    const { simulation, options } = this.#network;
    this.#process.leaves(() => simulation.schedule(options.delayMs(this.#process, this.other.#process), arrive));
  }

  #arrived(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    this.#unread.push(bytes);
    this.#unreadBytes += bytes.length;
    if (this.#unread.length === 1 && !this.#isPaused) this.#process.run(this.#source, () => this.#read());
  }

  #read(): void {
    if (this.#isClosed || this.#isPaused || this.#unreadBytes === 0) return;
    const chunk = this.#unread.length === 1 ? this.#unread[0] : Buffer.concat(this.#unread, this.#unreadBytes);
    this.#unread = [];
    this.#unreadBytes = 0;
    const { work } = this.#process;
    work.reads += Math.ceil(chunk.length / READ_BYTES_MAX);
    work.bytes += chunk.length;
    work.frames += framesIn(chunk);
    this.events!.data(chunk);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#unreadBytes > 0) this.#process.run(this.#source, () => this.#read());
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { other } = this;
    this.#leaves(() => other.#process.run("loop", () => other.#ended()));
  }

  #ended(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.events?.closed(undefined);
  }
}

/** All that is sent is whole frames, and each begins with the length of what follows. */
function framesIn(chunk: Uint8Array): number {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
  let frames = 0;
  for (let at = 0; at < chunk.length; at += 4 + view.getUint32(at, true)) frames += 1;
  return frames;
}
