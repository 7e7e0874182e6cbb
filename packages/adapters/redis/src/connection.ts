// One connection to Redis: when it may be used, how long a call may take, and how it comes back. What is said over it is the
// store's. ioredis would queue calls while the server is away, send them again, and keep the process alive to reconnect; here a call
// fails at once and says so, is sent once, and nothing but a call under way keeps the process.

import { limits, MeshError } from "@causalmesh/core";
import { Redis, type RedisOptions } from "ioredis";
import { storeError } from "./errors.js";

export interface ConnectionOptions {
  /** The store's, for messages. */
  readonly name: string;
  readonly timeoutMs: number;
  /** Runs once on each new connection, before anything else. */
  prepare(client: Redis): Promise<void>;
}

export class Connection {
  readonly #client: Redis;
  readonly #isOurs: boolean;
  readonly #options: ConnectionOptions;
  /** Ends the calls that are under way. */
  readonly #pending = new Set<(error: MeshError) => void>();
  /** The first attempt, for which calls wait. Later ones they do not wait for: a node has to know at once that the store is away. */
  #first: Promise<void> | undefined;
  #firstEnded = false;
  #prepared: Promise<void> | undefined;
  #lastError: unknown;
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;

  private constructor(client: Redis, isOurs: boolean, options: ConnectionOptions) {
    this.#client = client;
    this.#isOurs = isOurs;
    this.#options = options;
    client.on("error", this.#onError);
    client.on("ready", this.#onReady);
    client.on("close", this.#onClose);
    if (isOurs) client.on("end", this.#onEnd);
  }

  /** A connection of our own, made at the first call. */
  static to(redis: RedisOptions, options: ConnectionOptions): Connection {
    const client = new Redis({
      connectTimeout: limits.CONNECT_TIMEOUT_MS_DEFAULT,
      connectionName: "causalmesh",
      ...redis,
      lazyConnect: true,
      enableOfflineQueue: false,
      // A server that still reads what it kept says so to each call, which is sooner than to wait for it.
      enableReadyCheck: false,
      autoResendUnfulfilledCommands: false,
      enableAutoPipelining: false,
      replyMapping: "legacy",
      commandTimeout: options.timeoutMs,
      retryStrategy: null,
    });
    return new Connection(client, true, options);
  }

  /** A connection of the user's. It may be shared with others, comes back as its owner has set it up, and stays open. */
  static of(client: Redis, options: ConnectionOptions): Connection {
    return new Connection(client, false, options);
  }

  /** Does something with the connection; rejects with a MeshError. */
  async run<Result>(call: (client: Redis) => Promise<Result>): Promise<Result> {
    if (this.#closing !== undefined) throw this.#closedError();
    return await new Promise<Result>((resolve, reject) => {
      const end = (error: MeshError): void => {
        clearTimeout(timer);
        this.#pending.delete(end);
        reject(error);
      };
      // This timer also keeps the process alive for the call; the socket does not.
      const timer = setTimeout(() => end(this.#timedOut()), this.#options.timeoutMs);
      this.#pending.add(end);
      this.#whenReady()
        .then(() => call(this.#client))
        .then(
          (result) => {
            clearTimeout(timer);
            this.#pending.delete(end);
            resolve(result);
          },
          (error: unknown) => end(this.#failed(error)),
        );
    });
  }

  async close(): Promise<void> {
    await (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    clearTimeout(this.#retry);
    for (const end of this.#pending) end(this.#closedError());
    const client = this.#client;
    client.off("ready", this.#onReady);
    client.off("close", this.#onClose);
    client.off("end", this.#onEnd);
    if (!this.#isOurs) return void client.off("error", this.#onError);
    if (client.status === "end") return;
    const ended = new Promise((resolve) => void client.once("end", resolve));
    this.#drop();
    await ended;
  }

  async #whenReady(): Promise<void> {
    if (this.#client.status === "ready") this.#firstEnded = true;
    else {
      if (this.#firstEnded) throw this.#lastError ?? new Error("the connection ended; it is made again by itself");
      await (this.#first ??= this.#firstAttempt());
    }
    await (this.#prepared ??= this.#prepare());
  }

  async #firstAttempt(): Promise<void> {
    const client = this.#client;
    if (client.status === "end" && !this.#isOurs) throw new Error("the client was closed; give the store an open one");
    let onReady = (): void => undefined;
    let onLost = onReady;
    try {
      await new Promise<void>((resolve, reject) => {
        onReady = resolve;
        onLost = () => reject((this.#lastError as Error) ?? new Error("the connection ended"));
        client.once("ready", onReady).once("close", onLost).once("end", onLost);
        if (client.status === "wait") client.connect().catch(() => undefined);
      });
    } finally {
      client.off("ready", onReady).off("close", onLost).off("end", onLost);
      this.#firstEnded = true;
    }
  }

  async #prepare(): Promise<void> {
    try {
      await this.#options.prepare(this.#client);
    } catch (error) {
      this.#prepared = undefined;
      throw error;
    }
  }

  readonly #onError = (error: unknown): void => void (this.#lastError = error);

  readonly #onReady = (): void => {
    this.#failures = 0;
    this.#lastError = undefined;
    this.#firstEnded = true;
    if (this.#isOurs) this.#client.stream.unref();
  };

  readonly #onClose = (): void => void (this.#prepared = undefined);

  readonly #onEnd = (): void => {
    this.#firstEnded = true;
    const delayMs = Math.min(limits.RETRY_DELAY_MS_MAX, limits.RETRY_DELAY_MS_MIN * 2 ** this.#failures++);
    this.#retry = setTimeout(() => void this.#client.connect().catch(() => undefined), delayMs * (0.5 + Math.random() / 2)).unref();
  };

  #timedOut(): MeshError {
    if (this.#isOurs) this.#drop();
    return new MeshError("STORE_UNAVAILABLE", `${this.#options.name} did not answer within ${this.#options.timeoutMs} ms; check the server and its load`);
  }

  #failed(error: unknown): MeshError {
    if (this.#closing !== undefined) return this.#closedError();
    // After a fail-over the same name leads to another server.
    if (this.#isOurs && error instanceof Error && error.message.startsWith("READONLY")) this.#drop();
    return storeError(this.#options.name, error);
  }

  /** Ends the connection at once. ioredis would wait for a server to say good-bye that may not say anything any more. */
  #drop(): void {
    const { status, stream } = this.#client;
    if (status === "end") return;
    this.#client.disconnect();
    if (status !== "wait") stream?.destroy();
  }

  #closedError(): MeshError {
    return new MeshError("CLOSED", `${this.#options.name} was closed; make a new store`);
  }
}
