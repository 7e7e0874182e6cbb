// A DynamoDB table as the mesh's Store. schema.ts owns the form, write.ts the order of writes, read.ts the order of scans.
//
// How long rows stay. A row that expires and a deletion have to win over older writes that come late, so they stay for
// TOMBSTONE_TTL_MS (core's limits) after the row expired or the deletion was flushed, by the flushing node's clock. From then on DynamoDB
// drops them (the table's time to live on `goneAt`), within some days, and a write that was older and takes longer to arrive would be kept.

import { DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import {
  MeshError,
  type FlushedCounters,
  type RegistryRecord,
  type RegistryState,
  type Row,
  type ScanPage,
  type Store,
  type StoreAbilities,
} from "@causalmesh/core";
import { Caller } from "./caller.js";
import { readMany, readPage, type Rows } from "./read.js";
import { readState, swapState } from "./registry.js";
import { checkPrefix, PREFIX_DEFAULT, SHARDS_DEFAULT, SHARDS_MAX, VALUE_BYTES_MAX } from "./schema.js";
import { prepareTable } from "./table.js";
import { Writer } from "./write.js";

export interface DynamodbStoreOptions {
  /** The table's name. */
  readonly table: string;
  /** By default what the SDK finds: AWS_REGION, or the profile's. */
  readonly region?: string;
  /** Another server than AWS, such as `http://localhost:8000`. */
  readonly endpoint?: string;
  /** More of the SDK's options for a client of the store's own: `credentials`, `maxAttempts`, `requestHandler`. */
  readonly connection?: DynamoDBClientConfig;
  /** A client of yours, instead of `region`, `endpoint` and `connection`. It is not destroyed with the store. */
  readonly client?: DynamoDBClient;
  /** Keeps meshes in one table apart: letters, digits, ".", "_" and "-"; by default `causalmesh`. */
  readonly prefix?: string;
  /** Milliseconds for one request, repetitions included, after which the call rejects with STORE_UNAVAILABLE; by default 5 000. */
  readonly timeoutMs?: number;
  /** Whether to make the table, on-demand, where it is missing; by default true. */
  readonly createTable?: boolean;
  /** Partitions over which rows are dealt out, 1 to 256; by default 16. The first store of a prefix decides. */
  readonly shards?: number;
}

const TIMEOUT_MS_DEFAULT = 5_000;
/** A timer takes no more. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;
const ABILITIES: StoreAbilities = { atomicApply: false, durable: true, shared: true, valueBytesMax: VALUE_BYTES_MAX };

/** A store in a DynamoDB table, which is looked up, and made where that is allowed, at the first call. Throws OPTION_INVALID. */
export function dynamodbStore(options: DynamodbStoreOptions): Store {
  return new DynamodbStore(options ?? {});
}

class DynamodbStore implements Store {
  readonly abilities = ABILITIES;
  readonly name: string;
  readonly #caller: Caller;
  readonly #writer = new Writer();
  readonly #prepare: () => Promise<Rows>;
  #prepared: Promise<Rows> | undefined;

  constructor({ table, prefix = PREFIX_DEFAULT, shards = SHARDS_DEFAULT, createTable = true, ...rest }: DynamodbStoreOptions) {
    if (typeof table !== "string" || !/^[\w.-]{3,255}$/.test(table))
      throw new MeshError("OPTION_INVALID", 'table must be the name of a table: 3 to 255 letters, digits, ".", "_" or "-"');
    if (!Number.isInteger(shards) || shards < 1 || shards > SHARDS_MAX)
      throw new MeshError("OPTION_INVALID", `shards must be a whole number from 1 to ${SHARDS_MAX}`);
    checkPrefix(prefix);
    this.name = `dynamodb table ${table} (${prefix})`;
    this.#caller = new Caller({ ...clientOf(rest), name: this.name, timeoutMs: checkedTimeout(rest.timeoutMs) });
    this.#prepare = async () => {
      const found = await prepareTable(this.#caller, { table, prefix, shards, createTable, name: this.name });
      const rows = { caller: this.#caller, name: this.name, table, prefix, shards: found };
      await this.#writer.complete(rows);
      return rows;
    };
  }

  async getMany(keys: readonly string[]): Promise<(Row | undefined)[]> {
    return await this.#run(async (rows) => await readMany(rows, keys));
  }

  async apply(rows: readonly Row[], flushed: FlushedCounters, epoch?: number): Promise<void> {
    // The arrays and bytes are the caller's again when the promise settles, which may be before everything is sent.
    const changes = rows.map((row) => ({ ...row, value: row.value === null ? null : new Uint8Array(row.value) }));
    const counters = flushed.map(([replica, counter]) => [replica, counter] as const);
    await this.#run(async (table) => await this.#writer.apply(table, changes, counters, epoch));
  }

  async readRegistry(): Promise<RegistryState> {
    return await this.#run(readState);
  }

  async swapRegistry(expectedEpoch: number, next: RegistryRecord): Promise<boolean> {
    const copy = { epoch: next.epoch, bytes: new Uint8Array(next.bytes) };
    return await this.#run(async (rows) => await swapState(rows, expectedEpoch, copy));
  }

  async scan(prefix: string, cursor: string | undefined, limit: number): Promise<ScanPage> {
    return await this.#run(async (rows) => await readPage(rows, prefix, cursor, limit));
  }

  async close(): Promise<void> {
    this.#caller.close();
  }

  async #run<Result>(work: (rows: Rows) => Promise<Result>): Promise<Result> {
    return await this.#caller.run(async () => await work(await this.#rows()));
  }

  async #rows(): Promise<Rows> {
    try {
      return await (this.#prepared ??= this.#prepare());
    } catch (error) {
      this.#prepared = undefined;
      throw error;
    }
  }
}

function clientOf({ client, region, endpoint, connection }: Partial<DynamodbStoreOptions>): { client: DynamoDBClient; isOurs: boolean } {
  if (client !== undefined) {
    if (region !== undefined || endpoint !== undefined || connection !== undefined)
      throw new MeshError("OPTION_INVALID", "client has its region, endpoint and connection already; give either of them");
    if (typeof client.send !== "function") throw new MeshError("OPTION_INVALID", "client must be a DynamoDBClient of @aws-sdk/client-dynamodb");
    return { client, isOurs: false };
  }
  if (endpoint !== undefined && !/^https?:\/\/[^@]+$/.test(endpoint))
    throw new MeshError("OPTION_INVALID", "endpoint must be http(s)://host[:port], without user and password");
  const config = { ...connection, ...(region === undefined ? {} : { region }), ...(endpoint === undefined ? {} : { endpoint }) };
  return { client: new DynamoDBClient(config), isOurs: true };
}

function checkedTimeout(timeoutMs: unknown = TIMEOUT_MS_DEFAULT): number {
  if (typeof timeoutMs === "number" && Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= TIMEOUT_MS_MAX) return timeoutMs;
  throw new MeshError("OPTION_INVALID", `timeoutMs must be a whole number of milliseconds from 1 to ${TIMEOUT_MS_MAX}`);
}
