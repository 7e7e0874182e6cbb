// Looks at a server past the store, as redis-cli would.

import { readFileSync } from "node:fs";
import { Redis } from "ioredis";

/** The commands that a user needs, as the README lists them. */
export function commandsOfReadme(): string[] {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  return /^ACL SETUSER mesh on >password ~shop:\* (.*)$/m.exec(readme)![1].split(" ");
}

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
