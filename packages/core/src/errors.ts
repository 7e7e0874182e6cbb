// The one error class and its closed list of codes. A MeshError means that the world misbehaved (a wrong key, a store that
// is away, a node that is behind) and that the caller can handle it; a bug of ours is an InvariantError (invariant.ts).

/** What went wrong, as a closed list. `docs/errors.md` says for each what to do. */
export type MeshErrorCode =
  // The caller's input.
  | "KEY_INVALID"
  | "VALUE_INVALID"
  | "VALUE_TOO_LARGE"
  | "TTL_INVALID"
  | "OPTION_INVALID"
  | "ADDRESS_INVALID"
  // Sessions and tokens.
  | "NO_SESSION"
  | "SESSION_BUSY"
  | "TOKEN_MISSING"
  | "TOKEN_MALFORMED"
  | "TOKEN_VERSION"
  | "TOKEN_KEY_UNKNOWN"
  | "TOKEN_SIGNATURE"
  | "TOKEN_EXPIRED"
  | "TOKEN_OTHER_MESH"
  | "TOKEN_TOO_LARGE"
  // The mesh.
  | "NODE_BEHIND"
  | "CAUSAL_PAST_LOST"
  | "OVERLOADED"
  | "CLOCK_SKEW"
  | "OUTCOME_UNKNOWN"
  // Transactions.
  | "SNAPSHOT_TOO_OLD"
  | "TRANSACTION_OPEN"
  | "TRANSACTION_ENDED"
  // The way to a node.
  | "NODE_UNREACHABLE"
  | "ADDRESS_IN_USE"
  | "UNAUTHENTICATED"
  | "FORBIDDEN"
  | "PROTOCOL"
  | "PROTOCOL_VERSION"
  | "TIMEOUT"
  | "ABORTED"
  | "CLOSED"
  // The store.
  | "STORE_UNAVAILABLE"
  | "STORE_FULL"
  | "STORE_LOCKED"
  | "STORE_INVALID";

/** Codes whose cause goes away by itself or at another node, so that asking again may succeed. */
const RETRYABLE: ReadonlySet<MeshErrorCode> = new Set<MeshErrorCode>([
  "NODE_BEHIND",
  "OVERLOADED",
  "SNAPSHOT_TOO_OLD",
  "NODE_UNREACHABLE",
  "TIMEOUT",
  "STORE_UNAVAILABLE",
]);

export interface MeshErrorOptions {
  /** What caused it; kept as `error.cause`. */
  readonly cause?: unknown;
  /** Whether the same call may succeed later or elsewhere; by default, what the code says. */
  readonly retryable?: boolean;
  /** Milliseconds after which asking again makes sense, where known. */
  readonly retryAfterMs?: number;
}

/** A wrong input as a message shows it, whatever it is: a bigint has no JSON, and an object says nothing as text. */
export function inputText(input: unknown): string {
  if (typeof input === "string") return JSON.stringify(input);
  return typeof input === "object" && input !== null ? "an object" : String(input);
}

/** Why a store takes no batch of a view that has been followed by another one. For authors of adapters. */
export function fencedError(store: string, epoch: number): MeshError {
  const message = `${store} belongs to the mesh of epoch ${epoch} now, and a node of an earlier one may not write to it any more; end that node`;
  return new MeshError("NODE_BEHIND", message, { retryable: false });
}

/** The only error that this library throws at its users. The message says what happened, to what, and what to do. */
export class MeshError extends Error {
  readonly code: MeshErrorCode;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(code: MeshErrorCode, message: string, options: MeshErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "MeshError";
    this.code = code;
    this.retryable = options.retryable ?? RETRYABLE.has(code);
    this.retryAfterMs = options.retryAfterMs;
  }
}
