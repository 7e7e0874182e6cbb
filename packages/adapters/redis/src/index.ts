export { redisStore } from "./store.js";
export type { RedisStoreOptions } from "./options.js";

// For tools.
export { inspectRedis, type RedisInspection } from "./inspect.js";
