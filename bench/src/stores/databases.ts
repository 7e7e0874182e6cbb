// The databases that the store benches go through; each is loaded when it is opened.

import type { Database, OpenDatabase } from "./database.js";

const DATABASES: readonly OpenDatabase[] = [
  { name: "lmdb", open: async () => await (await import("./lmdb.js")).openLmdb() },
  { name: "redis", open: async () => await (await import("./redis.js")).openRedis() },
  { name: "postgres", open: async () => await (await import("./postgres.js")).openPostgres() },
  { name: "dynamodb", open: async () => await (await import("./dynamodb.js")).openDynamodb() },
];

/** For the reports of all these benches. */
export const DATABASES_NOTE =
  "dynamodb: dynalite in a process of its own, an emulator in JavaScript without transactions; its figures say what the adapter costs beside the bare client, and nothing of DynamoDB.";

/** Runs the work on each database in turn, or on those named, and stops each, whatever happened. */
export async function onEachDatabase(work: (database: Database) => Promise<void>, names?: readonly string[]): Promise<void> {
  for (const { open } of DATABASES.filter(({ name }) => names?.includes(name) ?? true)) {
    const database = await open();
    try {
      await work(database);
    } finally {
      await database.stop();
    }
  }
}
