// A Postgres server of the bench's own, in a temporary folder, with its durability as it comes.

import { postgresStore } from "@causalmesh/adapter-postgres";
import type { Row } from "@causalmesh/core";
import { startPostgres } from "@causalmesh/test-servers";
import pg from "pg";
import type { BareClient, Database } from "./database.js";

const CREATE = `CREATE TABLE IF NOT EXISTS bare (
  key text COLLATE "C" PRIMARY KEY, value text, timestamp bigint NOT NULL, replica bigint NOT NULL, counter bigint NOT NULL, expires_at bigint NOT NULL)`;
const KEEP_NEWER = `ON CONFLICT (key) DO UPDATE SET value = excluded.value, timestamp = excluded.timestamp, replica = excluded.replica,
  counter = excluded.counter, expires_at = excluded.expires_at WHERE (bare.timestamp, bare.replica) < (excluded.timestamp, excluded.replica)`;
const WRITE_MANY = `INSERT INTO bare SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[]) ${KEEP_NEWER}`;
const WRITE = `INSERT INTO bare VALUES ($1, $2, $3, $4, $5, $6) ${KEEP_NEWER}`;
const READ_MANY = "SELECT key, value, timestamp, replica, counter, expires_at FROM bare WHERE key = ANY ($1::text[])";

async function bareClient(url: string): Promise<BareClient> {
  const pool = new pg.Pool({ connectionString: url, max: 8 });
  // A run that fails stops the server first; what it failed with is the message to see.
  pool.on("error", () => undefined);
  const decoder = new TextDecoder();
  const text = ({ value }: Row): string => decoder.decode(value!);
  await pool.query(CREATE);
  return {
    clear: async () => void (await pool.query("TRUNCATE bare")),
    writeMany: async (rows) => {
      const sorted = [...rows].sort((a, b) => (a.key < b.key ? -1 : 1));
      const columns = [
        sorted.map(({ key }) => key),
        sorted.map(text),
        sorted.map(({ timestamp }) => timestamp),
        sorted.map(({ replica }) => replica),
        sorted.map(({ counter }) => counter),
        sorted.map(({ expiresAt }) => expiresAt),
      ];
      await pool.query(WRITE_MANY, columns);
    },
    write: async (row) => void (await pool.query(WRITE, [row.key, text(row), row.timestamp, row.replica, row.counter, row.expiresAt])),
    readMany: async (keys) => {
      const { rows } = await pool.query<{ key: string; value: string }>(READ_MANY, [keys]);
      const values = new Map(rows.map(({ key, value }) => [key, JSON.parse(value) as unknown]));
      return keys.map((key) => values.get(key));
    },
    countMany: async (keys) => (await pool.query(READ_MANY, [keys])).rows.length,
    close: async () => await pool.end(),
  };
}

export async function openPostgres(): Promise<Database> {
  const server = await startPostgres({ own: true });
  let stores = 0;
  return {
    name: "postgres",
    store: async () => postgresStore({ url: server.url, prefix: `mesh${stores++}_` }),
    bare: async () => await bareClient(server.url),
    stop: async () => await server.stop(),
  };
}
