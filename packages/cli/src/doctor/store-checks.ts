// What `doctor` asks of a store: can it be opened, are its tables or files there and of this version, may this role or user do what a node does, is there a mesh. It
// looks through the adapters' inspections first, because opening a store makes what is missing.

import type { RedisInspection } from "@causalmesh/adapter-redis";
import { readView, type Store, type View } from "@causalmesh/core";
import { openStore, type StoreUrl } from "../store-url.js";
import { failed, failedWith, ok, skipped, type Check } from "./check.js";

export interface StoreFindings {
  readonly checks: readonly Check[];
  /** The mesh's view, where the store has one. */
  readonly view: View | undefined;
}

const START = "start a node on it, which makes what is missing: causalmesh node start --store URL";
const OTHER_VERSION = "install the version of CausalMesh that made it, or a newer one";

/** Changes nothing. */
export async function checkStore(url: StoreUrl, timeoutMs: number): Promise<StoreFindings> {
  if (url.kind === "memory") return { checks: [skipped("store", "memory: is within each node; there is nothing to look at from outside")], view: undefined };
  const { checks: before, unopened = false } = await inspect(url, timeoutMs);
  const unread = (why: string): StoreFindings => ({ checks: [...before, skipped("registry", why), skipped("rows", why)], view: undefined });
  if (before.some(({ status }) => status !== "ok")) return unread("the store cannot be read yet");
  if (unopened) return unread("a copy that no node has opened here yet");
  // Everything is there, so this changes nothing.
  return await checkContent(url, before);
}

interface Inspection {
  readonly checks: readonly Check[];
  /** Opening it would make a file there. */
  readonly unopened?: boolean;
}

async function inspect(url: Exclude<StoreUrl, { kind: "memory" }>, timeoutMs: number): Promise<Inspection> {
  if (url.kind === "lmdb") return await inspectFolder(url.path);
  if (url.kind === "dynamodb") return { checks: await inspectTable(url, timeoutMs) };
  if (url.kind === "redis") return { checks: await inspectRedisServer(url.url, timeoutMs) };
  return { checks: await inspectServer(url.url, timeoutMs) };
}

async function checkContent(url: StoreUrl, before: readonly Check[]): Promise<StoreFindings> {
  try {
    const store = await openStore(url);
    try {
      const { check, view } = await checkRegistry(store);
      return { checks: [...before, check, await checkRows(store)], view };
    } finally {
      await store.close();
    }
  } catch (error) {
    return { checks: [...before, failedWith("registry", error)], view: undefined };
  }
}

async function inspectServer(url: string, timeoutMs: number): Promise<Check[]> {
  try {
    const { inspectPostgres } = await import("@causalmesh/adapter-postgres");
    const { name, role, version, versionExpected, problem, writable, missing, grant } = await inspectPostgres({ url, timeoutMs });
    const store = ok("store", `${name} takes connections of the role ${role}`);
    const schema = problem === undefined ? schemaCheck(version, versionExpected) : failedWith("schema", problem);
    const rights =
      missing.length === 0
        ? ok("rights", `${role} may all that a node does`)
        : failed("rights", `${role} lacks ${missing.join(", ")}`, `as a role that may: ${grant}`);
    return [
      store,
      schema,
      writable ? rights : failed("rights", "the server takes no writes", "give the address of the primary, or take default_transaction_read_only back"),
    ];
  } catch (error) {
    return [failedWith("store", error), skipped("schema", "the store was not reached"), skipped("rights", "the store was not reached")];
  }
}

async function inspectRedisServer(url: string, timeoutMs: number): Promise<Check[]> {
  try {
    const { inspectRedis } = await import("@causalmesh/adapter-redis");
    const {
      name,
      user,
      serverVersion = "of unknown version",
      version,
      versionExpected,
      problem,
      writable,
      missing,
      grant,
      ...found
    } = await inspectRedis({ url, timeoutMs });
    return [
      ok("store", `${name}, Redis ${serverVersion}, takes connections${user === undefined ? "" : ` of the user ${user}`}`),
      problem === undefined ? schemaCheck(version, versionExpected) : failedWith("schema", problem),
      rightsOnRedis(writable, missing, grant),
      persistenceCheck(found),
    ];
  } catch (error) {
    const why = "the store was not reached";
    return [failedWith("store", error), skipped("schema", why), skipped("rights", why), skipped("persistence", why)];
  }
}

