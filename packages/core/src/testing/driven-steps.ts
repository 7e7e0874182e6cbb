// What a conformance run does with a mesh (driven-mesh.ts), step by step, and what came of it. Nodes, sessions, clients and keys are numbers from 0.
//
// Every step means something in every state, or nothing: so any of them can be left out of a trace, and the rest of it goes on.

export interface DrivenChange {
  readonly key: number;
  readonly deletes: boolean;
}

/** What a session asks of a node. */
export type DrivenRequest =
  | { readonly session: number; readonly read: readonly number[] }
  | { readonly session: number; readonly write: readonly DrivenChange[] };

export type DrivenStep =
  /** Sessions go to the node and ask, all in one tick. */
  | { readonly step: "ask"; readonly node: number; readonly requests: readonly DrivenRequest[] }
  /** Reads in the session's transaction, which begins if none is open. It goes on by its token at another node, and also at the same one if `packed`. */
  | { readonly step: "transact"; readonly session: number; readonly node: number; readonly read: readonly number[]; readonly packed: boolean }
  | { readonly step: "commit"; readonly session: number; readonly node: number; readonly write: readonly DrivenChange[] }
  | { readonly step: "rollback"; readonly session: number }
  /** The session takes over what another one knows; it begins as a fork of that if it has not done anything. */
  | { readonly step: "join"; readonly session: number; readonly other: number }
  /** What is on its way from the node to its successor arrives. */
  | { readonly step: "deliver"; readonly node: number }
  /** The connection to the successor breaks, with what is on it. */
  | { readonly step: "break"; readonly node: number }
  /** The connection of a client breaks. */
  | { readonly step: "hangUp"; readonly client: number; readonly node: number }
  /** The flusher goes on: its pause is over, the store takes its batch, or answers. The call that it makes now may fail. */
  | { readonly step: "store"; readonly fails: boolean }
  /** The node's clock goes on. */
  | { readonly step: "pass"; readonly node: number; readonly ms: number }
  /** The node forgets the versions that were overwritten, as it does when they are kept for too long or are too many. */
  | { readonly step: "forget"; readonly node: number };

/** By key: the value, a number of its own for each write; 0 is a deletion. */
export type DrivenValues = Readonly<Record<number, number>>;

export interface DrivenWrite {
  readonly time: number;
  readonly changes: DrivenValues;
}

/** A write as it goes round the ring. The dot is `node:counter`. */
export interface SentWrite extends DrivenWrite {
  readonly dot: string;
  readonly vector: readonly number[];
}

/** What has happened, as whoever watches the mesh from outside sees it. */
export type Deed =
  /** The values of what shows one. */
  | { readonly did: "read"; readonly session: number; readonly node: number; readonly keys: readonly number[]; readonly values: DrivenValues }
  | ({ readonly did: "write"; readonly session: number; readonly node: number } & DrivenWrite)
  | { readonly did: "begin"; readonly session: number; readonly node: number }
  /** A transaction's read, for which its snapshot was extended or was not. */
  | {
      readonly did: "snapshot";
      readonly session: number;
      readonly node: number;
      readonly keys: readonly number[];
      readonly values: DrivenValues;
      readonly isExtended: boolean;
    }
  /** The node was told what the session knows, and has not told it anything. */
  | { readonly did: "tell"; readonly session: number; readonly node: number }
  | ({ readonly did: "commit"; readonly session: number; readonly node: number } & DrivenWrite)
  | { readonly did: "end"; readonly session: number }
  | { readonly did: "join"; readonly session: number; readonly other: number }
  /** The node has sent its successor something. */
  | { readonly did: "send"; readonly node: number }
  /** The successor has received all that was on its way from the node. */
  | { readonly did: "receive"; readonly node: number; readonly writes: readonly SentWrite[] }
  | { readonly did: "break"; readonly node: number }
  | { readonly did: "collect"; readonly node: number }
  | { readonly did: "flush" }
  | { readonly did: "stored"; readonly node: number };

export function addressOf(node: number): string {
  return `n${node + 1}`;
}

export function keyOf(key: number): string {
  return `k${key}`;
}
