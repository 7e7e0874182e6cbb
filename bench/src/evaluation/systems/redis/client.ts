// Workflows on one redis-server that all functions share, through ioredis at its fastest: what a user would pick instead.

import { Redis } from "ioredis";
import type { ClientOptions, Context, FunctionRun, SystemClient } from "../system.js";

/** `store` is the server's address. */
export async function redisClient({ store, counts }: ClientOptions): Promise<SystemClient> {
  const [host, port] = store.split(":");
  const redis = new Redis({ host, port: Number(port), enableAutoPipelining: true });
  await redis.ping();
  const run = new RedisRun(redis);
  // The library has its own socket, whose bytes are looked up when they are asked for.
  Object.defineProperties(counts, {
    sent: { get: () => redis.stream.bytesWritten },
    received: { get: () => redis.stream.bytesRead },
  });
  return {
    begin: async () => undefined,
    enter: async () => run,
    fill: async (keys, value) => void (await redis.mset(keys.flatMap((key) => [key, value]))),
    warm: async () => undefined,
    close: async () => void (await redis.quit()),
  };
}

class RedisRun implements FunctionRun {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async read(keys: readonly string[]): Promise<(string | undefined)[]> {
    const values = keys.length === 1 ? [await this.#redis.get(keys[0])] : await this.#redis.mget(...keys);
    return values.map((value) => value ?? undefined);
  }

  async write(key: string, value: string): Promise<void> {
    await this.#redis.set(key, value);
  }

  async leave(): Promise<Context> {
    return "";
  }

  async finish(): Promise<void> {}
}
