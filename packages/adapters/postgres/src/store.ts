// Postgres as the mesh's Store: durable, shared by all processes that reach the server, each `apply` one transaction.

import {
  fencedError,
  limits,
  type FlushedCounters,
  type RegistryRecord,
  type RegistryState,
  type Row,
  type ScanPage,
  type Store,
  type StoreAbilities,
} from "@causalmesh/core";
import type { PoolClient } from "pg";
import { Connections } from "./connections.js";
import { fencedBy, lostToOthers, storeError } from "./errors.js";
import { resolveOptions, type PostgresStoreOptions, type Settings } from "./options.js";
import { afterPrefix, decodeRow, decodeValue, encodeKey, encodeRows, encodeValue, type StoredRow, type StoredValue } from "./schema.js";
import { sqlFor, type Sql } from "./sql.js";
import { openTables } from "./tables.js";

export type { PostgresStoreOptions } from "./options.js";

const ABILITIES: StoreAbilities = { atomicApply: true, durable: true, shared: true, valueBytesMax: limits.VALUE_BYTES_MAX };

/**
 * A store in a Postgres database. It connects with its first call, and makes its tables then where they are missing. Throws
 * OPTION_INVALID; everything else is what the calls reject with.
 */
export function postgresStore(options: PostgresStoreOptions): Store {
  return new PostgresStore(resolveOptions(options));
}

/** Attempts at a call that the server ended in favour of another transaction. */
const ATTEMPTS_MAX = 5;
/** Rows in one statement, and bytes of their values: more are several statements of one transaction. A node's batch goes a little beyond its bound. */
const STATEMENT_ROWS_MAX = 2 * limits.FLUSH_ROWS_MAX;
const STATEMENT_BYTES_MAX = limits.FLUSH_BYTES_MAX;
/** One apply of a store looks so often for rows that may go, and removes no more of them than an apply brings, so that it keeps up. */
const REMOVE_INTERVAL_MS = 60_000;
const REMOVE_ROWS_MAX = limits.FLUSH_ROWS_MAX;

class PostgresStore implements Store {
  readonly abilities = ABILITIES;
  readonly name: string;
  readonly #settings: Settings;
  readonly #sql: Sql;
  readonly #connections: Connections;
  #opened: Promise<void> | undefined;
  #removeAfter = 0;

  constructor(settings: Settings) {
    this.name = settings.name;
    this.#settings = settings;
    this.#sql = sqlFor(settings.schema, settings.prefix, limits.TOMBSTONE_TTL_MS);
    this.#connections = new Connections(settings);
  }

  async getMany(keys: readonly string[]): Promise<(Row | undefined)[]> {
    const stored = keys.map(encodeKey);
    const { rows } = await this.#call(async (client) => await client.query<StoredRow>(this.#sql.getMany, [stored]));
    const found = new Map<string, StoredRow>();
    for (const row of rows) found.set(row.key, row);
    return stored.map((key) => {
      const row = found.get(key);
      return row === undefined ? undefined : decodeRow(row);
    });
  }

  async apply(rows: readonly Row[], flushed: FlushedCounters, epoch = Number.MAX_SAFE_INTEGER): Promise<void> {
    // Everyone takes the locks in this order.
    const statements = cut([...rows].sort((a, b) => (a.key < b.key ? -1 : 1))).map(encodeRows);
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
    this.#removeAfter = performance.now() + REMOVE_INTERVAL_MS;
    const { rowCount } = await client.query(this.#sql.removeDead, [REMOVE_ROWS_MAX]);
    if (rowCount === REMOVE_ROWS_MAX) this.#removeAfter = 0;
  }

  async readRegistry(): Promise<RegistryState> {
    type Line = StoredValue & { replica: string | null; counter: string };
    const { rows } = await this.#call(async (client) => await client.query<Line>(this.#sql.readRegistry));
    const registry = rows.find(({ replica }) => replica === null);
    return {
      registry: registry === undefined ? undefined : { epoch: Number(registry.counter), bytes: decodeValue(registry)! },
      flushed: rows.flatMap(({ replica, counter }) => (replica === null ? [] : [[Number(replica), Number(counter)] as const])),
    };
  }

  async swapRegistry(expectedEpoch: number, next: RegistryRecord): Promise<boolean> {
    const { value, value_base64 } = encodeValue(next.bytes);
    const values = [next.epoch, value, value_base64];
    const { createRegistry, swapRegistry } = this.#sql;
    const { rowCount } = await this.#call(
      async (client) => await (expectedEpoch === 0 ? client.query(createRegistry, values) : client.query(swapRegistry, [...values, expectedEpoch])),
    );
    return rowCount === 1;
  }

  async scan(prefix: string, cursor: string | undefined, limit: number): Promise<ScanPage> {
    const first = encodeKey(prefix);
    const values = [first, cursor === undefined ? null : encodeKey(cursor), afterPrefix(first), limit + 1];
    const { rows } = await this.#call(async (client) => await client.query<StoredRow & { found: string }>(this.#sql.scan, values));
    // One row more than asked for tells whether there is another page; so does one that the page had no room for.
    const page = rows.slice(0, limit).map(decodeRow);
    return { rows: page, cursor: page.length < Number(rows[0]?.found ?? 0) ? page[page.length - 1].key : undefined };
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }

  async #call<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> {
    await (this.#opened ??= this.#open());
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#connections.run(work);
      } catch (error) {
        const current = fencedBy(error);
        if (current !== undefined) throw fencedError(this.name, current);
        if (!lostToOthers(error) || attempt === ATTEMPTS_MAX) throw storeError(this.name, error, this.#sql.grantUse(this.#settings.role));
      }
    }
  }

  async #open(): Promise<void> {
    try {
      await this.#connections.run(async (client) => await openTables(client, this.#sql, this.#settings));
    } catch (error) {
      // The next call tries again.
      this.#opened = undefined;
      throw storeError(this.name, error, this.#sql.grantUse(this.#settings.role));
    }
  }
}

/** The rows in parts that one statement takes; one empty part where there are none. */
function cut(rows: readonly Row[]): Row[][] {
  const parts: Row[][] = [[]];
  let bytes = 0;
  for (const row of rows) {
    const size = row.value?.length ?? 0;
    const part = parts[parts.length - 1];
    if (part.length > 0 && (part.length === STATEMENT_ROWS_MAX || bytes + size > STATEMENT_BYTES_MAX)) {
      parts.push([row]);
      bytes = size;
    } else {
      part.push(row);
      bytes += size;
    }
  }
  return parts;
}
