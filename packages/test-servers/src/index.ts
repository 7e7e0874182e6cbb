export { freePort } from "./machine.js";
export { startPostgres, type PostgresServer, type StartPostgresOptions } from "./postgres.js";
