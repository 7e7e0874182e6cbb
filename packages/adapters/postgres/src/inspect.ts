// A look at a database from outside the store: what is there, and what a role may. It changes nothing, whatever it finds: for tools that ask before nodes are started.

import { MeshError } from "@causalmesh/core";
import type { ClientBase } from "pg";
import { Connections } from "./connections.js";
import { postgresError } from "./errors.js";
import { resolveOptions, type PostgresStoreOptions, type Settings } from "./options.js";
import { SCHEMA_VERSION, sqlFor, TABLES, type Sql } from "./sql.js";
import { readPlace } from "./tables.js";

/** What stands in a database, and what the role that asked may do there. */
export interface PostgresInspection {
  /** The store's, without secrets. */
  readonly name: string;
  readonly role: string;
  /** The format of the tables; undefined where there are none yet, or where `problem` says why it cannot be told. */
  readonly version: number | undefined;
  /** The format that this version of the adapter makes and reads. */
  readonly versionExpected: number;
  /** Why the store cannot be used as it is, if that is so: STORE_INVALID. */
  readonly problem: MeshError | undefined;
  /** Whether the server takes writes: a standby does not, nor does one that is set to read only. */
  readonly writable: boolean;
  /** Rights that the role lacks, in words; empty where it may all that a node does. */
  readonly missing: readonly string[];
  /** What an owner runs to give the role those rights; undefined where none is missing. */
  readonly grant: string | undefined;
}

interface Place {
  readonly role: string;
  readonly database: string;
  readonly writable: boolean;
  readonly create_schema: boolean;
  /** NULL where there is no such schema. */
  readonly use_schema: boolean | null;
  readonly create_tables: boolean | null;
}

interface Right {
  readonly name: string;
  readonly right: string;
  readonly held: boolean;
}

// The catalogs can be read by every role, also where it may not use the schema.
const PLACE = `
  SELECT current_user AS role, current_database() AS database, NOT pg_is_in_recovery() AND current_setting('default_transaction_read_only') = 'off' AS writable,
         has_database_privilege(current_database(), 'CREATE') AS create_schema,
         (SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = $1) AS use_schema,
         (SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = $1) AS create_tables`;
const RIGHTS = `
  SELECT relname AS name, needed AS right, has_table_privilege(pg_class.oid, needed) AS held
  FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
       CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS needed
  WHERE nspname = $1 AND relname = ANY ($2) AND relkind IN ('r', 'p')
  ORDER BY relname, needed`;

/** Looks at the database of a store. Throws OPTION_INVALID; rejects with STORE_UNAVAILABLE, STORE_LOCKED or STORE_INVALID where it cannot look. */
export async function inspectPostgres(options: PostgresStoreOptions): Promise<PostgresInspection> {
  const settings = resolveOptions(options);
  const connections = new Connections(settings);
  try {
    return await connections.run(async (client) => await inspect(client, settings));
  } catch (error) {
    throw postgresError(settings.name, error, sqlFor(settings).grantUse);
  } finally {
    await connections.close();
  }
}

async function inspect(client: ClientBase, settings: Settings): Promise<PostgresInspection> {
  const { name, schema, prefix } = settings;
  const format = `${prefix}format`;
  await client.query("BEGIN READ ONLY");
  const place = (await client.query<Place>(PLACE, [schema])).rows[0];
  const rights = (await client.query<Right>(RIGHTS, [schema, TABLES.map((table) => prefix + table)])).rows;
  const sql = sqlFor({ ...settings, ...place });
  const common = { name, role: place.role, versionExpected: SCHEMA_VERSION, writable: place.writable };
  const isThere = rights.some((right) => right.name === format);
  const missing = isThere ? missingToUse(place, rights, schema) : missingToMake(place, schema);
  const grant = missing.length === 0 ? undefined : isThere ? sql.grantUse : place.use_schema === null ? sql.grantCreateSchema : sql.grantCreateTables;
  const readable = isThere && place.use_schema === true && rights.every((right) => right.name !== format || right.right !== "SELECT" || right.held);
  const found = isThere && !readable ? {} : await versionOf(client, sql, name, rights);
  await client.query("ROLLBACK");
  return { ...common, version: undefined, problem: undefined, ...found, missing, grant };
}

async function versionOf(client: ClientBase, sql: Sql, name: string, rights: readonly Right[]): Promise<Partial<PostgresInspection>> {
  try {
    const { version } = await readPlace(client, sql, name);
    const tables = new Set(rights.map((right) => right.name));
    if (version > 0 && tables.size < TABLES.length)
      throw new MeshError(
        "STORE_INVALID",
        `${name}: of the mesh's ${TABLES.length} tables there are only ${[...tables].join(", ")}; restore the database from a copy`,
      );
    return { version: version === 0 ? undefined : version };
  } catch (error) {
    if (error instanceof MeshError) return { problem: error };
    throw error;
  }
}

function missingToUse({ use_schema }: Place, rights: readonly Right[], schema: string): string[] {
  const tables = rights.filter(({ held }) => !held).map(({ name, right }) => `${right} on ${schema}.${name}`);
  return use_schema === true ? tables : [`USAGE on the schema ${schema}`, ...tables];
}

/** Without tables, the role that comes first makes them. */
function missingToMake({ create_schema, use_schema, create_tables }: Place, schema: string): string[] {
  if (use_schema === null) return create_schema ? [] : [`CREATE on the database, to make the schema ${schema}`];
  return use_schema && create_tables === true ? [] : [`USAGE and CREATE on the schema ${schema}, to make the tables`];
}
