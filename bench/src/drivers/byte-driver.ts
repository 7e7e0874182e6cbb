// The bare client: requests that were encoded beforehand, answers that are cut and counted, one write per socket event. It is the same
// for every protocol and says what a server can do when the client costs next to nothing.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { ByteOutbox } from "../bytes/byte-outbox.js";
import { ByteStream } from "../bytes/byte-stream.js";
import { HOT_ENTRIES, list } from "../workload.js";
import type { Driver, Operation } from "./driver.js";

const READ_BYTES = 256 * 1024;
const FILL_DEPTH = 256;
/** Grain of paced requests. */
const PACE_MS = 1;

export interface ByteProtocol {
  request(operation: Operation, index: number): Buffer;
  /** Writes the request's number into its bytes, where the protocol has one. */
  stamp(bytes: Buffer, at: number, id: number): void;
  /** Cuts answers, counts each with `answered`, and returns where the first unfinished one begins. Throws for an answer that is an error. */
  cut(bytes: Buffer, start: number, end: number, answered: () => void): number;
  /** Says hello on a new connection; answers are cut from the first byte after what it resolves with. */
  open?(socket: ByteSocket): Promise<void>;
}

/** A connection whose bytes are read into one buffer again and again. */
export class ByteSocket {
  readonly socket: Socket;
  onBytes: (bytes: Buffer) => void = () => undefined;
  onError: (error: Error) => void = () => undefined;

  constructor(port: number) {
    const callback = (count: number, buffer: Uint8Array): boolean => {
      try {
        this.onBytes((buffer as Buffer).subarray(0, count));
      } catch (error) {
        this.onError(error as Error);
        this.socket.destroy();
      }
      return true;
    };
    this.socket = connect({ host: "127.0.0.1", port, noDelay: true, onread: { buffer: Buffer.allocUnsafeSlow(READ_BYTES), callback } });
    this.socket.on("error", (error) => this.onError(error));
    this.socket.on("close", () => this.onError(new Error(`the server at port ${port} closed the connection`)));
  }
}

/** One connection with its requests in flight. */
class ByteConnection {
  readonly #protocol: ByteProtocol;
  readonly #outbox: ByteOutbox;
  #requests: readonly Buffer[] = [];
  #next = 0;
  #id = 0;
  #inFlight = 0;
  #done = 0;
  /** How many requests are still to be sent. */
  #left = 0;
  /** Whether an answer calls for the next request. */
  #isClosedLoop = true;
  #finished: (() => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  constructor(socket: ByteSocket, protocol: ByteProtocol) {
    this.#protocol = protocol;
    this.#outbox = new ByteOutbox(socket.socket);
    const answered = (): void => void this.#done++;
    const stream = new ByteStream((bytes, start, end) => protocol.cut(bytes, start, end, answered));
    socket.onError = (error) => this.#failed?.(error);
    socket.onBytes = (bytes) => {
      const before = this.#done;
      stream.push(bytes);
      this.#answered(this.#done - before);
    };
  }

  #answered(count: number): void {
    this.#inFlight -= count;
    if (this.#isClosedLoop) this.#send(count);
    if (this.#left === 0 && this.#inFlight === 0) this.#finished?.();
  }

  #send(count: number): void {
    const outbox = this.#outbox;
    const requests = this.#requests;
    const sent = Math.min(count, this.#left);
    for (let index = 0; index < sent; index++) {
      const request = requests[this.#next];
      this.#next = this.#next + 1 === requests.length ? 0 : this.#next + 1;
      outbox.reserve(request.length);
      const at = outbox.length;
      outbox.bytes.set(request, at);
      this.#id = (this.#id + 1) >>> 0;
      this.#protocol.stamp(outbox.bytes, at, this.#id);
      outbox.length = at + request.length;
    }
    this.#left -= sent;
    this.#inFlight += sent;
    outbox.flush();
  }

  #begin(requests: readonly Buffer[], left: number, isClosedLoop: boolean): Promise<void> {
    this.#requests = requests;
    this.#next %= requests.length;
    this.#left = left;
    this.#done = 0;
    this.#isClosedLoop = isClosedLoop;
    return new Promise((resolve, reject) => {
      this.#finished = resolve;
      this.#failed = reject;
    });
  }

  #stop(): void {
    this.#left = 0;
    if (this.#inFlight === 0) this.#finished?.();
  }

  /** Sends each request once. */
  async each(requests: readonly Buffer[], depth: number): Promise<void> {
    this.#next = 0;
    const finished = this.#begin(requests, requests.length, true);
    this.#send(depth);
    await finished;
  }

  async run(requests: readonly Buffer[], depth: number, durationMs: number): Promise<number> {
    const finished = this.#begin(requests, Number.POSITIVE_INFINITY, true);
    this.#send(depth);
    setTimeout(() => this.#stop(), durationMs);
    await finished;
    return this.#done;
  }

  /** Sends so many requests per second whatever is answered. */
  async pace(requests: readonly Buffer[], perSecond: number, durationMs: number): Promise<number> {
    const finished = this.#begin(requests, Number.POSITIVE_INFINITY, false);
    const start = performance.now();
    let sent = 0;
    const timer = setInterval(() => {
      const due = Math.floor(((performance.now() - start) / 1000) * perSecond) - sent;
      sent += due;
      this.#send(due);
    }, PACE_MS);
    setTimeout(() => {
      clearInterval(timer);
      this.#stop();
    }, durationMs);
    await finished;
    return this.#done;
  }
}

export class ByteDriver implements Driver {
  readonly #protocol: ByteProtocol;
  readonly #connections: readonly ByteConnection[];
  readonly #requests = new Map<Operation, readonly Buffer[]>();

  private constructor(protocol: ByteProtocol, connections: readonly ByteConnection[]) {
    this.#protocol = protocol;
    this.#connections = connections;
  }

  /** Opens one connection per port. */
  static async open(ports: readonly number[], protocol: ByteProtocol): Promise<ByteDriver> {
    const connections = ports.map(async (port) => {
      const socket = new ByteSocket(port);
      await once(socket.socket, "connect");
      await protocol.open?.(socket);
      return new ByteConnection(socket, protocol);
    });
    return new ByteDriver(protocol, await Promise.all(connections));
  }

  #hot(operation: Operation): readonly Buffer[] {
    const known = this.#requests.get(operation);
    if (known !== undefined) return known;
    const requests = list(HOT_ENTRIES, (index) => this.#protocol.request(operation, index));
    this.#requests.set(operation, requests);
    return requests;
  }

  async fill(entries: number): Promise<void> {
    // In slices, so that the requests of a million entries are not all in memory.
    for (let from = 0; from < entries; from += HOT_ENTRIES) {
      const requests = list(Math.min(HOT_ENTRIES, entries - from), (index) => this.#protocol.request("set", from + index));
      await this.#connections[0].each(requests, FILL_DEPTH);
    }
  }

  async run(operation: Operation, depth: number, durationMs: number): Promise<number> {
    const requests = this.#hot(operation);
    return sum(await Promise.all(this.#connections.map((connection) => connection.run(requests, depth, durationMs))));
  }

  async pace(operation: Operation, perSecond: number, durationMs: number): Promise<number> {
    const requests = this.#hot(operation);
    return sum(await Promise.all(this.#connections.map((connection) => connection.pace(requests, perSecond, durationMs))));
  }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
