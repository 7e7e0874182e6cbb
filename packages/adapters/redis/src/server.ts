// What has to be known of a server before rows are trusted to it: that it is one server, that it keeps what it is told, and that
// nobody else's format stands under the prefix.

import { MeshError } from "@causalmesh/core";
import type { Redis } from "ioredis";
import { SCHEMA_VERSION, type Names } from "./schema.js";

/** Throws STORE_INVALID, or what the server says. Answers whether everything that it answers for is on its disk; undefined where it may not be asked. */
export async function checkServer(client: Redis, names: Names, name: string): Promise<boolean | undefined> {
  const database = client.options.db ?? 0;
  // ioredis goes on in database 0 where the server has no database of that number.
  if (database !== 0) await client.select(database);
  const facts = await readFacts(client);
  if (facts?.redis_mode === "cluster")
    throw new MeshError("STORE_INVALID", `${name} is a node of a Redis Cluster; give the mesh a server of its own, with replicas where you like`);
  if (facts?.maxmemory_policy?.startsWith("allkeys-") && facts.maxmemory !== "0")
    throw new MeshError("STORE_INVALID", `${name} throws rows away when its memory is full (maxmemory-policy ${facts.maxmemory_policy}); set it to noeviction`);
  await checkSchema(client, names, name);
  return await isDurable(client, facts);
}

async function checkSchema(client: Redis, { schema }: Names, name: string): Promise<void> {
  const found = (await client.get(schema)) ?? ((await client.set(schema, SCHEMA_VERSION, "NX")) === null ? await client.get(schema) : SCHEMA_VERSION);
  if (found === SCHEMA_VERSION) return;
  throw new MeshError("STORE_INVALID", `${name} has format ${found}, this version reads format ${SCHEMA_VERSION}; use the version of CausalMesh that wrote it`);
}

type Facts = Partial<Record<string, string>>;

/** What the server tells about itself; undefined where this user may not ask, which is no reason not to work. */
async function readFacts(client: Redis): Promise<Facts | undefined> {
  const text = await unlessRefused(client.info());
  return text === undefined ? undefined : Object.fromEntries([...text.matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, fact, value]) => [fact, value]));
}

async function isDurable(client: Redis, facts: Facts | undefined): Promise<boolean | undefined> {
  if (facts?.aof_enabled === "0") return false;
  const setting = (await unlessRefused(client.config("GET", "appendfsync"))) as string[] | undefined;
  return setting === undefined || facts === undefined ? undefined : setting[1] === "always";
}

async function unlessRefused<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Error && /^(NOPERM|ERR unknown command|ERR unknown subcommand)/i.test(error.message)) return undefined;
    throw error;
  }
}
