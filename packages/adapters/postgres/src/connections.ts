// Calls on pooled connections, each with a deadline, all of which `close` ends. Whose pool it is, it knows too.

import { MeshError } from "@causalmesh/core";
import type { Pool, PoolClient } from "pg";

export interface ConnectionsOptions {
  readonly pool: Pool;
  /** Whether the pool is ours to end. */
  readonly owned: boolean;
  readonly timeoutMs: number;
  /** The store's, for messages. */
  readonly name: string;
}

const ignore = (): void => undefined;

export class Connections {
  readonly #options: ConnectionsOptions;
  /** Ends each call that is under way with an error. */
  readonly #calls = new Set<(error: MeshError) => void>();
  #closing: Promise<void> | undefined;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    // Connections break while nobody uses them, when the server restarts. The pool drops them; unheard, the event would end the process.
    options.pool.on("error", ignore);
  }

  /** Runs `work` on one connection. Rejects with what failed, or with a MeshError at the deadline and at `close`. */
  async run<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> {
    this.#checkOpen();
    const { pool, timeoutMs } = this.#options;
    let end!: (error: MeshError) => void;
    const ended = new Promise<never>((_resolve, reject) => (end = reject));
    this.#calls.add(end);
    const timer = setTimeout(() => end(this.#lateError()), timeoutMs);
    let over = false;
    let failed = true;
    let client: PoolClient | undefined;
    const worked = pool.connect().then(async (connected) => {
      if (over) {
        // It came too late: nobody waits for the work any more.
        connected.release();
        return undefined;
      }
      client = connected;
      // An error of a connection in use fails its query, and is an event as well.
      client.on("error", ignore);
      return await work(client);
    });
    try {
      const result = (await Promise.race([worked, ended])) as Result;
      failed = false;
      return result;
    } finally {
      over = true;
      clearTimeout(timer);
      this.#calls.delete(end);
      client?.off("error", ignore);
      // After a failure it may be within a transaction, or a late answer may come: that connection is not used again.
      client?.release(failed);
    }
  }

  /** Ends the calls under way with CLOSED and gives all connections back; ends the pool if it is ours. */
  async close(): Promise<void> {
    await (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    const { pool, owned } = this.#options;
    for (const end of this.#calls) end(this.#closedError());
    if (owned) return await pool.end();
    // The calls give their connections back within this turn.
    await new Promise((resolve) => setImmediate(resolve));
    pool.off("error", ignore);
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw this.#closedError();
  }

  #lateError(): MeshError {
    const { name, timeoutMs } = this.#options;
    return new MeshError("STORE_UNAVAILABLE", `${name} did not answer within ${timeoutMs} ms; check that it runs and what it is busy with`);
  }

  #closedError(): MeshError {
    return new MeshError("CLOSED", `${this.#options.name} has been closed; make a new store`);
  }
}
