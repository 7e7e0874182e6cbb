// Calls on pooled connections. Whose pool it is, it knows too.

import { Calls, lazily } from "@causalmesh/adapter-kit";
import type { PoolClient } from "pg";
import type { Settings } from "./options.js";

const ignore = (): void => undefined;

export class Connections {
  readonly #pool: Settings["pool"];
  readonly #calls: Calls;
  /** Ends the calls under way with CLOSED and gives all connections back; ends the pool if it is ours. */
  readonly close: () => Promise<void>;

  constructor(settings: Settings) {
    this.#pool = settings.pool;
    this.#calls = new Calls({ ...settings, advice: "check that it runs and what it is busy with" });
    // Connections break while nobody uses them, when the server restarts. The pool drops them; unheard, the event would end the process.
    this.#pool.on("error", ignore);
    this.close = lazily(async () => {
      this.#calls.close();
      if (settings.owned) return await this.#pool.end();
      // The calls give their connections back within this turn.
      await new Promise((resolve) => setImmediate(resolve));
      this.#pool.off("error", ignore);
    });
  }

  /** Runs `work` on one connection. Rejects with what failed, or with a MeshError at the deadline and at `close`. */
  async run<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> {
    let client: PoolClient | undefined;
    let failed = true;
    try {
      const result = await this.#calls.run(async (signal) => {
        const connected = await this.#pool.connect();
        // It came too late: nobody waits for the work any more.
        if (signal.aborted) return connected.release() as never;
        // An error of a connection in use fails its query, and is an event as well.
        client = connected.on("error", ignore);
        return await work(connected);
      });
      failed = false;
      return result;
    } finally {
      // After a failure it may be within a transaction, or a late answer may come: that connection is not used again.
      client?.off("error", ignore).release(failed);
    }
  }
}
