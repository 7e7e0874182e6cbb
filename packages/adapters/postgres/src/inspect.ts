// A look at a database from outside the store: what is there, and what a role may.

import { versionOrProblem, type Inspection } from "@causalmesh/adapter-kit";
import { MeshError } from "@causalmesh/core";
import type { ClientBase } from "pg";
import { Connections } from "./connections.js";
import { postgresError } from "./errors.js";
import { resolveOptions, type PostgresStoreOptions, type Settings } from "./options.js";
import { PLACE, RIGHTS, SCHEMA_VERSION, sqlFor, TABLES, type Sql } from "./sql.js";
import { readPlace } from "./tables.js";

/** What stands in a database, and what the role that asked may do there. */
export interface PostgresInspection extends Inspection {
  readonly role: string;
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
  const told = await versionOrProblem(async () => (isThere && !readable ? undefined : await versionOf(client, sql, name, rights)));
  await client.query("ROLLBACK");
  return { ...common, ...told, missing, grant };
}

async function versionOf(client: ClientBase, sql: Sql, name: string, rights: readonly Right[]): Promise<number | undefined> {
  const { version } = await readPlace(client, sql, name);
  if (version === 0) return undefined;
  const tables = new Set(rights.map((right) => right.name));
  if (tables.size === TABLES.length) return version;
  const found = [...tables].join(", ");
  throw new MeshError("STORE_INVALID", `${name}: of the mesh's ${TABLES.length} tables there are only ${found}; restore the database from a copy`);
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
