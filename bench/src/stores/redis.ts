// A redis-server of the bench's own, which writes every change to the disk before it answers.

import { redisStore } from "@causalmesh/adapter-redis";
import type { Row } from "@causalmesh/core";
import { startRedis } from "@causalmesh/test-servers";
import { Redis } from "ioredis";
import type { BareClient, Database } from "./database.js";

const HASH = "bare";
/** A row is its timestamp in so many digits, then the value. */
const TIMESTAMP_DIGITS = 16;
/** One call for many rows: each is kept unless there is a newer one. */
const WRITE_MANY = `
  for at = 1, #ARGV, 3 do
    local stored = redis.call("HGET", KEYS[1], ARGV[at])
    if not stored or string.sub(stored, 1, ${TIMESTAMP_DIGITS}) < ARGV[at + 1] then redis.call("HSET", KEYS[1], ARGV[at], ARGV[at + 1] .. ARGV[at + 2]) end
  end`;

const parsed = (stored: Buffer | null): unknown => (stored === null ? undefined : (JSON.parse(stored.toString("utf8", TIMESTAMP_DIGITS)) as unknown));

function bareClient(url: string): BareClient {
  const redis = new Redis(url);
  const write = async (rows: readonly Row[]): Promise<void> => {
    const values = rows.flatMap(({ key, value, timestamp }) => [key, String(timestamp).padStart(TIMESTAMP_DIGITS, "0"), Buffer.from(value!)]);
    await redis.eval(WRITE_MANY, 1, HASH, ...values);
  };
  return {
    clear: async () => void (await redis.del(HASH)),
    writeMany: write,
    write: async (row) => await write([row]),
    readMany: async (keys) => (await redis.hmgetBuffer(HASH, ...keys)).map(parsed),
    countMany: async (keys) => (await redis.hmgetBuffer(HASH, ...keys)).filter((value) => value !== null).length,
    close: async () => void (await redis.quit()),
  };
}

export async function openRedis(): Promise<Database> {
  const server = await startRedis({ own: true });
  let stores = 0;
  return {
    name: "redis",
    store: async () => redisStore({ url: server.url, prefix: `mesh${stores++}` }),
    bare: async () => bareClient(server.url),
    stop: async () => await server.stop(),
  };
}
