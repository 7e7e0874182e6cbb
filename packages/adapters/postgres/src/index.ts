export { postgresStore, type PostgresStoreOptions } from "./store.js";

// For tools.
export { inspectPostgres, type PostgresInspection } from "./inspect.js";
