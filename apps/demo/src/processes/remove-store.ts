// What is left of a run whose main process was killed: the nodes that worked on a store remove it.

import { rmdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import type { StorePlace } from "../stores.js";

/**
 * Removes the folder of a store, and the run's folder around it when that is empty by then. Each node does it after closing the store. Others may
 * still have its files open: what they hold goes away with them, and where an open file cannot be removed, the last one succeeds.
 */
export function removeStore({ folder }: StorePlace): void {
  if (folder === undefined) return;
  try {
    rmSync(folder, { recursive: true, force: true });
    rmdirSync(dirname(folder));
  } catch {
    // Another one is at it as well, or the other system's store is still there.
  }
}
