// Where the server is: from a URL, or from a connection of the user's. The messages here never repeat the URL, and have no
// cause: both would show its password.

import { MeshError } from "@causalmesh/core";
import type { RedisOptions } from "ioredis";

const FORM = "the URL must be redis://[user:password@]host[:port][/database][?prefix=name], or rediss:// for TLS; % in a user or password is %25";

/** Throws OPTION_INVALID. */
export function parseAddress(url: unknown): RedisOptions & { prefix?: string } {
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
    throw new MeshError("OPTION_INVALID", FORM);
  }
}

/** For messages: without user and password. */
export function describeAddress(options: Partial<Record<string, unknown>>): string {
  const { path, sentinels, name, host = "localhost", port = 6379, db = 0 } = options;
  return String(path ?? (sentinels ? `sentinels' ${String(name)}` : `${String(host)}:${String(port)}/${String(db)}`));
}
