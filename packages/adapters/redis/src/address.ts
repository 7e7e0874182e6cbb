// Where the server is: from a URL, or from a connection of the user's. The messages here never repeat the URL, and have no
// cause: both would show its password.

import { MeshError } from "@causalmesh/core";
import type { RedisOptions } from "ioredis";

const FORM = "redis://[user:password@]host[:port][/database][?prefix=name], or rediss:// for TLS";

export interface Address {
  readonly options: RedisOptions;
  readonly prefix: string | undefined;
}

/** Throws OPTION_INVALID. */
export function parseAddress(url: string): Address {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^rediss?:$/.test(parsed.protocol) || parsed.hostname === "" || parsed.hash !== "") throw invalid("is not of the form");
  const database = /^\/?(\d{0,5})$/.exec(parsed.pathname);
  if (database === null) throw invalid("names its database by something else than a number; it has the form");
  for (const name of parsed.searchParams.keys()) if (name !== "prefix") throw invalid(`has the parameter ${JSON.stringify(name)}; it has the form`);
  const options: RedisOptions = {
    // An IPv6 address has brackets in a URL, and none in a socket's options.
    host: parsed.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(parsed.port || 6379),
    db: Number(database[1] || 0),
    ...(parsed.username === "" ? {} : { username: decoded(parsed.username) }),
    ...(parsed.password === "" ? {} : { password: decoded(parsed.password) }),
    ...(parsed.protocol === "rediss:" ? { tls: {} } : {}),
  };
  return { options, prefix: parsed.searchParams.get("prefix") ?? undefined };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalid("has a percent sign in its user or password that stands for nothing (%25 is the sign itself); it has the form");
  }
}

function invalid(what: string): MeshError {
  return new MeshError("OPTION_INVALID", `the URL ${what} ${FORM}`);
}

/** For messages: without user and password. */
export function describeAddress(options: Partial<Record<string, unknown>>): string {
  const { path, sentinels, name, host = "localhost", port = 6379, db = 0 } = options;
  if (path !== undefined && path !== null) return String(path);
  return Array.isArray(sentinels) ? `sentinels' ${String(name)}` : `${String(host)}:${String(port)}/${String(db)}`;
}
