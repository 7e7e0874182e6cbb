// Events on Node.js's diagnostics channels, for tools that watch a process from within. They cost nothing where nobody has subscribed, and tell
// neither keys nor values.

import { channel, type Channel } from "node:diagnostics_channel";
import type { NodeEvent } from "@causalmesh/core";

/** `{ remote }` and `{ remote, error? }` of each connection, whichever end has opened it. */
export const connectionOpened = channel("causalmesh:connection-opened");
export const connectionClosed = channel("causalmesh:connection-closed");

const NODE_CHANNELS: Readonly<Record<NodeEvent["type"], Channel>> = {
  view: channel("causalmesh:view"),
  "store-failing": channel("causalmesh:store-failing"),
  "store-recovered": channel("causalmesh:store-recovered"),
};

/**
 * Publishes an event of a node, as it is, on the channel `causalmesh:view`, `causalmesh:store-failing` or `causalmesh:store-recovered`. Hand it to
 * `startNode` as `onEvent`.
 */
export function publishNodeEvent(event: NodeEvent): void {
  const to = NODE_CHANNELS[event.type];
  if (to.hasSubscribers) to.publish(event);
}
