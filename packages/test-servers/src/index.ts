export { freePort, installDebianPackage } from "./machine.js";
export { startRedis, type RedisServer, type StartRedisOptions } from "./redis.js";
export { startPostgres, type PostgresServer, type StartPostgresOptions } from "./postgres.js";
export { startDynamodb, type DynamodbServer, type StartDynamodbOptions } from "./dynamodb.js";
export { certificate, type CertificateOptions, type KeyPair } from "./certificates.js";
