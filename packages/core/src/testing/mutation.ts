// What a mutation is: one protected method of the very classes that run in production, replaced.

import type { ClientSession } from "../client/session.js";
import type { Loads } from "../host/loads.js";
import type { Membership } from "../host/membership.js";
import type { Newcomer } from "../host/newcomer.js";
import type { Node } from "../protocol/node.js";
import type { Vector } from "../protocol/vector.js";

export interface Parts {
  readonly Node: typeof Node;
  readonly Loads: typeof Loads;
  readonly Membership: typeof Membership;
  readonly Newcomer: typeof Newcomer;
  readonly Session: typeof ClientSession;
}

/** What a mutation may look at beyond the class that it changes. */
export interface MutationContext {
  /** R of the node with this replica id. */
  received(replica: number): Vector;
}

export interface Mutation {
  readonly name: string;
  /** The rule that is gone, with the section of the design. */
  readonly rule: string;
  change(parts: Parts, context: MutationContext): Partial<Parts>;
}

export function nodeMutation(name: string, rule: string, change: (Base: typeof Node) => typeof Node): Mutation {
  return { name, rule, change: (parts) => ({ Node: change(parts.Node) }) };
}
