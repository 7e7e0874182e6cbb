// Redis as the mesh's Store: one script call per apply, one command per read. connection.ts owns when and how long.
//
// How long rows stay. A row that expires and a deletion have to win over older writes that come late, so they stay for
// TOMBSTONE_TTL_MS (core's limits) after the row expired or the deletion came in, by the server's clock. Then Redis drops them by itself,
// and a write that was older than a deletion and took longer than that to arrive would be kept.

import { randomUUID } from "node:crypto";
import { damagedRow } from "@causalmesh/adapter-kit";
import { fencedError, limits, type Store } from "@causalmesh/core";
import applyText from "./apply.lua";
import { resolveOptions, type RedisStoreOptions } from "./options.js";
import readRegistryText from "./read-registry.lua";
import scanText from "./scan.lua";
import { decodeRow, rowArguments } from "./schema.js";
import { script } from "./script.js";
import { checkServer } from "./server.js";
import swapRegistryText from "./swap-registry.lua";

/** Longer pages would hold the server and its memory; a page may be shorter than its limit. */
const PAGE_BYTES_MAX = 8 * 1024 * 1024;
/** Keys without a row that one call passes over, for the same reason. */
const PAGE_DEAD_KEYS_MAX = 10_000;

const applyScript = script<number>("apply", applyText);
const scanScript = script<[more: number, last: Buffer, ...found: [key: Buffer, row: Buffer][]]>("scan", scanText);
const readRegistryScript = script<[epoch: Buffer | null, bytes: Buffer | null, ...flushed: Buffer[][]]>("read-registry", readRegistryText);
const swapRegistryScript = script<number>("swap-registry", swapRegistryText);

/** A store on a Redis server. It connects at the first call. Throws OPTION_INVALID. */
export function redisStore(options: RedisStoreOptions): Store {
  const { name, names, connect } = resolveOptions(options ?? {});
  const { durable } = options;
  let isDurable = durable ?? false;
  const connection = connect(async (client) => {
    const found = await checkServer(client, names, name);
    isDurable = durable ?? found;
  });
  return {
    name,
    get abilities() {
      // Redis takes values of 512 MiB, a mesh less.
      return { atomicApply: true, durable: isDurable, shared: true, valueBytesMax: limits.VALUE_BYTES_MAX };
    },
    async getMany(keys) {
      return await connection.run(async (client) => {
        if (keys.length === 0) return [];
        const found = await client.mgetBuffer(keys.map((key) => names.rows + key));
        return found.map((bytes, index) => (bytes === null ? undefined : decodeRow(keys[index], bytes)));
      });
    },
    async apply(rows, flushed, epoch) {
      const args = [limits.TOMBSTONE_TTL_MS, rows.length, epoch ?? "", ...rows.flatMap(rowArguments), ...flushed.flat()];
      await connection.run(async (client) => {
        const answer = await applyScript(client, [names.rows, names.index, names.going, names.flushed, names.registry], args);
        if (answer < 0) throw fencedError(name, -answer);
        if (answer > 0) throw damagedRow(rows[answer - 1].key);
      });
    },
    async readRegistry() {
      return await connection.run(async (client) => {
        const [epoch, bytes, ...flushed] = await readRegistryScript(client, [names.registry, names.flushed], []);
        return {
          registry: epoch === null || bytes === null ? undefined : { epoch: Number(epoch), bytes },
          flushed: flushed.map(([replica, counter]) => [Number(replica), Number(counter)] as const),
        };
      });
    },
    async swapRegistry(expectedEpoch, next) {
      const args = [expectedEpoch, next.epoch, Buffer.from(next.bytes), randomUUID()];
      return await connection.run(async (client) => (await swapRegistryScript(client, [names.registry], args)) === 1);
    },
    async scan(prefix, cursor, limit) {
      // No UTF-8 text has the byte 0xff, so it stands behind every key that starts with the prefix.
      const greatest = Buffer.concat([Buffer.from(`(${prefix}`), Buffer.from([0xff])]);
      let least = cursor === undefined ? `[${prefix}` : `(${cursor}`;
      return await connection.run(async (client) => {
        for (;;) {
          const args = [least, greatest, limit, PAGE_BYTES_MAX, limit + 1 + PAGE_DEAD_KEYS_MAX];
          const [more, last, ...found] = await scanScript(client, [names.rows, names.index], args);
          const rows = found.map(([key, row]) => decodeRow(key.toString(), row));
          if (more === 0 || rows.length > 0) return { rows, cursor: more === 0 ? undefined : last.toString() };
          least = `(${last.toString()}`;
        }
      });
    },
    close: async () => await connection.close(),
  };
}
