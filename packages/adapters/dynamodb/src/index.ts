export { dynamodbStore } from "./store.js";
export type { DynamodbStoreOptions } from "./options.js";

// For tools.
export { inspectDynamodb, type DynamodbInspection } from "./inspect.js";
