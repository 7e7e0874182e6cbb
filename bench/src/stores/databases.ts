// The databases that the store benches go through; each is loaded when it is opened.

import type { OpenDatabase } from "./database.js";

export const DATABASES: readonly OpenDatabase[] = [
  { name: "lmdb", open: async () => await (await import("./lmdb.js")).openLmdb() },
  { name: "redis", open: async () => await (await import("./redis.js")).openRedis() },
  { name: "postgres", open: async () => await (await import("./postgres.js")).openPostgres() },
];
