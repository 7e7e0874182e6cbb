// Postgres as the mesh's Store: durable, shared by all processes that reach the server, each `apply` one transaction.

import { lazily, partsOf, withRetries } from "@causalmesh/adapter-kit";
import { limits } from "@causalmesh/core";
import type { FlushedCounters, RegistryRecord, RegistryState, Row, ScanPage, Store, StoreAbilities } from "@causalmesh/core";
import type { PoolClient } from "pg";
import { Connections } from "./connections.js";
import { lostToOthers, postgresError } from "./errors.js";
import { resolveOptions, type PostgresStoreOptions, type Settings } from "./options.js";
import { BEHIND_PREFIX, decodeRow, decodeValue, encodeKey, encodeRows, encodeValue, type StoredRow, type StoredValue } from "./schema.js";
import { sqlFor, type Sql } from "./sql.js";
import { openTables } from "./tables.js";

/**
 * A store in a Postgres database. It connects with its first call, and makes its tables then where they are missing. Throws
 * OPTION_INVALID; everything else is what the calls reject with.
 */
export function postgresStore(options: PostgresStoreOptions): Store {
  return new PostgresStore(resolveOptions(options));
}

/** Rows in one statement, and bytes of their values: more are several statements of one transaction. A node's batch goes a little beyond its bound. */
const STATEMENT = { rowsMax: 2 * limits.FLUSH_ROWS_MAX, bytesMax: limits.FLUSH_BYTES_MAX };
/** One apply of a store looks so often for rows that may go, and removes no more of them than an apply brings, so that it keeps up. */
const REMOVE_INTERVAL_MS = 60_000;

class PostgresStore implements Store {
  readonly abilities: StoreAbilities = { atomicApply: true, durable: true, shared: true, valueBytesMax: limits.VALUE_BYTES_MAX };
  readonly name: string;
  readonly #sql: Sql;
  readonly #connections: Connections;
  readonly #opened: () => Promise<void>;
  #removeAfter = 0;

  constructor(settings: Settings) {
    this.name = settings.name;
    this.#sql = sqlFor(settings);
    this.#connections = new Connections(settings);
    this.#opened = lazily(async () => await this.#connections.run(async (client) => await openTables(client, this.#sql, settings)));
  }

  async getMany(keys: readonly string[]): Promise<(Row | undefined)[]> {
    const encoded = keys.map(encodeKey);
    const found = new Map((await this.#select<StoredRow>(this.#sql.getMany, [encoded])).map((row) => [row[0], row]));
    return encoded.map((key) => {
      const row = found.get(key);
      return row && decodeRow(row);
    });
  }

  async apply(rows: readonly Row[], flushed: FlushedCounters, epoch = Number.MAX_SAFE_INTEGER): Promise<void> {
    // Everyone takes the locks in this order.
    const sorted = [...rows].sort((a, b) => (a.key < b.key ? -1 : 1));
    const statements = partsOf(sorted, STATEMENT).map(encodeRows);
    const counters = [...flushed].sort(([a], [b]) => a - b);
    const last = [...statements.pop()!, counters.map(([replica]) => replica), counters.map(([, counter]) => counter)];
    await this.#call(async (client) => {
      if (statements.length > 0) await client.query("BEGIN");
      for (const arrays of statements) await client.query(this.#sql.apply, [...arrays, [], [], epoch]);
      await client.query(this.#sql.apply, [...last, epoch]);
      if (statements.length > 0) await client.query("COMMIT");
      await this.#removeDead(client);
    });
  }

  async #removeDead(client: PoolClient): Promise<void> {
    if (performance.now() < this.#removeAfter) return;
    const { rowCount } = await client.query(this.#sql.removeDead, [limits.FLUSH_ROWS_MAX]);
    this.#removeAfter = rowCount === limits.FLUSH_ROWS_MAX ? 0 : performance.now() + REMOVE_INTERVAL_MS;
  }

  async readRegistry(): Promise<RegistryState> {
    const lines = await this.#select<[replica: string | null, number: string, ...StoredValue]>(this.#sql.readRegistry, []);
    const registry = lines.find(([replica]) => replica === null);
    return {
      registry: registry && { epoch: Number(registry[1]), bytes: decodeValue([registry[2], registry[3]])! },
      flushed: lines.flatMap(([replica, counter]) => (replica === null ? [] : [[Number(replica), Number(counter)] as const])),
    };
  }

  async swapRegistry(expectedEpoch: number, next: RegistryRecord): Promise<boolean> {
    const values = [next.epoch, ...encodeValue(next.bytes)];
    const [text, parameters] = expectedEpoch === 0 ? [this.#sql.createRegistry, values] : [this.#sql.swapRegistry, [...values, expectedEpoch]];
    return (await this.#call(async (client) => await client.query(text, parameters))).rowCount === 1;
  }

  async scan(prefix: string, cursor: string | undefined, limit: number): Promise<ScanPage> {
    const first = encodeKey(prefix);
    const values = [first, cursor === undefined ? null : encodeKey(cursor), first + BEHIND_PREFIX, limit + 1];
    const lines = await this.#select<[found: string, ...StoredRow]>(this.#sql.scan, values);
    const rows = lines.slice(0, limit).map(([, ...row]) => decodeRow(row));
    // One row more than asked for tells whether there is another page; so does one that the page had no room for.
    return { rows, cursor: rows.length < Number(lines[0]?.[0] ?? 0) ? rows[rows.length - 1].key : undefined };
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }

  async #select<Line extends unknown[]>(text: string, values: unknown[]): Promise<Line[]> {
    return (await this.#call(async (client) => await client.query<Line>({ text, values, rowMode: "array" }))).rows;
  }

  async #call<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> {
    try {
      await this.#opened();
      return await withRetries(async () => await this.#connections.run(work), lostToOthers);
    } catch (error) {
      throw postgresError(this.name, error, this.#sql.grantUse);
    }
  }
}
