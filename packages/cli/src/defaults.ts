// What holds where nobody says anything, by the names of the configuration file: where the commands take it from, and `config show` too.

import { limits } from "@causalmesh/core";

/** Where `causalmesh dev` begins and where clients look by default. */
export const DEFAULT_PORT = 7400;

export const DEFAULTS = {
  url: `mesh://127.0.0.1:${DEFAULT_PORT}`,
  timeout: 5_000,
  logLevel: "info",
  "dev.nodes": 3,
  "dev.host": "127.0.0.1",
  "dev.port": DEFAULT_PORT,
  "dev.adminPort": 0,
  "dev.store": "lmdb:./.causalmesh",
  "node.listen": `127.0.0.1:${DEFAULT_PORT}`,
  "node.admin": "127.0.0.1:0",
  "node.cacheBytes": limits.CACHE_BYTES_DEFAULT,
  "node.grace": limits.LEAVE_TIMEOUT_MS,
} as const;