function rightsOnRedis(writable: boolean | undefined, missing: readonly string[] | undefined, grant: string | undefined): Check {
  if (writable === false) return failed("rights", "the server is a replica and takes no writes", "give the address of the primary");
  if (missing === undefined) return ok("rights", "not asked: that takes Redis 7 or newer, and a user who may ACL WHOAMI and ACL DRYRUN");
  if (missing.length === 0) return ok("rights", "this user may all that a node does");
  return failed("rights", `this user lacks ${missing.join(" ")}`, `as an administrator: ${grant}`);
}

/** Without it a mesh works, and a server that ends takes along what was acknowledged: so it is said, and fails nothing. */
function persistenceCheck({ persistence, maxmemoryPolicy }: Pick<RedisInspection, "persistence" | "maxmemoryPolicy">): Check {
  if (persistence === undefined) return ok("persistence", "not asked: this user may not see the server's settings");
  const { appendonly, appendfsync } = persistence;
  const policy =
    maxmemoryPolicy === undefined || maxmemoryPolicy === "noeviction"
      ? ""
      : `; maxmemory-policy ${maxmemoryPolicy} may drop deletions early, noeviction does not`;
  if (appendonly && appendfsync === "always") return ok("persistence", `appendfsync always: durable${policy}`);
  const setting = appendonly ? `appendfsync ${appendfsync ?? "unknown"}` : "appendonly no";
  return ok("persistence", `${setting}: not durable, what was acknowledged as stored may end with the server; see the README of the adapter${policy}`);
}

async function inspectTable({ table, options }: Extract<StoreUrl, { kind: "dynamodb" }>, timeoutMs: number): Promise<Check[]> {
  try {
    const { inspectDynamodb } = await import("@causalmesh/adapter-dynamodb");
    const { name, status, version, versionExpected, problem, expires, missing } = await inspectDynamodb({ table, ...options, timeoutMs });
    const stays = expires === false ? "; it has no time to live on goneAt, so deleted and expired rows stay in it" : "";
    const isUsable = status === undefined || status === "ACTIVE" || status === "UPDATING";
    const state = status === undefined ? "answers" : `is ${status}`;
    return [
      isUsable ? ok("store", `${name} ${state}${stays}`) : failed("store", `${name} ${state}`, "wait until it is ACTIVE"),
      problem === undefined ? schemaCheck(version, versionExpected) : failedWith("schema", problem),
      missing.length === 0
        ? ok("rights", "these credentials may all that a node does with rows")
        : failed("rights", `these credentials lack ${missing.join(", ")}`, "allow these actions on the table to their user or role"),
    ];
  } catch (error) {
    return [failedWith("store", error), skipped("schema", "the store was not reached"), skipped("rights", "the store was not reached")];
  }
}

async function inspectFolder(path: string): Promise<Inspection> {
  try {
    const { inspectLmdb } = await import("@causalmesh/adapter-lmdb");
    const { name, version, versionExpected, opened, unwritable } = await inspectLmdb({ path });
    const rights =
      unwritable === undefined
        ? ok("rights", "this user may read and write there")
        : failed("rights", `this user may not write ${unwritable}`, "give it the folder and its files, or run as the user that the nodes run as");
    return { checks: [ok("store", `${name} can be looked into`), schemaCheck(version, versionExpected), rights], unopened: !opened };
  } catch (error) {
    return { checks: [failedWith("store", error), skipped("schema", "the store was not opened"), skipped("rights", "the store was not opened")] };
  }
}

function schemaCheck(version: number | undefined, expected: number): Check {
  if (version === undefined) return failed("schema", "no mesh has used this store yet", START);
  if (version === expected) return ok("schema", `format ${version}, as this version makes it`);
  if (version < expected)
    return failed("schema", `format ${version}, this version makes ${expected}`, "start a node of this version on it, which brings it up to date");
  return failed("schema", `format ${version}, this version reads up to ${expected}`, OTHER_VERSION);
}

async function checkRegistry(store: Store): Promise<{ check: Check; view: View | undefined }> {
  try {
    const view = await readView(store);
    if (view === undefined) return { check: failed("registry", "no mesh was formed on this store yet", START), view };
    const members = view.members.map(({ replica, address }) => `${address} (replica ${replica})`);
    return { check: ok("registry", `epoch ${view.epoch}, ${members.length === 1 ? "member" : "members"} ${members.join(", ")}`), view };
  } catch (error) {
    return { check: failedWith("registry", error), view: undefined };
  }
}

async function checkRows(store: Store): Promise<Check> {
  try {
    const { rows } = await store.scan("", undefined, 1);
    return ok("rows", rows.length === 0 ? "can be read; there are none yet" : "can be read");
  } catch (error) {
    return failedWith("rows", error);
  }
}
