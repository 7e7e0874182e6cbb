// A node in which one rule of the protocol is taken away, over a transport of the caller's: for tests of whatever has to find that out in a mesh that is otherwise sound.

import { ClientSession } from "../client/session.js";
import { MemberNode } from "../embedded/member.js";
import type { RunningNode, StartNodeOptions } from "../embedded/start-node.js";
import { Loads } from "../host/loads.js";
import { Membership } from "../host/membership.js";
import { Newcomer } from "../host/newcomer.js";
import { Node } from "../protocol/node.js";
import type { Mutation, Parts } from "./mutation.js";

const PRODUCTION: Parts = { Node, Loads, Membership, Newcomer, Session: ClientSession };

/** As `startNode`, with a mutation of the node; one of sessions changes nothing here. Rejects as `startNode` does. */
export async function startMutant(options: StartNodeOptions, mutation: Mutation): Promise<RunningNode> {
  const context = {
    received: () => {
      throw new Error("what a node has received is known to the simulator alone");
    },
  };
  const node = new MemberNode(options, { ...PRODUCTION, ...mutation.change(PRODUCTION, context) });
  await node.start();
  return node;
}
