// Every SQL text of the adapter, for one schema and prefix. What runs when is in store.ts and tables.ts; how keys and values look in
// a row is in schema.ts.

import { limits } from "@causalmesh/core";
import pg from "pg";
import type { Settings } from "./options.js";

/** Raised with each entry of `migrations`; a database of a newer one is refused. */
export const SCHEMA_VERSION = 1;

/** The mesh's tables, without the prefix. */
export const TABLES = ["rows", "flushed", "registry", "format"] as const;

/** Stands before the registry's epoch in the error of a batch that is refused. */
export const FENCED = "a later epoch: ";
/** A scan's page ends after so many bytes of values, so that a page of large ones does not fill the memory. */
const PAGE_BYTES_MAX = 16 * 1024 * 1024;

/** What a role may in a schema, and then with which tables. The catalogs can be read by every role, also where it may not use the schema. */
export const PLACE = `
  SELECT current_user AS role, current_database() AS database, NOT pg_is_in_recovery() AND current_setting('default_transaction_read_only') = 'off' AS writable,
         has_database_privilege(current_database(), 'CREATE') AS create_schema,
         (SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = $1) AS use_schema,
         (SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = $1) AS create_tables`;
export const RIGHTS = `
  SELECT relname AS name, needed AS right, has_table_privilege(pg_class.oid, needed) AS held
  FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
       CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS needed
  WHERE nspname = $1 AND relname = ANY ($2) AND relkind IN ('r', 'p')
  ORDER BY relname, needed`;

export type Sql = ReturnType<typeof sqlFor>;

