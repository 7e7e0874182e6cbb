// What has to be known of a server before rows are trusted to it: that it is one server, that it keeps what it is told, and that
// nobody else's format stands under the prefix.

import { otherFormat, textOf } from "@causalmesh/adapter-kit";
import { MeshError } from "@causalmesh/core";
import type { Redis } from "ioredis";
import { SCHEMA_VERSION, type Names } from "./schema.js";

/** Throws STORE_INVALID, or what the server says. Answers whether everything that it answers for is known to be on its disk. */
export async function checkServer(client: Redis, names: Names, name: string): Promise<boolean> {
  const facts = await readFacts(client);
  checkFacts(facts, name);
  // Only a new store is written to: a replica can be read from.
  if ((await client.get(names.schema)) === null) await client.set(names.schema, SCHEMA_VERSION, "NX");
  const found = await client.get(names.schema);
  if (found !== SCHEMA_VERSION) throw otherFormat(name, String(found), SCHEMA_VERSION);
  return facts.aof_enabled === "1" && facts.appendfsync === "always";
}

/** What a server tells about itself. Where this user may not ask, it is empty, which is no reason not to work. */
export type Facts = Partial<Record<string, string>>;

export async function readFacts(client: Redis): Promise<Facts> {
  const info = (await unlessRefused(client.info())) ?? "";
  // An array, or an object where the client speaks RESP3: the setting is the last thing in both.
  const appendfsync = Object.values((await unlessRefused(client.config("GET", "appendfsync"))) ?? []).at(-1) as string | undefined;
  return { ...Object.fromEntries([...info.matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, fact, value]) => [fact, value])), appendfsync };
}

/** Throws STORE_INVALID where a mesh cannot trust its rows to a server of such facts. */
export function checkFacts({ redis_mode, maxmemory, maxmemory_policy: policy }: Facts, name: string): void {
  const problem =
    redis_mode === "cluster"
      ? "is a node of a Redis Cluster; give the mesh a server of its own, with replicas where you like"
      : policy?.startsWith("allkeys-") && maxmemory !== "0" && `throws rows away when its memory is full (maxmemory-policy ${policy}); set it to noeviction`;
  if (problem) throw new MeshError("STORE_INVALID", `${name} ${problem}`);
}

export async function unlessRefused<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  return await answer.catch((error: unknown) => (/^(NOPERM|ERR unknown (sub)?command)/i.test(textOf(error)) ? undefined : Promise.reject(error)));
}
