export { lmdbStore, type LmdbStoreOptions } from "./store.js";
