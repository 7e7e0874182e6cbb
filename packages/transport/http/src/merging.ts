// Values that merge, as the bodies of requests name and change them.

import type { MergeOptions, Session } from "@causalmesh/core";
import { Problem } from "./problem.js";
import { checkMembers, isText } from "./requests.js";

export interface MergedName {
  readonly kind: "counter" | "set";
  readonly key: string;
}

export type MergeChange = { readonly counter: string; readonly add: number } | { readonly set: string; readonly add: string[]; readonly remove: string[] };

const EXAMPLE = '{"counter": "visits", "add": 1} or {"set": "tags", "add": ["new"], "remove": ["old"]}';

/** Which value is asked for. Throws REQUEST_INVALID. */
export function nameIn(members: Record<string, unknown>): MergedName {
  checkMembers(members, ["counter", "set"]);
  const { counter, set } = members;
  if (isText(counter) && set === undefined) return { kind: "counter", key: counter };
  if (isText(set) && counter === undefined) return { kind: "set", key: set };
  throw new Problem("REQUEST_INVALID", 'the body names a counter or a set: {"counter": "visits"} or {"set": "tags"}');
}

/** Throws REQUEST_INVALID. What is added and removed the session judges. */
export function changeIn(members: Record<string, unknown>): MergeChange {
  checkMembers(members, ["counter", "set", "add", "remove"]);
  const { counter, set, add, remove } = members;
  if (isText(counter) && set === undefined && remove === undefined && "add" in members) return { counter, add: add as number };
  if (isText(set) && counter === undefined && ("add" in members || "remove" in members))
    return { set, add: (add ?? []) as string[], remove: (remove ?? []) as string[] };
  throw new Problem("REQUEST_INVALID", `the body is not as in ${EXAMPLE}`);
}

/** What is removed goes first, so that a member that is also added stays. */
export async function made(session: Session, change: MergeChange, options: MergeOptions): Promise<void> {
  if ("counter" in change) return await session.increment(change.counter, change.add, options);
  if (change.remove.length > 0) await session.removeMembers(change.set, change.remove, options);
  await session.addMembers(change.set, change.add, options);
}
