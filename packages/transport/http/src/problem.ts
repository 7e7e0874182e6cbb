// What goes wrong, as an HTTP answer: RFC 9457 problem details with the codes of the mesh and a few of HTTP's own, each with its status.

import { MeshError, type MeshErrorCode } from "@causalmesh/core";

/** Codes that only HTTP has. */
export type HttpErrorCode =
  | "NOT_FOUND"
  | "ROUTE_UNKNOWN"
  | "METHOD_NOT_ALLOWED"
  | "REQUEST_INVALID"
  | "MEDIA_TYPE_UNSUPPORTED"
  | "REQUEST_TIMEOUT"
  | "HEADERS_TOO_LARGE"
  | "UNSUPPORTED"
  | "INTERNAL";

export type ProblemCode = MeshErrorCode | HttpErrorCode;

/** The body of an answer of type application/problem+json. */
export interface ProblemDetails {
  /** `urn:causalmesh:problem:` and the code. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ProblemCode;
  /** Whether the same request may succeed later or elsewhere. */
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
}

export const PROBLEM_TYPE = "application/problem+json";

/** Status and title of each code. Whoever adds a code to the core is told by the compiler to add it here. */
export const PROBLEMS: Readonly<Record<ProblemCode, readonly [status: number, title: string]>> = {
  KEY_INVALID: [400, "The key is not valid"],
  VALUE_INVALID: [400, "The value is not valid"],
  VALUE_TOO_LARGE: [413, "The value is too large"],
  TTL_INVALID: [400, "The time to live is not valid"],
  OPTION_INVALID: [400, "An option is not valid"],
  ADDRESS_INVALID: [500, "The server is set up wrongly"],
  NO_SESSION: [500, "The server used a session that has ended"],
  SESSION_BUSY: [500, "The server used one session in two places"],
  TOKEN_MISSING: [400, "The session token is missing"],
  TOKEN_MALFORMED: [400, "The session is not a token"],
  TOKEN_VERSION: [400, "The session token has another format"],
  TOKEN_KEY_UNKNOWN: [400, "The session token was signed with another secret"],
  TOKEN_SIGNATURE: [400, "The session token's signature does not hold"],
  TOKEN_EXPIRED: [400, "The session token has expired"],
  TOKEN_OTHER_MESH: [400, "The session token is of another mesh"],
  TOKEN_TOO_LARGE: [400, "The session token is too large"],
  NODE_BEHIND: [503, "The node is behind the session"],
  CAUSAL_PAST_LOST: [409, "The session has seen writes that are lost"],
  OVERLOADED: [503, "The node is overloaded"],
  CLOCK_SKEW: [500, "Clocks differ too much"],
  OUTCOME_UNKNOWN: [502, "The write may have happened"],
  SNAPSHOT_TOO_OLD: [409, "The snapshot of the transaction is too old"],
  TRANSACTION_OPEN: [409, "A transaction is open"],
  TRANSACTION_ENDED: [409, "The transaction has ended"],
  NODE_UNREACHABLE: [503, "No node can be reached"],
  ADDRESS_IN_USE: [500, "The server is set up wrongly"],
  UNAUTHENTICATED: [401, "Credentials are missing or wrong"],
  FORBIDDEN: [403, "The credentials do not allow this"],
  PROTOCOL: [502, "A node broke the protocol"],
  PROTOCOL_VERSION: [502, "A node speaks another version of the protocol"],
  TIMEOUT: [504, "There was no answer in time"],
  ABORTED: [503, "The call was aborted"],
  CLOSED: [503, "The server is closing"],
  STORE_UNAVAILABLE: [503, "The store is not available"],
  STORE_FULL: [507, "The store is full"],
  STORE_LOCKED: [500, "The store is locked"],
  STORE_INVALID: [500, "The store's contents are not valid"],
  NOT_FOUND: [404, "The key has no value"],
  ROUTE_UNKNOWN: [404, "There is no such route"],
  METHOD_NOT_ALLOWED: [405, "The route does not take this method"],
  REQUEST_INVALID: [400, "The request is not valid"],
  MEDIA_TYPE_UNSUPPORTED: [415, "The content type cannot be stored"],
  REQUEST_TIMEOUT: [408, "The request did not arrive in time"],
  HEADERS_TOO_LARGE: [431, "The header lines are too large"],
  UNSUPPORTED: [501, "The mesh cannot do this"],
  INTERNAL: [500, "Something broke in the server"],
};

/** Thrown inside the handler to be answered as it is. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ProblemCode, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail);
    this.name = "Problem";
    this.code = code;
    this.headers = headers;
  }
}

/** Time after which asking again makes sense where the mesh names none. */
const RETRY_AFTER_MS_DEFAULT = 1_000;

/** What an error says to a caller. Failures of the server's own side keep their details to themselves: those name addresses and stores. */
export function problemOf(error: unknown): ProblemDetails {
  if (error instanceof Problem) return details(error.code, error.message, false);
  if (!(error instanceof MeshError)) return details("INTERNAL", "look at the server's log", false);
  // The mesh refused the server itself, which is nothing that the caller can present credentials for.
  const code = error.code === "UNAUTHENTICATED" ? "INTERNAL" : error.code;
  const [status, title] = PROBLEMS[code];
  const detail = status < 500 ? error.message : `${title}; the server's log says more`;
  return details(code, detail, error.retryable, error.retryAfterMs);
}

function details(code: ProblemCode, detail: string, retryable: boolean, retryAfterMs?: number): ProblemDetails {
  const [status, title] = PROBLEMS[code];
  // A token that is too large for now, as the session's writes are still on their way, is no mistake of the caller's.
  const shown = retryable && status < 500 ? 503 : status;
  const after = retryAfterMs ?? (shown === 503 ? RETRY_AFTER_MS_DEFAULT : undefined);
  return { type: `urn:causalmesh:problem:${code}`, title, status: shown, detail, code, retryable, ...(after === undefined ? {} : { retryAfterMs: after }) };
}

export function problemHeaders({ retryAfterMs }: ProblemDetails): Record<string, string> {
  const headers: Record<string, string> = { "content-type": PROBLEM_TYPE, "cache-control": "no-store" };
  // The header has whole seconds; the body says it exactly.
  if (retryAfterMs !== undefined) headers["retry-after"] = String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
  return headers;
}

export function problemResponse(error: unknown): Response {
  const problem = problemOf(error);
  const headers = { ...problemHeaders(problem), ...(error instanceof Problem ? error.headers : {}) };
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}
