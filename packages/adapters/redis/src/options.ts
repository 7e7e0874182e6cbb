// What users give: checked once, here. The messages never repeat a URL, and have no cause: both would show its password.

import { checkPrefix, checkTimeoutMs } from "@causalmesh/adapter-kit";
import { MeshError } from "@causalmesh/core";
import type { Redis, RedisOptions } from "ioredis";
import { Connection, ownClient } from "./connection.js";
import { namesUnder, type Names } from "./schema.js";

export interface RedisStoreOptions {
  /** `redis://[user:password@]host[:port][/database][?prefix=name]`, or `rediss://` for TLS. */
  readonly url?: string;
  /** More of ioredis' options for a connection of the store's own: `tls`, `password`, `sentinels` and `name`, `path`. They go before the URL's. */
  readonly connection?: RedisOptions;
  /** A connection of yours, instead of `url` and `connection`. It is not closed with the store. A Cluster is refused. */
  readonly client?: Redis;
  /** Keeps meshes in one database apart: letters, digits, ".", "_" and "-". Before the URL's; by default `causalmesh`. */
  readonly prefix?: string;
  /** Milliseconds for one call, after which it rejects with STORE_UNAVAILABLE; by default 5 000. */
  readonly timeoutMs?: number;
  /** What `abilities.durable` says. By default the server is asked at the first call: `appendfsync always` is durable; false until then, and where it may not be asked. */
  readonly durable?: boolean;
}

export interface Settings {
  /** The store's, without user and password. */
  readonly name: string;
  readonly names: Names;
  /** What is given runs once on each new connection, before anything else. */
  readonly connect: (prepare: (client: Redis) => Promise<void>) => Connection;
}

/** Checks everything that can be checked without a connection. Throws OPTION_INVALID. */
export function resolveOptions({ url, connection, client, prefix, timeoutMs = 5_000 }: RedisStoreOptions): Settings {
  if ((client === undefined) === ((url ?? connection) === undefined))
    throw new MeshError("OPTION_INVALID", 'give redisStore a server, such as { url: "redis://127.0.0.1:6379" }, or a client: one of them');
  if (client !== undefined && (typeof client.mgetBuffer !== "function" || client.isCluster))
    throw new MeshError("OPTION_INVALID", "client must be a Redis of the package ioredis, and no Cluster, over which one apply cannot be atomic");
  const { prefix: urlPrefix = "causalmesh", ...address } = url === undefined ? {} : parseAddress(url);
  const chosenPrefix = checkPrefix(prefix ?? urlPrefix);
  const used = client ?? ownClient({ ...address, ...connection });
  const name = `redis at ${describeAddress({ ...used.options })} (${chosenPrefix})`;
  const calls = { name, timeoutMs: checkTimeoutMs(timeoutMs), advice: "check the server and its load" };
  return { name, names: namesUnder(chosenPrefix), connect: (prepare) => new Connection(used, client === undefined, calls, prepare) };
}

function parseAddress(url: unknown): RedisOptions & { prefix?: string } {
  try {
    const { protocol, hostname, port, pathname, username, password, hash, searchParams } = new URL(url as string);
    const database = /^\/?(\d{0,5})$/.exec(pathname)?.[1];
    const isServer = /^rediss?:$/.test(protocol) && hostname !== "" && database !== undefined;
    if (!isServer || hash !== "" || [...searchParams.keys()].some((name) => name !== "prefix")) throw new Error("of another form");
    return {
      // An IPv6 address has brackets in a URL, and none in a socket's options.
      host: hostname.replace(/^\[(.*)\]$/, "$1"),
      port: Number(port || 6379),
      db: Number(database),
      username: decodeURIComponent(username) || undefined,
      password: decodeURIComponent(password) || undefined,
      tls: protocol === "rediss:" ? {} : undefined,
      prefix: searchParams.get("prefix") ?? undefined,
    };
  } catch {
    throw new MeshError("OPTION_INVALID", "the URL must be redis://[user:password@]host[:port][/database][?prefix=name], or rediss:// (TLS), with % as %25");
  }
}

/** For messages: without user and password. */
function describeAddress(options: Partial<Record<string, unknown>>): string {
  const { path, sentinels, name, host = "localhost", port = 6379, db = 0 } = options;
  return String(path ?? (sentinels ? `sentinels' ${String(name)}` : `${String(host)}:${String(port)}/${String(db)}`));
}
