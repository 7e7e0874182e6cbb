export { postgresStore, type PostgresStoreOptions } from "./store.js";
