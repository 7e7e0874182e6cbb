// One connection to Redis: when it may be used, and when it is made again. What is said over it is the store's. ioredis would queue
// calls while the server is away, send them again, and keep the process alive to reconnect; here a call fails at once and says so, is sent
// once, and nothing but a call under way keeps the process.

import { once } from "node:events";
import { Calls, lazily, textOf, withPauses, type CallsOptions, type Lazy } from "@causalmesh/adapter-kit";
import { limits } from "@causalmesh/core";
import { Redis, type RedisOptions } from "ioredis";
import { redisError } from "./errors.js";

/** A client for a connection of our own, made at the first call. */
export function ownClient(redis: RedisOptions): Redis {
  return new Redis({
    connectTimeout: limits.CONNECT_TIMEOUT_MS_DEFAULT,
    connectionName: "causalmesh",
    ...redis,
    lazyConnect: true,
    enableOfflineQueue: false,
    // A server that still reads what it kept says so to each call, which is sooner than to wait for it.
    enableReadyCheck: false,
    retryStrategy: null,
    sentinelRetryStrategy: () => null,
  });
}

export class Connection {
  readonly #client: Redis;
  readonly #isOurs: boolean;
  readonly #name: string;
  readonly #calls: Calls;
  #lastError: unknown;
  readonly #onError = (error: unknown): void => void (this.#lastError = error);
  /** Connected and prepared. */
  readonly #ready: Lazy<void>;

  /**
   * A client of the user's may be shared with others, comes back as its owner has set it up, and stays open. `prepare` runs once on each new
   * connection, before anything else.
   */
  constructor(client: Redis, isOurs: boolean, options: CallsOptions, prepare: (client: Redis) => Promise<void>) {
    this.#client = client;
    this.#isOurs = isOurs;
    this.#name = options.name;
    this.#calls = new Calls(options);
    const attempt = async (): Promise<void> => {
      if (client.status !== "ready") await this.#connected();
      // ioredis goes on in database 0 where the server has no database of that number.
      if (client.options.db) await client.select(client.options.db);
      await prepare(client);
    };
    this.#ready = lazily(withPauses(attempt));
    client.on("close", this.#ready.forget).on("error", this.#onError);
  }

  /** Does something with the connection; rejects with a MeshError. */
  async run<Result>(call: (client: Redis) => Promise<Result>): Promise<Result> {
    try {
      return await this.#calls.run(async (signal) => {
        signal.addEventListener("abort", () => this.#drop());
        await this.#ready();
        return await call(this.#client);
      });
    } catch (error) {
      // After a fail-over the same name leads to another server.
      if (textOf(error).startsWith("READONLY")) this.#drop();
      throw redisError(this.#name, error);
    }
  }

  /** Ends the calls under way with CLOSED, and a connection of our own. */
  async close(): Promise<void> {
    this.#calls.close();
    if (!this.#isOurs) return void this.#client.off("close", this.#ready.forget).off("error", this.#onError);
    if (this.#client.status === "end") return;
    const ended = new Promise((resolve) => void this.#client.once("end", resolve));
    this.#client.disconnect();
    this.#drop();
    await ended;
  }

  async #connected(): Promise<void> {
    const { status } = this.#client;
    if (this.#isOurs || status === "wait") {
      this.#lastError = undefined;
      // What went wrong is told by the event alone.
      await this.#client.connect().catch((error: unknown) => Promise.reject(this.#lastError ?? error));
      if (this.#isOurs) this.#client.stream.unref();
    } else if (status === "connecting" || status === "connect") await once(this.#client, "ready");
    // What it were given now, it would keep.
    else throw new Error(status === "end" ? "the client was closed; give the store an open one" : "the client has no connection");
  }

  /** Ends a connection of our own at once. ioredis would wait for a server to say good-bye that may not say anything any more. */
  #drop(): void {
    if (this.#isOurs) this.#client.stream?.destroy();
  }
}
