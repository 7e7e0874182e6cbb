// What the author of a transport hands to the suite, and what a claim about transports works with: connections whose events
// are recorded and checked as they come.

import type { Connection, ConnectionEvents, Listener, Transport } from "@causalmesh/core";
import { assert, type ConformanceCase } from "./case.js";

/** An address that neither takes nor refuses a connection. */
export interface SilentAddress {
  readonly address: string;
  release(): Promise<void>;
}

export interface TransportSuiteSetup {
  readonly transport: Transport;
  /** An address to listen at that nobody uses; `listener.address` then says where to connect. */
  freeAddress(): string;
  /** What no user may write for an address. */
  readonly invalidAddresses: readonly string[];
  /** Left out where a connection is taken or refused at once; the case of the timeout is skipped then. */
  silentAddress?(): Promise<SilentAddress>;
  /** Repeats a run: the seed that a failure named. */
  readonly seed?: number;
}

/** One sentence of the contract. */
export interface TransportClaim {
  readonly name: string;
  skip?(setup: TransportSuiteSetup): string | undefined;
  check(bench: TransportBench): Promise<void>;
}

export function transportCase({ name, skip, check }: TransportClaim, setup: TransportSuiteSetup, seed: number): ConformanceCase {
  const skipped = skip?.(setup);
  const run = async (): Promise<void> => {
    const bench = new TransportBench(setup, seed);
    try {
      await check(bench);
      bench.check();
    } finally {
      await bench.close();
    }
  };
  return { name, ...(skipped === undefined ? {} : { skipped }), run };
}

/** Milliseconds after which something that was promised counts as not having come. */
const PATIENCE_MS = 20_000;
/** Milliseconds in which something that was forbidden has the time to happen. */
const QUIET_MS = 60;
export const CONNECT_TIMEOUT_MS = 10_000;

/** Waits until the condition holds. */
export async function until(condition: () => boolean, claim: string): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; !condition();) {
    assert(Date.now() < deadline, `${claim}: waited ${PATIENCE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Leaves time for what must not happen. */
export async function quiet(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
}

/** What one end does with its events beyond recording them. */
export type Reactions = Partial<{ data(end: End, bytes: Uint8Array): void; drained(end: End): void; closed(end: End): void }>;

/** One end of a connection: passes calls on, records the events, and notes every event that comes when none may. */
export class End {
  readonly connection: Connection;
  readonly events: ConnectionEvents;
  drains = 0;
  receivedBytes = 0;
  /** One entry per `closed`, with its error. */
  readonly endings: (Error | undefined)[] = [];
  readonly broken: string[] = [];
  readonly #pieces: Uint8Array[] = [];
  #inside: string | undefined;
  #mute: string | undefined;

  constructor(connection: Connection, reactions: Reactions = {}) {
    this.connection = connection;
    this.events = {
      data: (bytes) =>
        this.#event("data", () => {
          if (bytes.length === 0) this.broken.push("data brought no bytes");
          this.receivedBytes += bytes.length;
          this.#pieces.push(bytes.slice());
          reactions.data?.(this, bytes);
        }),
      drained: () =>
        this.#event("drained", () => {
          this.drains++;
          if (connection.buffered !== 0) this.broken.push(`drained came with ${connection.buffered} bytes buffered`);
          reactions.drained?.(this);
        }),
      closed: (error) =>
        this.#event("closed", () => {
          this.endings.push(error);
          this.#mute = "closed";
          reactions.closed?.(this);
        }),
    };
  }

  send(bytes: Uint8Array): boolean {
    return this.#call("send", () => this.connection.send(bytes));
  }

  close(): void {
    this.#call("close", () => this.connection.close());
    this.#mute ??= "the end's own close";
  }

  pause(): void {
    this.connection.pause();
  }

  resume(): void {
    this.connection.resume();
  }

  received(): Uint8Array {
    const all = new Uint8Array(this.receivedBytes);
    let at = 0;
    for (const piece of this.#pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }

  #event(name: string, react: () => void): void {
    if (this.#mute !== undefined) this.broken.push(`${name} came after ${this.#mute}`);
    if (this.#inside !== undefined) this.broken.push(`${name} came during ${this.#inside}`);
    this.#within(name, react);
  }

  #call<Result>(name: string, call: () => Result): Result {
    return this.#within(name, call);
  }

  #within<Result>(name: string, body: () => Result): Result {
    const outer = this.#inside;
    this.#inside = name;
    try {
      return body();
    } finally {
      this.#inside = outer;
    }
  }
}

export interface Link {
  readonly listener: Listener;
  /** The end that connected. */
  readonly near: End;
  /** The end that was accepted. */
  readonly far: End;
}

/** Makes listeners and connections of one case and ends them all after it. */
export class TransportBench {
  readonly setup: TransportSuiteSetup;
  readonly seed: number;
  readonly #listeners: Listener[] = [];
  readonly #ends: End[] = [];

  constructor(setup: TransportSuiteSetup, seed: number) {
    this.setup = setup;
    this.seed = seed;
  }

  async listen(accept: (end: End) => void, reactions?: Reactions, address = this.setup.freeAddress()): Promise<Listener> {
    const listener = await this.setup.transport.listen(address, (connection) => {
      const end = this.#end(connection, reactions);
      accept(end);
      return end.events;
    });
    this.#listeners.push(listener);
    return listener;
  }

  async connect(address: string, reactions?: Reactions, opened: (end: End) => void = () => undefined): Promise<End> {
    let end: End | undefined;
    const open = (connection: Connection): ConnectionEvents => {
      assert(end === undefined, "connect called open twice");
      end = this.#end(connection, reactions);
      opened(end);
      return end.events;
    };
    const connection = await this.setup.transport.connect(address, open, CONNECT_TIMEOUT_MS);
    assert(end !== undefined, "connect resolved without calling open");
    assert(end.connection === connection, "connect resolved with another connection than it gave to open");
    return end;
  }

  /** A connection and what each end does with its events. */
  async link(nearReactions?: Reactions, farReactions?: Reactions): Promise<Link> {
    const accepted: End[] = [];
    const listener = await this.listen((end) => accepted.push(end), farReactions);
    const near = await this.connect(listener.address, nearReactions);
    await until(() => accepted.length > 0, "the listener was not told of the connection");
    return { listener, near, far: accepted[0] };
  }

  /** Throws where an event came when none may. */
  check(): void {
    for (const end of this.#ends) assert(end.broken.length === 0, `at the connection to ${end.connection.remote}: ${end.broken.slice(0, 3).join("; ")}`);
  }

  async close(): Promise<void> {
    for (const { connection } of this.#ends) connection.close();
    for (const listener of this.#listeners) await listener.close();
  }

  #end(connection: Connection, reactions?: Reactions): End {
    const end = new End(connection, reactions);
    this.#ends.push(end);
    return end;
  }
}

/** Bytes whose every part differs from its neighbours, so that nothing can be lost, repeated or moved unseen. */
export function pattern(length: number, salt = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = (index * 31 + (index >>> 8) * 7 + (index >>> 16) + salt) & 0xff;
  return bytes;
}

export const echo: Reactions = {
  // Sent as a copy: the bytes are valid during the call only, and `send` may keep what it is given.
  data: (end, bytes) => void end.send(bytes.slice()),
};
