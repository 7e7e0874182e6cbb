// Looks at a server past the store, as redis-cli would.

import { Redis } from "ioredis";

export async function withRedis<Result>(url: string, body: (redis: Redis) => Promise<Result>): Promise<Result> {
  const redis = new Redis(url, { retryStrategy: null });
  try {
    return await body(redis);
  } finally {
    redis.disconnect();
  }
}

export async function namesOf(url: string, prefix: string): Promise<string[]> {
  return await withRedis(url, async (redis) => (await redis.keys(`${prefix}:*`)).sort());
}

export async function removePrefix(url: string, prefix: string): Promise<void> {
  const names = await namesOf(url, prefix);
  await withRedis(url, async (redis) => void (names.length > 0 && (await redis.del(...names))));
}