/** Every text for the tables in one schema with one prefix, and for one role. */
export function sqlFor({ schema: schemaName, prefix, role, database }: Pick<Settings, "schema" | "prefix" | "role" | "database">) {
  const { escapeIdentifier: quote, escapeLiteral: literal } = pg;
  const schema = quote(schemaName);
  const table = (name: string): string => `${schema}.${quote(prefix + name)}`;
  const user = quote(role);
  const [rows, flushed, registry, format] = TABLES.map(table);
  const columns = `key, value, encode(value_bytes, 'base64') AS value_base64, timestamp, replica, counter, expires_at`;

  return {
    lock: `SELECT pg_advisory_xact_lock(hashtextextended(${literal(`causalmesh ${schemaName}`)}, 0))`,
    createSchema: `CREATE SCHEMA ${schema}`,
    /** `migrations[n]` turns version n into n + 1, and says so in the table `format`. */
    migrations: [
      // The keys are compared by their bytes, whatever the database's own collation is. A row is a value as text, a value as bytes,
      // or, with neither, a deletion. dead_at says when a row that shows nothing may go: the index knows those rows alone.
      `CREATE TABLE ${rows} (
         key text COLLATE "C" PRIMARY KEY,
         value text,
         value_bytes bytea,
         timestamp bigint NOT NULL,
         replica bigint NOT NULL,
         counter bigint NOT NULL,
         expires_at bigint NOT NULL,
         dead_at timestamptz,
         CHECK (value IS NULL OR value_bytes IS NULL)
       );
       CREATE INDEX ${quote(`${prefix}rows_dead_at`)} ON ${rows} (dead_at) WHERE dead_at IS NOT NULL;
       CREATE TABLE ${flushed} (replica bigint PRIMARY KEY, counter bigint NOT NULL) WITH (fillfactor = 50);
       CREATE TABLE ${registry} (
         one boolean PRIMARY KEY CHECK (one),
         epoch bigint NOT NULL,
         value text,
         value_bytes bytea,
         CHECK ((value IS NULL) <> (value_bytes IS NULL))
       );
       CREATE TABLE ${format} (version integer NOT NULL);
       INSERT INTO ${format} VALUES (1);`,
    ],
    // Asks the catalogs themselves: functions such as to_regclass may answer from a cache that does not know yet what another session made.
    place: `
      SELECT current_setting('server_encoding') AS server, current_setting('client_encoding') AS client,
             EXISTS (SELECT FROM pg_namespace WHERE nspname = ${literal(schemaName)}) AS has_schema,
             EXISTS (SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = ${literal(schemaName)} AND relname = ${literal(`${prefix}format`)}) AS has_format`,
    version: `SELECT version FROM ${format}`,

    getMany: `SELECT ${columns} FROM ${rows} WHERE key = ANY ($1::text[])`,

    // One statement, so one transaction in one round trip. The rows come before the counters and each in the order of its arrays:
    // two callers that sort alike wait for each other and do not deadlock.
    // $10 is the epoch that the batch was made in: the lock keeps the registry from changing until the batch is in, and a later epoch
    // ends the statement with an error that names it (a text that is no boolean: plain SQL has no way to raise one).
    apply: `
      WITH held AS MATERIALIZED (SELECT epoch FROM ${registry} FOR SHARE),
      allowed AS MATERIALIZED (
        SELECT CASE WHEN coalesce(max(epoch), 0) <= $10::bigint THEN true ELSE ('${FENCED}' || max(epoch))::boolean END AS yes FROM held
      ),
      raised AS (
        INSERT INTO ${flushed} AS stored (replica, counter)
        SELECT * FROM unnest($8::bigint[], $9::bigint[]) WHERE (SELECT yes FROM allowed)
        ON CONFLICT (replica) DO UPDATE SET counter = excluded.counter WHERE stored.counter < excluded.counter
      )
      INSERT INTO ${rows} AS stored (key, value, value_bytes, timestamp, replica, counter, expires_at, dead_at)
      SELECT key, value, decode(value_base64, 'base64'), timestamp, replica, counter, expires_at,
             CASE WHEN expires_at > 0 THEN greatest(now(), to_timestamp(expires_at / 1000.0))
                  WHEN value IS NULL AND value_base64 IS NULL THEN now() END + interval '${limits.TOMBSTONE_TTL_MS} milliseconds'
      FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
        AS given (key, value, value_base64, timestamp, replica, counter, expires_at)
      WHERE (SELECT yes FROM allowed)
      ON CONFLICT (key) DO UPDATE SET
        value = excluded.value, value_bytes = excluded.value_bytes, timestamp = excluded.timestamp, replica = excluded.replica,
        counter = excluded.counter, expires_at = excluded.expires_at, dead_at = excluded.dead_at
      WHERE (stored.timestamp, stored.replica) < (excluded.timestamp, excluded.replica)`,

    // Rows that another transaction is about to change are left for the next time, so this waits for nobody.
    removeDead: `
      DELETE FROM ${rows}
      WHERE key = ANY (ARRAY (
        SELECT key FROM ${rows} WHERE dead_at < now() ORDER BY dead_at LIMIT $1 FOR UPDATE SKIP LOCKED))`,

    // One statement sees one moment: the counters are those that belong to this registry.
    readRegistry: `
      SELECT NULL AS replica, epoch AS counter, value, encode(value_bytes, 'base64') AS value_base64 FROM ${registry}
      UNION ALL SELECT replica, counter, NULL, NULL FROM ${flushed}`,
    createRegistry: `INSERT INTO ${registry} VALUES (true, $1, $2, decode($3, 'base64')) ON CONFLICT DO NOTHING`,
    swapRegistry: `UPDATE ${registry} SET epoch = $1, value = $2, value_bytes = decode($3, 'base64') WHERE epoch = $4`,

    // $1 first key, $2 cursor, $3 a key behind all that start with the prefix, $4 limit. found counts what there is up to the limit, before the page
    // was cut at its bytes; the first row is always in.
    scan: `
      SELECT found, ${columns} FROM (
        SELECT *, count(*) OVER () AS found,
               sum(coalesce(octet_length(value), octet_length(value_bytes), 0)) OVER (ORDER BY key ROWS UNBOUNDED PRECEDING) AS bytes,
               row_number() OVER (ORDER BY key) AS number
        FROM (
          SELECT * FROM ${rows}
          WHERE key >= $1 AND ($2::text IS NULL OR key > $2) AND key < $3
          ORDER BY key LIMIT $4
        ) AS page
      ) AS numbered
      WHERE number = 1 OR bytes <= ${PAGE_BYTES_MAX}
      ORDER BY key`,

    // What an owner runs so that the role may use the tables, and so that it may make them, in a schema of its own or in one that is there.
    grantUse: `GRANT USAGE ON SCHEMA ${schema} TO ${user}; GRANT SELECT, INSERT, UPDATE, DELETE ON ${TABLES.map(table).join(", ")} TO ${user}`,
    grantCreateSchema: `GRANT CREATE ON DATABASE ${quote(database)} TO ${user}`,
    grantCreateTables: `GRANT USAGE, CREATE ON SCHEMA ${schema} TO ${user}`,
  };
}
