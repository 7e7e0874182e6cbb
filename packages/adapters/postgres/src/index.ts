export { postgresStore } from "./store.js";
export type { PostgresStoreOptions } from "./options.js";

// For tools.
export { inspectPostgres, type PostgresInspection } from "./inspect.js";
