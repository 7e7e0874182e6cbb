// What happens to a node, as its log says it: each once, in the words of an operator. The same events go to the diagnostics channels.

import type { Member, NodeEvent } from "@causalmesh/core";
import { publishNodeEvent } from "@causalmesh/transport-tcp";
import type { Logger } from "./log.js";

export function nodeEvents(log: Logger): (event: NodeEvent) => void {
  return (event) => {
    publishNodeEvent(event);
    logEvent(log, event);
  };
}

function logEvent(log: Logger, event: NodeEvent): void {
  switch (event.type) {
    case "view": {
      const { epoch, members, joined, left } = event;
      // Where nobody comes or goes, the mesh only forgets somebody who had left.
      const level = joined.length + left.length === 0 ? "debug" : "info";
      log[level]({ epoch, members: named(members), joined: named(joined), left: named(left) }, "the mesh has changed");
      return;
    }
    case "store-failing":
      log.error({ err: event.error, call: event.what }, "the store fails; hits, writes and propagation go on, and it is tried again until it is back");
      return;
    case "store-recovered":
      log.info({ afterMs: event.afterMs }, "the store is back");
  }
}

function named(members: readonly Member[]): string[] {
  return members.map(({ replica, address }) => `${address} (${replica})`);
}
