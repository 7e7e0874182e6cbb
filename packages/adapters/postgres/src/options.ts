// What users give: checked once, here. No message repeats a URL, since a password may stand in it, also at the wrong place.

import { limits, MeshError } from "@causalmesh/core";
import pg, { type Pool, type PoolConfig } from "pg";

export interface PostgresStoreOptions {
  /** `postgres://user:password@host:5432/database`, with pg's parameters, and `schema` and `prefix` as parameters too. */
  readonly url?: string;
  /** pg's own options, for TLS, passwords from a function and others; alone or beside `url`, which goes before them. */
  readonly config?: PoolConfig;
  /** A pool of yours in place of the two: it keeps its settings, and `close` does not end it. */
  readonly pool?: Pool;
  /** The Postgres schema of the tables, made where it is missing. Default: `causalmesh`. */
  readonly schema?: string;
  /** Stands before the names of the tables, so that several meshes can share a schema: letters, digits and `_`. Default: nothing. */
  readonly prefix?: string;
  /** Time for one call, with the wait for a connection, in milliseconds. Default: 10 000. */
  readonly timeoutMs?: number;
  /** Connections at a time of a pool that is not yours. Default: 10. */
  readonly connections?: number;
}

export interface Settings {
  readonly pool: Pool;
  readonly owned: boolean;
  readonly name: string;
  readonly role: string;
  readonly database: string;
  readonly schema: string;
  readonly prefix: string;
  readonly timeoutMs: number;
}

/** Postgres cuts longer names, and two of them might then be one. */
const NAME_BYTES_MAX = 63;
/** The longest name behind a prefix is `rows_dead_at`. */
const PREFIX_BYTES_MAX = NAME_BYTES_MAX - "rows_dead_at".length;
/** A longer timer of Node.js, or timeout of Postgres, would end at once. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;
const CONNECTIONS_DEFAULT = 10;
const CONNECTIONS_MAX = 1000;

/** Checks everything that can be checked without a connection. Throws OPTION_INVALID. */
export function resolveOptions(options: PostgresStoreOptions): Settings {
  const { url, config, pool } = (options ?? {}) as Partial<PostgresStoreOptions>;
  if ((pool === undefined) === (url === undefined && config === undefined)) {
    throw invalid(
      'give postgresStore a `url`, such as { url: "postgres://user@host:5432/database" }, or a `config` or a `pool` of pg, but no pool beside them',
    );
  }
  const parameters = url === undefined ? undefined : splitUrl(url);
  const timeoutMs = checkWhole("timeoutMs", options.timeoutMs ?? limits.STORE_TIMEOUT_MS_DEFAULT, TIMEOUT_MS_MAX);
  const max = checkWhole("connections", options.connections ?? config?.max ?? CONNECTIONS_DEFAULT, CONNECTIONS_MAX);
  const connection: PoolConfig = {
    // The server gives up with us: else the calls that nobody waits for any more would keep its connections.
    statement_timeout: timeoutMs,
    connectionTimeoutMillis: timeoutMs,
    keepAlive: true,
    allowExitOnIdle: true,
    application_name: "causalmesh",
    ...config,
    ...(parameters === undefined ? {} : { connectionString: parameters.url }),
    max,
  };
  const { host, port, database = "", user: role = "" } = describe(pool?.options ?? connection);
  return {
    pool: pool ?? new pg.Pool(connection),
    owned: pool === undefined,
    name: `postgres at ${host}:${port}/${database}`,
    role,
    database,
    schema: checkSchema(options.schema ?? parameters?.schema ?? "causalmesh"),
    prefix: checkPrefix(options.prefix ?? parameters?.prefix ?? ""),
    timeoutMs,
  };
}

/** Takes our parameters out of the URL: pg would not know them. */
function splitUrl(text: unknown): { url: string; schema: string | undefined; prefix: string | undefined } {
  const match = /^postgres(?:ql)?:\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(#.*)?$/s.exec(String(text));
  if (match === null) throw invalid("the URL does not begin with postgres://, or a line break stands in it");
  const [, authority, path, query = "", fragment = ""] = match;
  // A password with one of these would end where it stands, and its rest be taken for a host or a database.
  if (fragment !== "" || `${path}${query}`.includes("@")) throw invalid("write / ? # and @ in a user name or password as %2F %3F %23 and %40");
  const parameters = new URLSearchParams(query);
  const [schema, prefix] = ["schema", "prefix"].map((name) => parameters.get(name) ?? undefined);
  for (const name of ["schema", "prefix"]) parameters.delete(name);
  return { url: `postgres://${authority}${path}${parameters.size === 0 ? "" : `?${parameters}`}`, schema, prefix };
}

/** What pg makes of the settings, with its environment variables and defaults. Its own message may repeat what it did not understand. */
function describe(config: PoolConfig): { host: string; port: number; database?: string; user?: string } {
  try {
    return new pg.Client(config);
  } catch {
    throw invalid(
      "pg does not understand the connection's settings; a URL looks like postgres://user:password@host:5432/database, and files that it names must be there",
    );
  }
}

function checkSchema(schema: unknown): string {
  const bytes = typeof schema === "string" ? Buffer.byteLength(schema) : 0;
  if (bytes > 0 && bytes <= NAME_BYTES_MAX && !String(schema).includes("\0")) return schema as string;
  throw invalid(`schema must be the name of a Postgres schema, of 1 to ${NAME_BYTES_MAX} bytes`);
}

function checkPrefix(prefix: unknown): string {
  if (typeof prefix === "string" && /^([A-Za-z_]\w*)?$/.test(prefix) && prefix.length <= PREFIX_BYTES_MAX) return prefix;
  throw invalid(`prefix must be up to ${PREFIX_BYTES_MAX} letters, digits and _, and not begin with a digit`);
}

function checkWhole(name: string, value: unknown, max: number): number {
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= max) return value as number;
  throw invalid(`${name} must be a whole number from 1 to ${max}`);
}

function invalid(what: string): MeshError {
  return new MeshError("OPTION_INVALID", `postgresStore: ${what}`);
}
