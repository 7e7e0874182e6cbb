export { lmdbStore, type LmdbStoreOptions } from "./store.js";

// For tools.
export { inspectLmdb, type LmdbInspection } from "./inspect.js";
