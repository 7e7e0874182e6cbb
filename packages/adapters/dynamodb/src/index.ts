export { dynamodbStore } from "./store.js";
export type { DynamodbStoreOptions } from "./options.js";
