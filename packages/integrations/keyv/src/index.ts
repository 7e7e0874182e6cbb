// For users.
export { keyvStore } from "./store.js";
export type { KeyvStoreOptions } from "./store.js";
