// A Postgres server of one test file, and databases on it.

import { startPostgres, type PostgresServer, type StartPostgresOptions } from "@causalmesh/test-servers";
import pg from "pg";

let count = 0;

export class TestDatabase {
  readonly server: PostgresServer;
  /** The database's address, for a user who may do everything. */
  readonly url: string;
  readonly #name: string;

  private constructor(server: PostgresServer, name: string) {
    this.server = server;
    this.#name = name;
    this.url = withParts(server.url, { database: name });
  }

  /** A new database whose own order of text is that of a language, so that keys in byte order owe nothing to it. */
  static async start(options?: StartPostgresOptions): Promise<TestDatabase> {
    const server = await startPostgres(options);
    const database = new TestDatabase(server, `causalmesh_test_${process.pid}_${++count}`);
    await query(server.url, `CREATE DATABASE ${database.#name} TEMPLATE template0 ENCODING 'UTF8' ${await languageOrder(server.url)}`);
    return database;
  }

  async query(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]> {
    return await query(this.url, sql, values);
  }

  /** Runs a statement in a transaction that stays open, with its locks, until the function that it returns is called. */
  async hold(sql: string): Promise<() => Promise<void>> {
    const client = new pg.Client({ connectionString: this.url });
    await client.connect();
    await client.query("BEGIN");
    await client.query(sql);
    return async () => await client.end();
  }

  async stop(): Promise<void> {
    await query(this.server.url, `DROP DATABASE ${this.#name} WITH (FORCE)`);
    await this.server.stop();
  }
}

/** The URL with another user, password or database. */
export function withParts(url: string, { user, password, database }: { user?: string; password?: string; database?: string }): string {
  const parts = new URL(url);
  if (user !== undefined) parts.username = user;
  if (password !== undefined) parts.password = password;
  if (database !== undefined) parts.pathname = `/${database}`;
  return parts.href;
}

async function query(url: string, sql: string, values?: unknown[]): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql, values)).rows ?? [];
  } finally {
    await client.end();
  }
}

/** Servers before 15 have no such order for a database; the tests then run in that of the server. */
async function languageOrder(url: string): Promise<string> {
  const [{ version }] = await query(url, "SELECT current_setting('server_version_num')::int AS version");
  return Number(version) < 150_000 ? "" : "LOCALE_PROVIDER icu ICU_LOCALE 'en' LOCALE 'C'";
}
