// What `causalmesh dev` and its node processes say to each other over Node.js's channel between parent and child. The
// channel is also how a node learns that its parent is gone, however it ended.

import type { MeshErrorCode } from "@causalmesh/core";

/** From a node to its parent. */
export type NodeReport =
  | { readonly type: "ready"; readonly replica: number; readonly node: string; readonly admin: string | undefined; readonly http: string | undefined }
  | { readonly type: "failed"; readonly code: MeshErrorCode | "INTERNAL"; readonly message: string };

/** From the parent to a node: flush, then end. */
export interface StopOrder {
  readonly type: "stop";
}

/** Sends a report and waits until it has left, so that the process may end after it. Without a parent it does nothing. */
export function report(message: NodeReport): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) return resolve();
    // A parent that is gone is noticed by the `disconnect` event, not here.
    process.send(message, undefined, undefined, () => resolve());
  });
}
