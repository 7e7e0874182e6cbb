// Redis as the mesh's Store: one script call per apply, one command per read. connection.ts owns when and how long.
//
// How long rows stay. A row that expires and a deletion have to win over older writes that come late, so they stay for
// TOMBSTONE_TTL_MS (core's limits) after the row expired or the deletion came in, by the server's clock. Then Redis drops them by itself,
// and a write that was older than a deletion and took longer than that to arrive would be kept.

import { randomUUID } from "node:crypto";
import { damagedRow } from "@causalmesh/adapter-kit";
import { fencedError, limits } from "@causalmesh/core";
import type { FlushedCounters, RegistryRecord, RegistryState, Row, ScanPage, Store, StoreAbilities } from "@causalmesh/core";
import applyText from "./apply.lua";
import type { Connection } from "./connection.js";
import { resolveOptions, type RedisStoreOptions } from "./options.js";
import readRegistryText from "./read-registry.lua";
import scanText from "./scan.lua";
import { decodeRow, rowArguments, type Names } from "./schema.js";
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
  return new RedisStore(options ?? {});
}

class RedisStore implements Store {
  readonly name: string;
  readonly #names: Names;
  readonly #connection: Connection;
  #durable: boolean;

  constructor(options: RedisStoreOptions) {
    const { name, names, connect } = resolveOptions(options);
    this.name = name;
    this.#names = names;
    this.#durable = options.durable ?? false;
    this.#connection = connect(async (client) => {
      const found = await checkServer(client, names, name);
      this.#durable = options.durable ?? found;
    });
  }

  get abilities(): StoreAbilities {
    // Redis takes values of 512 MiB, a mesh less.
    return { atomicApply: true, durable: this.#durable, shared: true, valueBytesMax: limits.VALUE_BYTES_MAX };
  }

  async getMany(keys: readonly string[]): Promise<(Row | undefined)[]> {
    return await this.#connection.run(async (client) => {
      if (keys.length === 0) return [];
      const found = await client.mgetBuffer(keys.map((key) => this.#names.rows + key));
      return found.map((bytes, index) => (bytes === null ? undefined : decodeRow(keys[index], bytes)));
    });
  }

  async apply(rows: readonly Row[], flushed: FlushedCounters, epoch?: number): Promise<void> {
    const { rows: prefix, index, going, flushed: counters, registry } = this.#names;
    const args = [limits.TOMBSTONE_TTL_MS, rows.length, epoch ?? "", ...rows.flatMap(rowArguments), ...flushed.flat()];
    await this.#connection.run(async (client) => {
      const answer = await applyScript(client, [prefix, index, going, counters, registry], args);
      if (answer < 0) throw fencedError(this.name, -answer);
      if (answer > 0) throw damagedRow(rows[answer - 1].key);
    });
  }

  async readRegistry(): Promise<RegistryState> {
    return await this.#connection.run(async (client) => {
      const [epoch, bytes, ...flushed] = await readRegistryScript(client, [this.#names.registry, this.#names.flushed], []);
      return {
        registry: epoch === null || bytes === null ? undefined : { epoch: Number(epoch), bytes },
        flushed: flushed.map(([replica, counter]) => [Number(replica), Number(counter)] as const),
      };
    });
  }

  async swapRegistry(expectedEpoch: number, next: RegistryRecord): Promise<boolean> {
    const args = [expectedEpoch, next.epoch, Buffer.from(next.bytes), randomUUID()];
    return await this.#connection.run(async (client) => (await swapRegistryScript(client, [this.#names.registry], args)) === 1);
  }

  async scan(prefix: string, cursor: string | undefined, limit: number): Promise<ScanPage> {
    // No UTF-8 text has the byte 0xff, so it stands behind every key that starts with the prefix.
    const greatest = Buffer.concat([Buffer.from(`(${prefix}`), Buffer.from([0xff])]);
    let least = cursor === undefined ? `[${prefix}` : `(${cursor}`;
    return await this.#connection.run(async (client) => {
      for (;;) {
        const args = [least, greatest, limit, PAGE_BYTES_MAX, limit + 1 + PAGE_DEAD_KEYS_MAX];
        const [more, last, ...found] = await scanScript(client, [this.#names.rows, this.#names.index], args);
        const rows = found.map(([key, row]) => decodeRow(key.toString(), row));
        if (more === 0 || rows.length > 0) return { rows, cursor: more === 0 ? undefined : last.toString() };
        least = `(${last.toString()}`;
      }
    });
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }
}
