// For users.
export { createMesh } from "./embedded/create-mesh.js";
export { fencedError, MeshError, type MeshErrorCode, type MeshErrorOptions } from "./errors.js";
export type * from "./mesh.js";
export { readThrough, type Loader, type ReadThroughOptions } from "./read-through.js";
export { jsonCodec, plainJsonCodec } from "./client/codec.js";

// For those who run nodes, and for authors of adapters and transports.
export { startNode } from "./embedded/member.js";
export { formMesh, type RunningNode, type StartNodeOptions } from "./embedded/start-node.js";
export { connectMesh, type ConnectMeshOptions } from "./embedded/create-mesh.js";
export { ClearableKeys } from "./clearable-keys.js";
export { memoryTransport } from "./embedded/memory-transport.js";
export { readView, type Departed, type Member, type View } from "./protocol/view.js";
export type * from "./store.js";
export type * from "./transport.js";
export type { AsyncStorage, Clock, Entropy, Platform, Random, Timer } from "./clock.js";
export { SESSION_HEADER, tokensInHeader } from "./client/session-header.js";
export { AmbientMesh } from "./client/ambient-mesh.js";
export * as limits from "./limits.js";
export { backoffMs } from "./host/backoff.js";
export { TransactionBase } from "./client/transaction-base.js";
export { runTransaction, type RunTransaction } from "./client/run-transaction.js";

// For tools.
export { InvariantError } from "./invariant.js";
export { inspectToken, type TokenContents } from "./client/token.js";
export { checkNamespace, namespaceOf } from "./client/keys.js";
export { parseDuration } from "./client/duration.js";
export { asyncStorage, systemPlatform } from "./embedded/platform.js";
export { VERSION } from "./version.js";
export { WIRE_VERSION } from "./wire/handshake.js";
