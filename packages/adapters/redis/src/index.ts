export { redisStore, type RedisStoreOptions } from "./store.js";
