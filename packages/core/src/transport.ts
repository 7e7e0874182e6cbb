// The contract between a mesh and what carries its bytes. A transport knows nothing of frames or of the protocol: it moves
// ordered bytes between two ends. Implementations pass `transportSuite` of @causalmesh/conformance.

import type { MeshError } from "./errors.js";

/** What the owner of a connection wants to be told. Called one at a time, never during `send` or `close`. */
export interface ConnectionEvents {
  /** Bytes in the order sent, cut anywhere. They are valid during the call only: copy what is kept. */
  data(bytes: Uint8Array): void;
  /** `buffered` fell to zero after a `send` that returned false. */
  drained(): void;
  /** The last event. `error` is undefined after a clean end from the other side; not called after an own `close`. */
  closed(error: MeshError | undefined): void;
}

/** One end of a reliable, ordered, two-way stream of bytes. */
export interface Connection {
  /** Where the other end is, for messages. */
  readonly remote: string;
  /** Bytes given to `send` that are still held in this process. */
  readonly buffered: number;
  /**
   * Sends the bytes after all earlier ones. True: they have been taken and the caller may reuse the array at once.
   * False: the array must stay as it is until `drained`, or for good. Sending on a closed connection does nothing and returns true.
   */
  send(bytes: Uint8Array): boolean;
  /** Stops reading (`data` is not called) until `resume`; backpressure reaches the other end. */
  pause(): void;
  resume(): void;
  /** Ends the connection after what was sent. No event follows. */
  close(): void;
}

export interface Listener {
  /** The address to give to `connect`, with the port that was taken where 0 was asked for. */
  readonly address: string;
  /** Stops accepting; accepted connections stay. */
  close(): Promise<void>;
}

export interface Transport {
  /** Takes connections at the address. Rejects with `ADDRESS_IN_USE` or `ADDRESS_INVALID`. */
  listen(address: string, accept: (connection: Connection) => ConnectionEvents): Promise<Listener>;
  /** Opens a connection. Rejects with `NODE_UNREACHABLE`, `TIMEOUT` (after `timeoutMs`) or `ADDRESS_INVALID`. */
  connect(address: string, open: (connection: Connection) => ConnectionEvents, timeoutMs: number): Promise<Connection>;
}
