// Sends commands to DynamoDB: with a limit in time, an end when the store is closed, and the mesh's errors. The SDK owns the single
// request: its signature, its connection, and repeating what was throttled or lost.

import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { MeshError } from "@causalmesh/core";
import { storeError } from "./errors.js";

export interface CallerOptions {
  readonly client: DynamoDBClient;
  /** Whether the client ends with the store. */
  readonly isOurs: boolean;
  /** The store's, for messages. */
  readonly name: string;
  readonly timeoutMs: number;
}

export class Caller {
  readonly #options: CallerOptions;
  /** Ends the work that is under way. */
  readonly #pending = new Set<(error: MeshError) => void>();
  #closed = false;

  constructor(options: CallerOptions) {
    this.#options = options;
  }

  /** One command, within the time; throws what the SDK throws, for those who look at it. */
  send: DynamoDBClient["send"] = async (command: never) => {
    const { client, timeoutMs, name } = this.#options;
    this.#checkOpen();
    const abort = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    // The SDK pauses before it tries again, and does not end such a pause when it is told to.
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new MeshError("STORE_UNAVAILABLE", `${name} did not answer within ${timeoutMs} ms; check the network and the table's capacity`));
        abort.abort();
      }, timeoutMs);
    });
    try {
      return await Promise.race([client.send(command, { abortSignal: abort.signal }), late]);
    } finally {
      clearTimeout(timer);
    }
  };

  /** Work of several commands; rejects with a MeshError, and with CLOSED as soon as the store is closed. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#checkOpen();
    return await new Promise<Result>((resolve, reject) => {
      this.#pending.add(reject);
      work()
        .then(resolve, (error: unknown) => reject(storeError(this.#options.name, error)))
        .finally(() => this.#pending.delete(reject));
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const end of this.#pending) end(this.#closedError());
    if (this.#options.isOurs) this.#options.client.destroy();
  }

  #checkOpen(): void {
    if (this.#closed) throw this.#closedError();
  }

  #closedError(): MeshError {
    return new MeshError("CLOSED", `${this.#options.name} was closed; make a new store`);
  }
}
