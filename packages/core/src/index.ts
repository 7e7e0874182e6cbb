// For users.
export { MeshError, type MeshErrorCode, type MeshErrorOptions } from "./errors.js";
export type * from "./mesh.js";

// For authors of adapters and transports.
export type * from "./store.js";
export type * from "./transport.js";
export type { Clock, Random, Timer } from "./clock.js";
export * as limits from "./limits.js";

// For tools.
export { InvariantError } from "./invariant.js";
