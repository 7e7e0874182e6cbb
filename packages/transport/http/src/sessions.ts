// The session of a request: its token comes in and goes out in one header. A token is signed by the mesh; what is added here is that it
// belongs to a tenant, as it carries the session's own writes with their values.

import { inspectToken, MeshError, namespaceOf, tokensInHeader, type Mesh, type Session, type SessionOptions, type Transaction } from "@causalmesh/core";
import { mayReach, type Caller } from "./api-keys.js";
import { SESSION_HEADER } from "./headers.js";
import { TOKENS_PER_REQUEST_MAX } from "./limits.js";
import { Problem } from "./problem.js";

export function tokensOf(headers: Headers): string[] {
  const tokens = tokensInHeader(headers.get(SESSION_HEADER));
  if (tokens.length > TOKENS_PER_REQUEST_MAX)
    throw new Problem("REQUEST_INVALID", `${SESSION_HEADER} has ${tokens.length} tokens; join at most ${TOKENS_PER_REQUEST_MAX} at a time`);
  return tokens;
}

/**
 * The session that goes on from these tokens. Throws TOKEN_…, or FORBIDDEN for a token with an own write to a key that the caller may not
 * read: a token that got to another tenant shows nothing there, is joined to nothing and is not handed out again.
 */
export function openSession(mesh: Mesh, tokens: readonly string[], options: SessionOptions, caller: Caller): Session {
  const session = mesh.session(tokens, options);
  // The mesh holds the token to its signature, here or, behind another front, at the first call: what stands in it cannot be cut out.
  if (caller.namespaces !== "*") for (const token of tokens) checkOwner(token, caller);
  return session;
}

/** The transaction that goes on from a token of one or, unless it has begun, begins in the session of others. Throws as `openSession` does. */
export function openTransaction(mesh: Mesh, tokens: readonly string[], hasBegun: boolean, options: SessionOptions, caller: Caller): Transaction {
  const isOpen = tokens.length === 1 && inspectToken(tokens[0]).transaction !== undefined;
  if (!isOpen && hasBegun)
    throw new MeshError("TOKEN_MALFORMED", 'there is no token of an open transaction; begin one in the session of this token, without "begun" in the body');
  if (!isOpen) return openSession(mesh, tokens, options, caller).begin();
  const transaction = mesh.transaction(tokens[0], options);
  if (caller.namespaces !== "*") checkOwner(tokens[0], caller);
  return transaction;
}

function checkOwner(token: string, caller: Caller): void {
  const { own, transaction } = inspectToken(token);
  for (const keys of [...own.map((write) => write.keys), transaction?.written ?? []]) {
    for (const key of keys) {
      if (!mayReach(caller, namespaceOf(key)))
        throw new Problem("FORBIDDEN", `the session has written to a namespace that the API key "${caller.name}" does not reach; begin a new session`);
    }
  }
}
