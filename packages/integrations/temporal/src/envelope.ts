// The form in which sessions travel in Temporal: a header that says what has been seen, and that whoever answers may add a token to the result,
// which the interceptor at the other end takes off again. This file runs in the workflow sandbox too: it needs nothing but the SDK's converter.

import { defaultPayloadConverter, type Headers } from "@temporalio/common";

/** The header with the tokens; it is there, with none, where nothing has been seen yet. */
export const SESSION_HEADER_NAME = "causalmesh-session";
/** The header by which a parent workflow says that it takes the session off the child's result; a client that starts a workflow does not. */
const PARENT_HEADER_NAME = "causalmesh-parent";
const FIELD = "causalmeshSession";

/** A result and the session after it. */
export interface Enveloped {
  readonly tokens: readonly string[];
  readonly result: unknown;
}

export function withTokens(headers: Headers, tokens: readonly string[]): Headers {
  return { ...headers, [SESSION_HEADER_NAME]: defaultPayloadConverter.toPayload(tokens) };
}

/** The tokens that came with a call; undefined where its caller carries no sessions, and would not take a token off the result. */
export function tokensOf(headers: Headers): readonly string[] | undefined {
  const payload = headers[SESSION_HEADER_NAME];
  return payload === undefined ? undefined : defaultPayloadConverter.fromPayload<string[]>(payload);
}

export function forParent(headers: Headers): Headers {
  return { ...headers, [PARENT_HEADER_NAME]: defaultPayloadConverter.toPayload(true) };
}

export function isForParent(headers: Headers): boolean {
  return headers[PARENT_HEADER_NAME] !== undefined;
}

/** The result with the tokens, in a form that the JSON of a payload keeps. */
export function envelope({ tokens, result }: Enveloped): Record<string, unknown> {
  // Bytes are a payload of their own kind, which they would not be within an object.
  return result instanceof Uint8Array ? { [FIELD]: tokens, bytes: [...result] } : { [FIELD]: tokens, result };
}

/** Undefined for a result without tokens, as of a worker that has no interceptor. */
export function openEnvelope(value: unknown): Enveloped | undefined {
  if (typeof value !== "object" || value === null || !(FIELD in value)) return undefined;
  const { [FIELD]: tokens, result, bytes } = value as { [FIELD]: string[]; result?: unknown; bytes?: number[] };
  return { tokens, result: bytes === undefined ? result : Uint8Array.from(bytes) };
}
