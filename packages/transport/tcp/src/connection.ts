// One TCP socket as the mesh's Connection. Sockets do not keep a process alive: what waits for an answer does, by its own timer.

import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { limits, type Connection, type ConnectionEvents } from "@causalmesh/core";
import { connectionClosed, connectionOpened } from "./diagnostics.js";
import { lostError } from "./errors.js";
import { OldestFirst } from "./oldest-first.js";

/** Reads and writes are told apart from waiting ones by this: with it, `drain` follows whenever the kernel did not take all at once. */
export const SOCKET_HIGH_WATER_BYTES = 1;
/** Bytes that wait for TLS before `send` says so; more than a socket's own high water, so that `drain` follows. */
const TLS_BUFFERED_BYTES_MAX = 256 * 1024;
const KEEP_ALIVE_MS = 10_000;
/** Time that the other end gets to read what was sent before a closed socket is destroyed. */
const LINGER_MS = 2_000;
/** Sockets in that time: strangers who are refused, and do not read why, cost no more than those who are not refused yet. */
const lingering = new OldestFirst<Socket>(limits.STRANGERS_MAX, (socket) => socket.destroy());

export class TcpConnection implements Connection {
  readonly remote: string;
  readonly #socket: Socket;
  #events: ConnectionEvents | undefined;
  #held = false;
  #over = false;
  #error: Error | undefined;
  /** TLS takes nothing at once: what is sent is copied there, and held while there is little of it. */
  readonly #copies: boolean;

  constructor(socket: Socket, remote: string) {
    this.#socket = socket;
    this.remote = remote;
    this.#copies = socket instanceof TLSSocket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.unref();
  }

  /** Begins to pass on events; called once, when their receiver is made. */
  open(events: ConnectionEvents): void {
    this.#events = events;
    if (connectionOpened.hasSubscribers) connectionOpened.publish({ remote: this.remote });
    const socket = this.#socket;
    socket.on("data", (bytes: Uint8Array) => {
      if (!this.#over) events.data(bytes);
    });
    socket.on("drain", () => this.#drained());
    socket.on("error", (error) => (this.#error = error));
    socket.on("close", () => {
      if (connectionClosed.hasSubscribers) connectionClosed.publish({ remote: this.remote, error: this.#error });
      this.#closed();
    });
  }

  get buffered(): number {
    return this.#socket.writableLength;
  }

  send(bytes: Uint8Array): boolean {
    if (this.#over || !this.#socket.writable) return true;
    this.#socket.write(this.#copies ? bytes.slice() : bytes);
    // Zero where the kernel has taken everything: only then may the caller reuse the array, unless it was copied.
    if (this.#socket.writableLength <= (this.#copies ? TLS_BUFFERED_BYTES_MAX : 0)) return true;
    this.#held = true;
    return false;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#socket.end();
    // Read on, and drop it, so that the end from the other side is seen.
    this.#socket.resume();
    linger(this.#socket);
  }

  #drained(): void {
    if (!this.#held || this.#over || this.#socket.writableLength > 0) return;
    this.#held = false;
    this.#events?.drained();
  }

  #closed(): void {
    if (this.#over) return;
    this.#over = true;
    this.#events?.closed(this.#error === undefined ? undefined : lostError(this.remote, this.#error));
  }
}

function linger(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once("close", () => {
    clearTimeout(timer);
    lingering.delete(socket);
  });
  lingering.add(socket);
}
