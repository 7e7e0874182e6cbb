// What a system under test is: servers, one process each, and a client in the process that runs the functions. Everything else is the same for all of them.

import type { Platform, Transport } from "@causalmesh/core";

/** Where a protocol has caches told of changes by somebody in between, that travels in batches, as through a message broker that is polled: this often. */
export const PUBLISH_INTERVAL_MS = 50;

/** What a workflow hands from one function to the next: it is what would travel with the call. */
export type Context = Uint8Array | string;

export interface ServerOptions {
  /** Of all cache servers; this one is at `index`. */
  readonly addresses: readonly string[];
  readonly index: number;
  /** Address of the store's process. */
  readonly store: string;
  readonly transport: Transport;
}

/** One cache server. */
export interface CacheServer {
  /** Writes that it has received and does not show unprompted yet. */
  backlog(): number;
  close(): Promise<void>;
}

export interface ClientOptions {
  readonly addresses: readonly string[];
  readonly store: string;
  readonly transport: Transport;
  /** Bytes that a library sends and receives past the transport. */
  readonly counts: { sent: number; received: number };
  /** Of our mesh: another clock and chance than this program's. */
  readonly platform?: Platform;
}

/** What is known of a workflow before it begins, for systems that need to know. */
export interface PlannedFunction {
  readonly server: number;
  readonly reads: readonly string[];
}

/** One function of a workflow, at one cache server. Reads and writes are made one after the other. */
export interface FunctionRun {
  /** A read of several keys is one request where the system has such a thing. */
  read(keys: readonly string[]): Promise<readonly (string | undefined)[]>;
  write(key: string, value: string): Promise<void>;
  /** Packs what the next function needs. */
  leave(): Promise<Context>;
  /** The workflow ends here: what was held back until now is made to happen. */
  finish(): Promise<void>;
}

export interface SystemClient {
  /**
   * Called before the first function. The plan is undefined where keys are known only as the functions run. `retryWith` is what the workflow was told when it was given up, if
   * it begins again.
   */
  begin(plan: readonly PlannedFunction[] | undefined, retryWith?: Context): Promise<Context | undefined>;
  /** The contexts are those of the functions before this one; none for the first. `reads` are the keys that this function is going to read. */
  enter(contexts: readonly Context[], server: number, reads: readonly string[]): Promise<FunctionRun>;
  /** Sets the keys to a value before anything is measured. */
  fill(keys: readonly string[], value: string): Promise<void>;
  /** Has the server load the keys into its cache. */
  warm(server: number, keys: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** The workflow cannot go on and begins again from its first function. */
export class Aborted extends Error {
  readonly reason: string;
  /** What helps the next attempt. */
  readonly retryWith: Context | undefined;

  constructor(reason: string, retryWith?: Context) {
    super(`aborted: ${reason}`);
    this.name = "Aborted";
    this.reason = reason;
    this.retryWith = retryWith;
  }
}

export function bytesOf(context: Context): number {
  return context.length;
}
