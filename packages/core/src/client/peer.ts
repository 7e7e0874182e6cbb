// One node as a client sees it: its address, the link to it while there is one, and the calls that wait for the link.

import type { Host } from "../host/host.js";
import { CONNECT_TIMEOUT_MS_DEFAULT } from "../limits.js";
import { MeshError } from "../errors.js";
import type { Platform } from "../clock.js";
import type { Transport } from "../transport.js";
import type { Welcome } from "../wire/handshake.js";
import type { ViewNotice } from "../wire/messages.js";
import type { Secrets } from "../wire/secrets.js";
import type { Call } from "./call.js";
import { Link } from "./link.js";

export interface PeerOptions {
  readonly transport: Transport;
  readonly platform: Platform;
  readonly secrets: Secrets;
  readonly welcomed: (peer: Peer, welcome: Welcome) => void;
  readonly viewChanged: (notice: ViewNotice) => void;
  /** A call failed at this node, and may be made elsewhere. */
  readonly failed: (peer: Peer, call: Call, error: MeshError) => void;
}

export class Peer {
  readonly address: string;
  /** Where the node is in this very process: hits are then read without a request. */
  readonly local: Host | undefined;
  link: Link | undefined;
  /** Failures since the last welcome. */
  failures = 0;
  lastError: MeshError | undefined;
  readonly #options: PeerOptions;
  #waiting: Call[] = [];
  #connecting = false;
  #closed = false;

  constructor(address: string, options: PeerOptions, local?: Host) {
    this.address = address;
    this.local = local;
    this.#options = options;
  }

  submit(call: Call): void {
    if (this.link !== undefined) {
      this.link.send(call);
      return;
    }
    this.#waiting.push(call);
    void this.connect();
  }

  async connect(): Promise<void> {
    if (this.#connecting || this.link !== undefined || this.#closed) return;
    const { transport, platform, secrets, welcomed } = this.#options;
    this.#connecting = true;
    try {
      await transport.connect(
        this.address,
        (connection) =>
          new Link(connection, {
            platform,
            secrets,
            opened: (link, welcome) => {
              this.#opened(link);
              welcomed(this, welcome);
            },
            lost: (link, error, calls) => this.#lost(link, error, calls),
            refused: (call, error) => {
              // It was answered that it was not done.
              call.sent = false;
              this.#options.failed(this, call, error);
            },
            lostWrites: (call, finals) => {
              call.sent = false;
              call.caller.lostWrites(call, finals);
            },
            viewChanged: (notice) => this.#options.viewChanged(notice),
          }),
        CONNECT_TIMEOUT_MS_DEFAULT,
      );
    } catch (error) {
      this.#down(error instanceof MeshError ? error : new MeshError("NODE_UNREACHABLE", `cannot connect to ${this.address}`, { cause: error }), []);
    }
  }

  #opened(link: Link): void {
    this.#connecting = false;
    this.failures = 0;
    this.lastError = undefined;
    this.link = link;
    if (this.#closed) {
      link.close(closedError());
      return;
    }
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const call of waiting) if (!call.done) link.send(call);
  }

  #lost(link: Link, error: MeshError, calls: readonly Call[]): void {
    if (this.link === link) this.link = undefined;
    this.#down(error, calls);
  }

  #down(error: MeshError, calls: readonly Call[]): void {
    this.#connecting = false;
    this.failures += 1;
    this.lastError = error;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const call of [...calls, ...waiting]) if (!call.done) this.#options.failed(this, call, error);
  }

  /** Calls that have no answer yet. */
  pending(): Call[] {
    return this.link === undefined ? this.#waiting : [...this.link.pending(), ...this.#waiting];
  }

  get isConnecting(): boolean {
    return this.#connecting;
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0 && (this.link === undefined || this.link.inFlight === 0);
  }

  close(): void {
    this.#closed = true;
    this.link?.close(closedError());
    this.#down(closedError(), []);
  }
}

export function closedError(): MeshError {
  return new MeshError("CLOSED", "the mesh was closed; make a new one");
}

/** Whether two ways to write an address are one. */
export function sameAddress(a: string, b: string): boolean {
  return a.replace(/^meshs?:\/\//, "") === b.replace(/^meshs?:\/\//, "");
}
