// Redis as the mesh's Store: one script call per apply, one command per read. connection.ts owns when and how long.
//
// How long rows stay. A row that expires and a deletion have to win over older writes that come late, so they stay for
// TOMBSTONE_TTL_MS (core's limits) after the row expired or the deletion came in, by the server's clock. Then Redis drops them by itself,
// and a write that was older than a deletion and took longer than that to arrive would be kept.

import { randomUUID } from "node:crypto";
import {
  fencedError,
  limits,
  MeshError,
  type FlushedCounters,
  type RegistryRecord,
  type RegistryState,
  type Row,
  type ScanPage,
  type Store,
  type StoreAbilities,
} from "@causalmesh/core";
import type { Redis, RedisOptions } from "ioredis";
import { describeAddress, parseAddress } from "./address.js";
import applyText from "./apply.lua";
import { Connection } from "./connection.js";
import readRegistryText from "./read-registry.lua";
import scanText from "./scan.lua";
import { damagedRow, decodeRow, namesUnder, PREFIX_DEFAULT, rowArguments, type Names } from "./schema.js";
import { Script } from "./script.js";
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

const TIMEOUT_MS_DEFAULT = 5_000;
/** A timer takes no more. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;
/** Longer pages would hold the server and its memory; a page may be shorter than its limit. */
const PAGE_BYTES_MAX = 8 * 1024 * 1024;
/** Keys without a row that one call passes over, for the same reason. */
const PAGE_DEAD_KEYS_MAX = 10_000;

const applyScript = new Script<number>(applyText);
const scanScript = new Script<[more: number, last: Buffer, ...keysAndRows: Buffer[]]>(scanText);
const readRegistryScript = new Script<[epoch: Buffer | null, bytes: Buffer | null, flushed: Buffer[]]>(readRegistryText);
const swapRegistryScript = new Script<number>(swapRegistryText);

/** A store on a Redis server. It connects at the first call. Throws OPTION_INVALID. */
export function redisStore(options: RedisStoreOptions): Store {
  return new RedisStore(options ?? {});
}

class RedisStore implements Store {
  readonly name: string;
  readonly #names: Names;
  readonly #connection: Connection;
  #durable: boolean;

  constructor({ url, connection, client, prefix, timeoutMs = TIMEOUT_MS_DEFAULT, durable }: RedisStoreOptions) {
    if (!Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > TIMEOUT_MS_MAX)
      throw new MeshError("OPTION_INVALID", `timeoutMs must be a whole number of milliseconds from 1 to ${TIMEOUT_MS_MAX}`);
    this.#durable = durable ?? false;
    const address = url === undefined ? undefined : parseAddress(checkedText(url));
    const chosenPrefix = prefix ?? address?.prefix ?? PREFIX_DEFAULT;
    this.#names = namesUnder(chosenPrefix);
    const redis = checkedClient(client, url, connection)?.options ?? { ...address?.options, ...connection };
    this.name = `redis at ${describeAddress({ ...redis })} (${chosenPrefix})`;
    const prepare = async (connected: Redis): Promise<void> => {
      const found = await checkServer(connected, this.#names, this.name);
      this.#durable = durable ?? found ?? false;
    };
    const common = { name: this.name, timeoutMs, prepare };
    this.#connection = client === undefined ? Connection.to(redis, common) : Connection.of(client, common);
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
    const raised = flushed.flatMap(([replica, counter]) => [String(replica), String(counter)]);
    const args = [limits.TOMBSTONE_TTL_MS, rows.length, epoch === undefined ? "" : String(epoch), ...[rows.map(rowArguments), raised].flat(2)];
    await this.#connection.run(async (client) => {
      const answer = await applyScript.run(client, [prefix, index, going, counters, registry], args);
      if (answer < 0) throw fencedError(this.name, -answer);
      if (answer > 0) throw damagedRow(rows[answer - 1].key);
    });
  }

  async readRegistry(): Promise<RegistryState> {
    return await this.#connection.run(async (client) => {
      const [epoch, bytes, flushed] = await readRegistryScript.run(client, [this.#names.registry, this.#names.flushed], []);
      return { registry: epoch === null || bytes === null ? undefined : { epoch: Number(epoch), bytes }, flushed: pairsOf(flushed) };
    });
  }

  async swapRegistry(expectedEpoch: number, next: RegistryRecord): Promise<boolean> {
    const args = [String(expectedEpoch), String(next.epoch), Buffer.from(next.bytes), randomUUID()];
    return await this.#connection.run(async (client) => (await swapRegistryScript.run(client, [this.#names.registry], args)) === 1);
  }

  async scan(prefix: string, cursor: string | undefined, limit: number): Promise<ScanPage> {
    // No UTF-8 text has the byte 0xff, so it stands behind every key that starts with the prefix.
    const greatest = Buffer.concat([Buffer.from(`(${prefix}`), Buffer.from([0xff])]);
    let least = cursor === undefined ? `[${prefix}` : `(${cursor}`;
    return await this.#connection.run(async (client) => {
      for (;;) {
        const args = [least, greatest, limit, PAGE_BYTES_MAX, limit + 1 + PAGE_DEAD_KEYS_MAX];
        const [more, last, ...found] = await scanScript.run(client, [this.#names.rows, this.#names.index], args);
        const rows: Row[] = [];
        for (let at = 0; at < found.length; at += 2) rows.push(decodeRow(found[at].toString(), found[at + 1]));
        if (more === 0 || rows.length > 0) return { rows, cursor: more === 0 ? undefined : last.toString() };
        least = `(${last.toString()}`;
      }
    });
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }
}

function pairsOf(flushed: readonly Buffer[]): FlushedCounters {
  return Array.from({ length: flushed.length / 2 }, (_, index) => [Number(flushed[2 * index]), Number(flushed[2 * index + 1])]);
}

function checkedText(url: unknown): string {
  if (typeof url === "string") return url;
  throw new MeshError("OPTION_INVALID", "url must be a string, such as redis://127.0.0.1:6379");
}

function checkedClient(client: Redis | undefined, url: unknown, connection: unknown): Redis | undefined {
  const given = [client, url ?? connection].filter((each) => each !== undefined);
  if (given.length !== 1)
    throw new MeshError("OPTION_INVALID", 'give redisStore a server, such as { url: "redis://127.0.0.1:6379" }, or a client: one of them');
  if (client === undefined) return undefined;
  if (typeof client.mgetBuffer !== "function") throw new MeshError("OPTION_INVALID", "client must be a Redis of the package ioredis");
  if (client.isCluster)
    throw new MeshError("OPTION_INVALID", "client is a Cluster, over which one apply cannot be atomic; give a Redis, with replicas where you like");
  return client;
}
