// What a session knows: the causal context that roams with its workflow (design section 4). session.ts keeps it current,
// token.ts packs it.

import { EMPTY_VECTOR, type Vector } from "../protocol/vector.js";

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
}

export const EMPTY_CONTEXT: SessionContext = { visible: EMPTY_VECTOR, written: EMPTY_VECTOR, time: 0, own: [] };
