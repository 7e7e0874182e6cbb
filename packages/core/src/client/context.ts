// What a session knows: the causal context that roams with its workflow (design section 4). session.ts keeps it current,
// token.ts packs it.

import { MeshError } from "../errors.js";
import { EMPTY_VECTOR, type Vector } from "../protocol/vector.js";
import type { OpenTransaction } from "./open-transaction.js";

/** One key of an own write. Keys are complete, with the namespace's prefix. */
export interface OwnChange {
  readonly key: string;
  /** The encoded value, or null for a deletion. */
  readonly value: Uint8Array | null;
  /** Milliseconds since 1970, 0 for never. */
  readonly expiresAt: number;
}

/** A write of the session that may not be readable yet at the node where it goes on. */
export interface OwnWrite {
  readonly replica: number;
  readonly counter: number;
  readonly timestamp: number;
  readonly changes: readonly OwnChange[];
}

/** Names a write. */
export type WriteId = Pick<OwnWrite, "replica" | "counter">;

/** A session's causal past. */
export interface SessionContext {
  /** DV: everything that its reads may depend on; at or below every member's received vector (I3). */
  readonly visible: Vector;
  /** WV: the join of the vectors of the writes in `own`; empty when there is none. */
  readonly written: Vector;
  /** The latest hybrid logical timestamp seen. */
  readonly time: number;
  /** In the order made. */
  readonly own: readonly OwnWrite[];
  /** The open transaction that it is packed with, if it is. */
  readonly transaction?: OpenTransaction;
}

export const EMPTY_CONTEXT: SessionContext = { visible: EMPTY_VECTOR, written: EMPTY_VECTOR, time: 0, own: [] };

/** The transaction of a token that was given out by one. */
export function transactionIn({ transaction }: SessionContext): OpenTransaction {
  if (transaction !== undefined) return transaction;
  throw new MeshError("TOKEN_MALFORMED", "this is the token of a session, in which no transaction is open; begin one with mesh.session(token).begin()");
}

/** The session of a token that was given out by one. */
export function withoutTransaction(context: SessionContext): SessionContext {
  if (context.transaction === undefined) return context;
  throw new MeshError("TRANSACTION_OPEN", "this is the token of an open transaction; go on with mesh.transaction(token), and use its session after the end");
}
