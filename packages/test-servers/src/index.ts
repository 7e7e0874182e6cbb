export { startRedis, type RedisServer, type StartRedisOptions } from "./redis.js";
