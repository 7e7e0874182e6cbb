// Store URLs: which database stands behind the mesh. Parsing is strict and early, so that a typing error is a usage error
// and not a new folder. Adapters are imported here, and for `doctor` in
// doctor/store-checks.ts, each when it is asked for.

import { isAbsolute, join, resolve } from "node:path";
import { MeshError, type Store } from "@causalmesh/core";

const SUPPORTED =
  "supported are memory: (gone when the process ends), lmdb:./folder (kept on this machine); postgres://user@host/database, redis://user@host:6379/0 and dynamodb://table (shared by machines)";

export type StoreUrl =
  | { readonly kind: "memory" }
  | { readonly kind: "lmdb"; readonly path: string }
  /** The adapter's own URL, which may hold a password. */
  | { readonly kind: "postgres" | "redis"; readonly url: string }
  | { readonly kind: "dynamodb"; readonly table: string; readonly options: Readonly<Record<string, string>> };

/** Parses a store URL. A relative path begins at `folder`. The message never repeats the URL's rest: it may hold a password. */
export function parseStoreUrl(text: string, folder: string): StoreUrl {
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):(.*)$/s.exec(text);
  if (match === null) {
    const hint = text === "" || text.includes("@") ? "" : `; did you mean lmdb:${text}?`;
    throw new MeshError("OPTION_INVALID", `the store URL has no scheme; ${SUPPORTED}${hint}`);
  }
  const scheme = match[1].toLowerCase();
  const rest = match[2].replace(/^\/\//, "");
  if (scheme === "memory") return parseMemory(rest);
  if (scheme === "lmdb") return parseLmdb(rest, folder);
  if (scheme === "postgres" || scheme === "postgresql") return parsePostgres(rest);
  if (scheme === "redis" || scheme === "rediss") return parseRedis(scheme, rest);
  if (scheme === "dynamodb") return parseDynamodb(rest);
  throw new MeshError("OPTION_INVALID", `no store has the scheme ${scheme}: in this version; ${SUPPORTED}`);
}

function parseMemory(rest: string): StoreUrl {
  if (rest !== "") throw new MeshError("OPTION_INVALID", `memory: takes nothing after the colon, not ${JSON.stringify(rest)}`);
  return { kind: "memory" };
}

function parseLmdb(rest: string, folder: string): StoreUrl {
  if (rest === "" || rest.includes("\0")) throw new MeshError("OPTION_INVALID", "lmdb: needs a folder, such as lmdb:./data");
  return { kind: "lmdb", path: isAbsolute(rest) ? rest : resolve(folder, rest) };
}

/** The adapter checks the rest when it opens the store. What could be a part of a password must not get so far as to be shown as a host. */
function parsePostgres(rest: string): StoreUrl {
  if (rest === "") throw new MeshError("OPTION_INVALID", "postgres: needs an address, such as postgres://user:password@host:5432/database");
  if (/[/?].*@|#/s.test(rest)) throw new MeshError("OPTION_INVALID", "postgres: write / ? # and @ in a user name or password as %2F %3F %23 and %40");
  return { kind: "postgres", url: `postgres://${rest}` };
}

function parseRedis(scheme: string, rest: string): StoreUrl {
  if (rest === "") throw new MeshError("OPTION_INVALID", `${scheme}: needs an address, such as ${scheme}://user:password@host:6379/0?prefix=shop`);
  if (/[/?].*@|#/s.test(rest)) throw new MeshError("OPTION_INVALID", `${scheme}: write / ? # and @ in a user name or password as %2F %3F %23 and %40`);
  return { kind: "redis", url: `${scheme}://${rest}` };
}

/** Credentials do not belong here: the SDK finds them in the environment, a profile or a role. */
function parseDynamodb(rest: string): StoreUrl {
  const [, table, query] = /^([\w.-]{3,255})(?:\?(.*))?$/s.exec(rest) ?? [];
  if (table === undefined) throw new MeshError("OPTION_INVALID", "dynamodb: needs the name of a table, such as dynamodb://shop?region=eu-central-1");
  const options = Object.fromEntries(new URLSearchParams(query));
  for (const name of Object.keys(options))
    if (!["region", "endpoint", "prefix"].includes(name))
      throw new MeshError("OPTION_INVALID", `dynamodb: takes region, endpoint and prefix, not ${JSON.stringify(name)}`);
  if (options.endpoint?.includes("@"))
    throw new MeshError("OPTION_INVALID", "dynamodb: takes an endpoint without user and password; credentials go into the environment");
  return { kind: "dynamodb", table, options };
}

/** For a person, or for a log: without a password. */
export function formatStoreUrl(url: StoreUrl): string {
  if (url.kind === "memory") return "memory:";
  if (url.kind === "lmdb") return `lmdb:${url.path}`;
  if (url.kind === "dynamodb") return formatDynamodb(url.table, url.options);
  return withoutSecrets(url.url);
}

function formatDynamodb(table: string, options: Readonly<Record<string, string>>): string {
  const query = Object.entries(options).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return `dynamodb://${table}${query.length === 0 ? "" : `?${query.join("&")}`}`;
}

/** The address and the database; user, password and parameters, any of which may be or hold a secret, are left out. */
function withoutSecrets(url: string): string {
  return url.replace(/\?.*$/s, "").replace(/\/\/.*@/s, "//");
}

/** The URL as text for another process of ours, with all that it needs: never for a command line, which other users see. */
export function storeUrlText(url: StoreUrl): string {
  return url.kind === "postgres" || url.kind === "redis" ? url.url : formatStoreUrl(url);
}

/** A store of another name in the same place: a folder within, or a prefix behind what the URL has. Throws OPTION_INVALID for memory:. */
export function namedStore(url: StoreUrl, name: string): StoreUrl {
  if (url.kind === "memory") throw new MeshError("OPTION_INVALID", "memory: is one store in one process; use one that processes can share");
  if (url.kind === "lmdb") return { kind: "lmdb", path: join(url.path, name) };
  if (url.kind === "dynamodb") return { ...url, options: { ...url.options, prefix: (url.options.prefix ?? "") + name } };
  const [address, query] = url.url.split("?", 2);
  const parameters = new URLSearchParams(query);
  parameters.set("prefix", (parameters.get("prefix") ?? "") + name);
  return { kind: url.kind, url: `${address}?${parameters}` };
}

/** Opens the adapter's store. Rejects with OPTION_INVALID or STORE_… codes. */
export async function openStore(url: StoreUrl): Promise<Store> {
  if (url.kind === "memory") return (await import("@causalmesh/adapter-memory")).memoryStore();
  if (url.kind === "lmdb") return (await import("@causalmesh/adapter-lmdb")).lmdbStore({ path: url.path });
  if (url.kind === "dynamodb") return (await import("@causalmesh/adapter-dynamodb")).dynamodbStore({ table: url.table, ...url.options });
  if (url.kind === "redis") return (await import("@causalmesh/adapter-redis")).redisStore({ url: url.url });
  return (await import("@causalmesh/adapter-postgres")).postgresStore({ url: url.url });
}
