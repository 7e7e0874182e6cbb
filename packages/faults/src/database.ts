// The databases that are put to the test, by URL: `lmdb:./folder` and `postgres://…`; without an address, `lmdb:` and `postgres:` are a folder and a server of the run's own.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { lmdbStore } from "@causalmesh/adapter-lmdb";
import { postgresStore } from "@causalmesh/adapter-postgres";
import type { Store } from "@causalmesh/core";
import { startPostgres } from "@causalmesh/test-servers";

export interface Database {
  /** With its address, which may hold a password. */
  readonly url: string;
  /** Removes what was made for this run alone. */
  remove(): Promise<void>;
}

/** Finds or makes the database of a URL. */
export async function openDatabase(url: string): Promise<Database> {
  if (url === "lmdb:") {
    const folder = mkdtempSync(join(tmpdir(), "causalmesh-faults-"));
    return { url: `lmdb:${folder}`, remove: async () => rmSync(folder, { recursive: true, force: true }) };
  }
  if (url === "postgres:") {
    const server = await startPostgres();
    return { url: `${server.url}?schema=faults_${process.pid}_${Date.now()}`, remove: () => server.stop() };
  }
  return { url, remove: async () => undefined };
}

/** A store on the database of a URL with an address. */
export function openStore(url: string): Store {
  if (url.startsWith("lmdb:")) return lmdbStore({ path: resolve(url.slice("lmdb:".length)) });
  if (url.startsWith("postgres:")) return postgresStore({ url });
  throw new Error("the store's URL begins with lmdb: or postgres:");
}
