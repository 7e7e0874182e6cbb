// The drivers that go through the two client libraries of Redis.

import { Redis } from "ioredis";
import { createClient } from "redis";
import { HOT_ENTRIES, keyAt, list, textAt } from "../workload.js";
import { expectValue, LoopDriver } from "./loops.js";

const KEYS = list(HOT_ENTRIES, keyAt);

/** ioredis with automatic pipelining, its fastest way for calls that are awaited one by one. */
export async function ioredisDriver(port: number): Promise<LoopDriver> {
  const redis = new Redis({ port, host: "127.0.0.1", enableAutoPipelining: true });
  const values = list(HOT_ENTRIES, (index) => textAt(index));
  await redis.set(KEYS[0], values[0]);
  expectValue(await redis.get(KEYS[0]), values[0]);
  return new LoopDriver({ get: (index) => redis.get(KEYS[index]), set: (index) => redis.set(KEYS[index], values[index]) });
}

/**
 * node-redis, which pipelines the calls of one tick by itself. By default it makes an AbortSignal with a timer for every command, which
 * takes most of its CPU; `timeouts: false` measures it at its best.
 */
export async function nodeRedisDriver(port: number, { timeouts }: { timeouts: boolean }): Promise<LoopDriver> {
  const commandOptions = timeouts ? undefined : { timeout: undefined };
  const redis = await createClient({ socket: { port, host: "127.0.0.1" }, commandOptions }).connect();
  const values = list(HOT_ENTRIES, (index) => textAt(index));
  await redis.set(KEYS[0], values[0]);
  expectValue(await redis.get(KEYS[0]), values[0]);
  return new LoopDriver({ get: (index) => redis.get(KEYS[index]), set: (index) => redis.set(KEYS[index], values[index]) });
}
