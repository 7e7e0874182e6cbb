// Node processes of one mesh, as benches start them.

import type { Crew, StartOptions, Worker } from "./crew.js";
import type { NodeOptions, NodeProgram } from "./processes/node.js";

/** Starts a node at each address, in a ring, and resolves when all listen. */
export async function startNodes(
  crew: Crew,
  addresses: readonly string[],
  options: Pick<NodeOptions, "store" | "cacheBytes">,
  start?: StartOptions,
): Promise<Worker<NodeProgram>[]> {
  const nodes = addresses.map((_, index) => crew.start<NodeProgram>("node", { addresses, index, ...options } satisfies NodeOptions, start));
  await Promise.all(nodes.map((node) => node.call("ready")));
  return nodes;
}
