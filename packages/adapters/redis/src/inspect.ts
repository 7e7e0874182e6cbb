// A look at a server from outside the store: what it is, what stands there, and what a user may.

import { textOf, versionOrProblem, type Inspection } from "@causalmesh/adapter-kit";
import type { Redis } from "ioredis";
import { resolveOptions, type RedisStoreOptions } from "./options.js";
import { SCHEMA_VERSION, type Names } from "./schema.js";
import { checkFacts, readFacts, unlessRefused, type Facts } from "./server.js";

/** What stands on a server, and what the user that asked may do there. What it may not ask is undefined. */
export interface RedisInspection extends Inspection {
  readonly user: string | undefined;
  readonly serverVersion: string | undefined;
  /** Whether the server takes writes: a replica does not. */
  readonly writable: boolean | undefined;
  /** What survives the end of the server. */
  readonly persistence: { readonly appendonly: boolean; readonly appendfsync: string | undefined } | undefined;
  readonly maxmemoryPolicy: string | undefined;
  /** Rights that the user lacks, as ACL SETUSER takes them; empty where it may all that a node does. */
  readonly missing: readonly string[] | undefined;
  /** What an administrator runs to give the user those rights; undefined where none is known to be missing. */
  readonly grant: string | undefined;
}

/** Looks at the server of a store. Throws OPTION_INVALID; rejects with STORE_UNAVAILABLE, STORE_LOCKED or STORE_INVALID where it cannot look. */
export async function inspectRedis(options: RedisStoreOptions): Promise<RedisInspection> {
  const { name, names, connect } = resolveOptions(options ?? {});
  const connection = connect(async () => undefined);
  try {
    return await connection.run(async (client) => await inspect(client, names, name));
  } finally {
    await connection.close();
  }
}

async function inspect(client: Redis, names: Names, name: string): Promise<RedisInspection> {
  const facts = await readFacts(client);
  const user = (await unlessRefused(client.call("ACL", "WHOAMI"))) as string | undefined;
  const missing = user === undefined ? undefined : await missingTo(client, user, names);
  const told = await versionOrProblem(async () => {
    checkFacts(facts, name);
    const version = await unlessRefused(client.get(names.schema));
    return typeof version === "string" ? Number(version) : undefined;
  });
  return {
    name,
    user,
    serverVersion: facts.redis_version,
    ...told,
    versionExpected: Number(SCHEMA_VERSION),
    writable: facts.role === undefined ? undefined : facts.role === "master",
    persistence: persistenceOf(facts),
    maxmemoryPolicy: facts.maxmemory_policy,
    missing,
    grant: missing === undefined || missing.length === 0 ? undefined : `ACL SETUSER ${user} ${missing.join(" ")}`,
  };
}

function persistenceOf({ aof_enabled, appendfsync }: Facts): RedisInspection["persistence"] {
  return aof_enabled === undefined ? undefined : { appendonly: aof_enabled === "1", appendfsync };
}

/** Every command that the adapter and its scripts send, each on a name that it is sent for. */
function commandsOn({ rows, index, flushed }: Names, keyPrefix: string): string[][] {
  const row = `${rows}key`;
  const ofRow = [["get"], ["set", "v"], ["mget"], ["mset", "v"], ["exists"], ["getrange", "0", "1"], ["pexpireat", "1"], ["del"]];
  const ofIndex = [["zadd", "0", "k"], ["zrem", "k"], ["zcard"], ["zrangebylex", "-", "+"], ["zrangebyscore", "0", "1"]];
  const ofCounters = [["hget", "f"], ["hset", "f", "v"], ["hmget", "f"], ["hgetall"]];
  const on = (key: string, commands: string[][]): string[][] => commands.map(([command, ...rest]) => [command, keyPrefix + key, ...rest]);
  const keyless = [["time"], ["eval", "return 0", "0"], ["evalsha", "0".repeat(40), "0"], ["select", "0"]];
  return [...on(row, ofRow), ...on(index, ofIndex), ...on(flushed, ofCounters), ...keyless];
}

/** Asks the server, which runs nothing (Redis 7 and newer); undefined where it has no answer, or this user may not ask. */
async function missingTo(client: Redis, user: string, names: Names): Promise<string[] | undefined> {
  const missing = new Set<string>();
  const keyPrefix = client.options.keyPrefix ?? "";
  for (const [command, ...rest] of commandsOn(names, keyPrefix)) {
    const answer = (await unlessRefused(client.call("ACL", "DRYRUN", user, command, ...rest)).catch(unlessOfOldServer)) as string | undefined;
    if (answer === undefined) return undefined;
    if (answer === "OK") continue;
    missing.add(/ key\b/.test(answer) && !/ run the /.test(answer) ? `~${keyPrefix}${names.rows.slice(0, -"row:".length)}*` : `+${command}`);
  }
  return [...missing];
}

function unlessOfOldServer(error: unknown): undefined {
  if (!/DRYRUN/i.test(textOf(error))) throw error;
  return undefined;
}
