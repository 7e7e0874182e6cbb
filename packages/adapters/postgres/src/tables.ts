// The tables of a mesh: made on first use, migrated to this version's form, refused where they are of a newer one.

import { MeshError } from "@causalmesh/core";
import type { ClientBase } from "pg";
import { postgresError } from "./errors.js";
import type { Settings } from "./options.js";
import { SCHEMA_VERSION, type Sql } from "./sql.js";

/** Makes sure that the tables are there and of this version. Only reads where they are: a role that may not make any is enough then. */
export async function openTables(client: ClientBase, sql: Sql, { name }: Settings): Promise<void> {
  if ((await readPlace(client, sql, name)).version === SCHEMA_VERSION) return;
  try {
    await client.query("BEGIN ISOLATION LEVEL READ COMMITTED");
    // Of several that start at once, one makes the tables; the others wait here until its transaction ends, then find them.
    await client.query(sql.lock);
    const { hasSchema, version } = await readPlace(client, sql, name);
    if (!hasSchema) await client.query(sql.createSchema);
    for (const migration of sql.migrations.slice(version)) await client.query(migration);
    await client.query("COMMIT");
  } catch (error) {
    throw postgresError(name, error, `${sql.grantCreateSchema}, or, where the schema is there, ${sql.grantCreateTables}`);
  }
}

/** What is there; the version is 0 where there are no tables yet. Rejects with STORE_INVALID where it cannot be used. */
export async function readPlace(client: ClientBase, sql: Sql, name: string): Promise<{ hasSchema: boolean; version: number }> {
  const invalid = (what: string): MeshError => new MeshError("STORE_INVALID", `${name}: ${what}`);
  const [{ server, client: ours, has_schema: hasSchema, has_format }] = (await client.query(sql.place)).rows;
  if (server !== "UTF8") throw invalid(`its encoding ${server} does not hold every key; use a database that was created with ENCODING 'UTF8'`);
  if (ours !== "UTF8") throw invalid(`the client's encoding ${ours} does not hold every key; leave the role's client_encoding at UTF8`);
  if (!has_format) return { hasSchema, version: 0 };
  const version = (await client.query<{ version: number }>(sql.version)).rows[0]?.version;
  if (version === undefined) throw invalid("the table of the format is empty; restore the database from a copy");
  if (version <= SCHEMA_VERSION) return { hasSchema, version };
  throw invalid(`the tables have format ${version}, this version reads up to ${SCHEMA_VERSION}; install the version that made them, or a newer one`);
}
