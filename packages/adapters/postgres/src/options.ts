// What users give: checked once, here. No message repeats a URL, since a password may stand in it, also at the wrong place.

import { checkTimeoutMs, checkWhole } from "@causalmesh/adapter-kit";
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

export interface Settings extends Required<Pick<PostgresStoreOptions, "pool" | "schema" | "prefix" | "timeoutMs">> {
  /** Whether the pool is ours to end. */
  readonly owned: boolean;
  /** The store's, without secrets. */
  readonly name: string;
  readonly role: string;
  readonly database: string;
}

/** Postgres cuts longer names, and two of them might then be one. */
const NAME_BYTES_MAX = 63;
/** The longest name behind a prefix is `rows_dead_at`. */
const PREFIX_BYTES_MAX = NAME_BYTES_MAX - "rows_dead_at".length;
const CONNECTIONS_DEFAULT = 10;
const CONNECTIONS_MAX = 1000;

/** Checks everything that can be checked without a connection. Throws OPTION_INVALID. */
export function resolveOptions(options: PostgresStoreOptions): Settings {
  const { url, config, pool, ...given } = (options ?? {}) as Partial<PostgresStoreOptions>;
  if ((pool === undefined) === (url === undefined && config === undefined))
    throw invalid("give it a `url`, such as postgres://user@host:5432/database, or a `config` or a `pool` of pg, but no pool beside them");
  const parameters = parametersOf(url);
  const timeoutMs = checkTimeoutMs(given.timeoutMs ?? limits.STORE_TIMEOUT_MS_DEFAULT, "postgresStore: timeoutMs");
  const connection: PoolConfig = {
    // The server gives up with us: else the calls that nobody waits for any more would keep its connections.
    statement_timeout: timeoutMs,
    connectionTimeoutMillis: timeoutMs,
    keepAlive: true,
    allowExitOnIdle: true,
    application_name: "causalmesh",
    ...config,
    ...(url === undefined ? {} : { connectionString: url }),
    max: checkWhole("postgresStore: connections", given.connections ?? config?.max ?? CONNECTIONS_DEFAULT, CONNECTIONS_MAX),
  };
  const { host, port, database = "", user: role = "" } = describe(pool?.options ?? connection);
  const name = `postgres at ${host}:${port}/${database}`;
  const schema = checkName("schema", given.schema ?? parameters.get("schema") ?? "causalmesh", /^[^\0]+$/, NAME_BYTES_MAX);
  const prefix = checkName("prefix", given.prefix ?? parameters.get("prefix") ?? "", /^([A-Za-z_]\w*)?$/, PREFIX_BYTES_MAX);
  return { pool: pool ?? new pg.Pool(connection), owned: pool === undefined, name, role, database, schema, prefix, timeoutMs };
}

/** pg itself passes over parameters that it does not know, such as ours. */
function parametersOf(url: unknown = "postgres://"): URLSearchParams {
  const match = /^postgres(?:ql)?:\/\/[^/?#]*([^?#]*)(\?[^#]*)?(#.*)?$/s.exec(String(url));
  if (match === null) throw invalid("the URL does not begin with postgres://");
  const [, path, query = "", fragment = ""] = match;
  // A password with one of these would end where it stands, and its rest be taken for a host or a database.
  if (fragment !== "" || `${path}${query}`.includes("@")) throw invalid("write / ? # and @ in a user name or password as %2F %3F %23 and %40");
  return new URLSearchParams(query);
}

/** What pg makes of the settings, with its environment variables and defaults. Its own message may repeat what it did not understand. */
function describe(config: PoolConfig): { host: string; port: number; database?: string; user?: string } {
  try {
    return new pg.Client(config);
  } catch {
    throw invalid("pg does not understand its settings; a URL looks like postgres://user:password@host:5432/database, and files that it names must be there");
  }
}

function checkName(option: string, name: unknown, form: RegExp, bytesMax: number): string {
  if (typeof name === "string" && form.test(name) && Buffer.byteLength(name) <= bytesMax) return name;
  const what = option === "schema" ? "the name of a Postgres schema" : "letters, digits and _, and begin with no digit";
  throw invalid(`${option} must be ${what}, of up to ${bytesMax} bytes`);
}

function invalid(what: string): MeshError {
  return new MeshError("OPTION_INVALID", `postgresStore: ${what}`);
}
