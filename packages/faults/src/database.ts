// The databases that are put to the test, by URL: `lmdb:./folder`, `postgres://…`, `redis://…` and `dynamodb://table?…`. Without an address they are of the run's own: a folder, a
// server, or dynalite, an emulator of DynamoDB; that has no transactions, and `dynamodb:transactions` is one with an emulation of those before it. To add a database, add a kind.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { dynamodbStore } from "@causalmesh/adapter-dynamodb";
import { lmdbStore } from "@causalmesh/adapter-lmdb";
import { postgresStore } from "@causalmesh/adapter-postgres";
import { redisStore } from "@causalmesh/adapter-redis";
import type { Store } from "@causalmesh/core";
import { startDynamodb, startPostgres, startRedis } from "@causalmesh/test-servers";

export interface Database {
  /** With its address, which may hold a password. */
  readonly url: string;
  /** Its server, where that is this run's to end. */
  readonly server?: DatabaseServer;
  /** Removes what was made for this run alone. */
  remove(): Promise<void>;
}

export interface DatabaseServer {
  /** Ends it by SIGKILL; what it has answered for is on its disk. */
  kill(): Promise<void>;
  restart(): Promise<void>;
}

interface Kind {
  /** Makes one for this run alone; on a server of its own, even if the environment names one, where `own` says so. */
  make(own: boolean): Promise<Database>;
  open(url: string): Store;
}

async function makeDynamodb(transactions: boolean): Promise<Database> {
  const server = await startDynamodb({ own: true, transactions });
  // The SDK looks for credentials there, also in the processes of the nodes.
  Object.assign(process.env, server.env);
  return { url: server.url("faults"), remove: () => server.stop() };
}

function openDynamodb(url: string): Store {
  const { hostname: table, searchParams } = new URL(url);
  return dynamodbStore({ table, ...Object.fromEntries(searchParams) });
}

const unique = (): string => `faults_${process.pid}_${Date.now()}`;

/** By what a URL begins with, the longer before the shorter. */
const KINDS: Readonly<Record<string, Kind>> = {
  "lmdb:": {
    make: async () => {
      const folder = mkdtempSync(join(tmpdir(), "causalmesh-faults-"));
      return { url: `lmdb:${folder}`, remove: async () => rmSync(folder, { recursive: true, force: true }) };
    },
    open: (url) => lmdbStore({ path: resolve(url.slice("lmdb:".length)) }),
  },
  "postgres:": {
    make: async (own) => {
      const server = await startPostgres({ own });
      return { url: `${server.url}?schema=${unique()}`, server: own ? server : undefined, remove: () => server.stop() };
    },
    open: (url) => postgresStore({ url }),
  },
  "redis:": {
    make: async (own) => {
      // appendfsync always: what it has answered for is on its disk.
      const server = await startRedis({ own, persistence: "always" });
      return { url: `${server.url}?prefix=${unique()}`, server: own ? server : undefined, remove: () => server.stop() };
    },
    open: (url) => redisStore({ url }),
  },
  "dynamodb:transactions": { make: async () => await makeDynamodb(true), open: openDynamodb },
  "dynamodb:": { make: async () => await makeDynamodb(false), open: openDynamodb },
};

/** URLs without an address. */
export const DATABASES: readonly string[] = Object.keys(KINDS);

function kindOf(url: string): Kind {
  const kind = DATABASES.find((start) => url.startsWith(start));
  if (kind === undefined) throw new Error(`the store's URL begins with ${DATABASES.join(", ")}`);
  return KINDS[kind];
}

/** Finds or makes the database of a URL; `own` asks for a server that may be killed. */
export async function openDatabase(url: string, { own = false }: { readonly own?: boolean } = {}): Promise<Database> {
  return DATABASES.includes(url) ? await kindOf(url).make(own) : { url, remove: async () => undefined };
}

/** A store on the database of a URL with an address. */
export function openStore(url: string): Store {
  return kindOf(url).open(url);
}
