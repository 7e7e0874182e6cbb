// What an operator asks of a node beside its status: to leave the mesh, or to take a dead neighbour out of the view. Whoever has proved the
// mesh's secret may ask; what is asked is only begun here, and seen in the status afterwards.

import type { ByteReader } from "../bytes/reader.js";
import { MeshError } from "../errors.js";
import type { Host } from "./host.js";

/** Throws OPTION_INVALID where the program that runs the node does not take such orders. */
export function drainRequested(host: Host, onDrain: (() => void) | undefined): void {
  if (onDrain === undefined)
    throw new MeshError("OPTION_INVALID", `the program that runs node ${host.replica} takes no order to leave (startNode's onDrain); end that program instead`);
  // The answer leaves first.
  host.platform.clock.defer(onDrain);
}

/**
 * Takes the member before this node out of the view, as if it had been found dead. Its writes end with what this node has received of it, so nobody
 * but the node behind it can do that. Throws OPTION_INVALID for another one, and for one whose link is up unless that is forced.
 */
export function removeRequested(host: Host, reader: ByteReader): void {
  const { ring, view } = host.node;
  const replica = reader.u32();
  const isForced = reader.u8() === 1;
  reader.finish();
  const at = ring.indexOf(replica);
  if (!ring.isMember(replica)) throw new MeshError("OPTION_INVALID", `replica ${replica} is no member of the mesh in epoch ${view.epoch}`);
  if (at !== ring.predecessor)
    throw new MeshError("OPTION_INVALID", `replica ${replica} can be removed by the member behind it alone, and that is not replica ${host.replica}`);
  if (host.neighbours.isPredecessorAlive && !isForced)
    throw new MeshError("OPTION_INVALID", `replica ${replica} is alive: replica ${host.replica} hears from it; drain it, or force its removal`);
  host.membership.claimed(ring.replicas[(at + ring.members - 1) % ring.members]);
}
