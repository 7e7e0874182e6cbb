// The tables of a mesh: made on first use, migrated to this version's form, refused where they are of a newer one.

import { MeshError } from "@causalmesh/core";
import type { ClientBase } from "pg";
import { storeError } from "./errors.js";
import type { Settings } from "./options.js";
import { SCHEMA_VERSION, type Sql } from "./sql.js";

interface Place {
  readonly server: string;
  readonly client: string;
  readonly schema: boolean;
  readonly format: boolean;
}

/** Makes sure that the tables are there and of this version. Only reads where they are: a role that may not make any is enough then. */
export async function openTables(client: ClientBase, sql: Sql, { name, role, database }: Settings): Promise<void> {
  if ((await readVersion(client, sql, name)) === SCHEMA_VERSION) return;
  try {
    await makeTables(client, sql, name);
  } catch (error) {
    throw storeError(name, error, `${sql.grantCreateSchema(role, database)}, or, where the schema is there, ${sql.grantCreateTables(role)}`);
  }
}

async function makeTables(client: ClientBase, sql: Sql, name: string): Promise<void> {
  await client.query("BEGIN ISOLATION LEVEL READ COMMITTED");
  // Of several that start at once, one makes the tables; the others wait here until its transaction ends, then find them.
  await client.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [`causalmesh ${sql.schema}`]);
  const version = await readVersion(client, sql, name);
  if (!(await readPlace(client, sql)).schema) await client.query(sql.createSchema);
  for (const migration of sql.migrations.slice(version)) await client.query(migration);
  await client.query("COMMIT");
}

/** Asks the catalogs themselves: functions such as to_regclass may answer from a cache that does not know yet what another session made. */
async function readPlace(client: ClientBase, sql: Sql): Promise<Place> {
  const { rows } = await client.query<Place>(
    `SELECT current_setting('server_encoding') AS server, current_setting('client_encoding') AS client,
            EXISTS (SELECT FROM pg_namespace WHERE nspname = $1) AS schema,
            EXISTS (SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = $1 AND relname = $2) AS format`,
    [sql.schema, sql.format],
  );
  return rows[0];
}

/** 0 where there are no tables yet. */
export async function readVersion(client: ClientBase, sql: Sql, name: string): Promise<number> {
  const place = await readPlace(client, sql);
  for (const side of ["server", "client"] as const) {
    if (place[side] === "UTF8") continue;
    const remedy = side === "server" ? "use a database that was created with ENCODING 'UTF8'" : "leave the role's client_encoding at UTF8";
    throw new MeshError("STORE_INVALID", `${name}: the ${side}'s encoding is ${place[side]}, which does not hold every key; ${remedy}`);
  }
  if (!place.format) return 0;
  const version = (await client.query<{ version: number }>(sql.version)).rows[0]?.version;
  if (version === undefined) throw new MeshError("STORE_INVALID", `${name}: the table ${sql.format} is empty; restore the database from a copy`);
  if (version <= SCHEMA_VERSION) return version;
  throw new MeshError(
    "STORE_INVALID",
    `${name}: the tables have format ${version}, this version reads up to ${SCHEMA_VERSION}; install the version of CausalMesh that made them, or a newer one`,
  );
}
