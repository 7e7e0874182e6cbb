// Redis as the mesh's Store: one script call per apply, one command per read. connection.ts owns when and how long.
//
// How long rows stay. A row that expires and a deletion have to win over older writes that come late, so they stay for
// TOMBSTONE_TTL_MS (core's limits) after the row expired or the deletion came in, by the server's clock. Then Redis drops them by itself,
// and a write that was older than a deletion and took longer than that to arrive would be kept.

import { randomUUID } from "node:crypto";
import { checkPrefix, checkTimeoutMs, damagedRow } from "@causalmesh/adapter-kit";
import { fencedError, limits, MeshError } from "@causalmesh/core";
import type { FlushedCounters, RegistryRecord, RegistryState, Row, ScanPage, Store, StoreAbilities } from "@causalmesh/core";
import type { Redis, RedisOptions } from "ioredis";
import { describeAddress, parseAddress } from "./address.js";
import applyText from "./apply.lua";
import { Connection, ownClient } from "./connection.js";
import readRegistryText from "./read-registry.lua";
import scanText from "./scan.lua";
import { decodeRow, namesUnder, rowArguments, type Names } from "./schema.js";
import { script } from "./script.js";
import { checkServer } from "./server.js";
import swapRegistryText from "./swap-registry.lua";

export interface RedisStoreOptions {
  /** `redis://[user:password@]host[:port][/database][?prefix=name]`, or `rediss://` for TLS. */
  readonly url?: string;
  /** More of ioredis' options for a connection of the store's own: `tls`, `password`, `sentinels` and `name`, `path`. They go before the URL's. */
  readonly connection?: RedisOptions;
  /** A connection of yours, instead of `url` and `connection`. It is not closed with the store. A Cluster is refused. */
  readonly client?: Redis;
  /** Keeps meshes in one database apart: letters, digits, ".", "_" and "-". Before the URL's; by default `causalmesh`. */
  readonly prefix?: string;
  /** Milliseconds for one call, after which it rejects with STORE_UNAVAILABLE; by default 5 000. */
  readonly timeoutMs?: number;
  /** What `abilities.durable` says. By default the server is asked at the first call: `appendfsync always` is durable; false until then, and where it may not be asked. */
  readonly durable?: boolean;
}

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

  constructor({ url, connection, client, prefix, timeoutMs = 5_000, durable }: RedisStoreOptions) {
    const { prefix: urlPrefix = "causalmesh", ...address } = url === undefined ? {} : parseAddress(url);
    const chosenPrefix = checkPrefix(prefix ?? urlPrefix);
    const used = checkedClient(client, url ?? connection) ?? ownClient({ ...address, ...connection });
    this.name = `redis at ${describeAddress({ ...used.options })} (${chosenPrefix})`;
    this.#names = namesUnder(chosenPrefix);
    this.#durable = durable ?? false;
    const prepare = async (): Promise<void> => {
      const found = await checkServer(used, this.#names, this.name);
      this.#durable = durable ?? found;
    };
    const calls = { name: this.name, timeoutMs: checkTimeoutMs(timeoutMs), advice: "check the server and its load" };
    this.#connection = new Connection(used, used !== client, calls, prepare);
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

function checkedClient(client: Redis | undefined, place: unknown): Redis | undefined {
  if ((client === undefined) === (place === undefined))
    throw new MeshError("OPTION_INVALID", 'give redisStore a server, such as { url: "redis://127.0.0.1:6379" }, or a client: one of them');
  if (client !== undefined && (typeof client.mgetBuffer !== "function" || client.isCluster))
    throw new MeshError("OPTION_INVALID", "client must be a Redis of the package ioredis, and no Cluster, over which one apply cannot be atomic");
  return client;
}
