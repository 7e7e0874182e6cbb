// The Redis store against the whole Store contract, on a real server that makes every answered write durable.

import { storeSuite } from "@causalmesh/conformance";
import { startRedis, type RedisServer } from "@causalmesh/test-servers";
import { limits } from "@causalmesh/core";
import { afterAll, beforeAll, describe, it } from "vitest";
import { redisStore } from "../src/index.js";
import { removePrefix } from "./support/redis.js";

let server: RedisServer;
let places = 0;
beforeAll(async () => void (server = await startRedis()));
afterAll(async () => await server.stop());

const setup = {
  abilities: { atomicApply: true, durable: true, shared: true, valueBytesMax: limits.VALUE_BYTES_MAX },
  place: async () => {
    const prefix = `suite-${process.pid}-${places++}`;
    return {
      open: async () => {
        const store = redisStore({ url: server.url, prefix });
        // The first call finds out whether the server is durable.
        await store.getMany([]);
        return store;
      },
      remove: async () => await removePrefix(server.url, prefix),
    };
  },
};

describe("redisStore", () => {
  for (const { name, skipped, run } of storeSuite(setup)) {
    if (skipped === undefined) it(name, run);
    else console.log(`skipped: ${name}: ${skipped}`);
  }
});
