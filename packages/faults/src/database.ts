// The databases that are put to the test, by URL: `lmdb:./folder`, `postgres://…` and `dynamodb://table?…`. Without an address they are of the run's own: a folder, a server, or
// dynalite, an emulator of DynamoDB; that has no transactions, and `dynamodb:transactions` is one with an emulation of those before it.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { dynamodbStore } from "@causalmesh/adapter-dynamodb";
import { lmdbStore } from "@causalmesh/adapter-lmdb";
import { postgresStore } from "@causalmesh/adapter-postgres";
import type { Store } from "@causalmesh/core";
import { startDynamodb, startPostgres } from "@causalmesh/test-servers";

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
  if (url === "dynamodb:" || url === "dynamodb:transactions") {
    const server = await startDynamodb({ own: true, transactions: url !== "dynamodb:" });
    // The SDK looks for credentials there, also in the processes of the nodes.
    Object.assign(process.env, server.env);
    return { url: server.url("faults"), remove: () => server.stop() };
  }
  return { url, remove: async () => undefined };
}

/** A store on the database of a URL with an address. */
export function openStore(url: string): Store {
  if (url.startsWith("lmdb:")) return lmdbStore({ path: resolve(url.slice("lmdb:".length)) });
  if (url.startsWith("postgres:")) return postgresStore({ url });
  if (url.startsWith("dynamodb:")) {
    const { hostname: table, searchParams } = new URL(url);
    return dynamodbStore({ table, ...Object.fromEntries(searchParams) });
  }
  throw new Error("the store's URL begins with lmdb:, postgres: or dynamodb:");
}
