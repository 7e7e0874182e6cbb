// For programs that run the command line themselves, and for configuration files.
export { run } from "./run.js";
export { processTerminal, type Output, type Terminal } from "./terminal.js";
export { defineConfig, type CausalMeshConfig } from "./config-types.js";
export { EXIT } from "./exit-codes.js";
export { formatStoreUrl, namedStore, openStore, parseStoreUrl, storeUrlText, type StoreUrl } from "./store-url.js";
