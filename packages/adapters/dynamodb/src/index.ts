export { dynamodbStore, type DynamodbStoreOptions } from "./store.js";
