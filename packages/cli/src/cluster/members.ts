// The members of a mesh as commands look for them: by address or by replica id, in the newest view that anybody who answers knows.

import { setTimeout as sleep } from "node:timers/promises";
import { MeshError, type Member, type MemberStatus, type Mesh, type MeshStatus } from "@causalmesh/core";
import { parseNodeUrl } from "../address.js";

/** Pause between two looks at the mesh. */
export const LOOK_MS = 200;

/** The member that is in the newest view. */
export function newest({ members }: MeshStatus): MemberStatus {
  return members.reduce((best, member) => (member.epoch > best.epoch ? member : best));
}

/** The member of this name: `host:port`, `mesh://host:port` or a replica id. Throws OPTION_INVALID. */
export function findMember(ring: readonly Member[], name: string): Member {
  const address = /^\d+$/.test(name) ? undefined : parseNodeUrl(name, "NODE").address;
  const found = ring.find((member) => (address === undefined ? member.replica === Number(name) : member.address === address));
  if (found !== undefined) return found;
  const members = ring.map((member) => `${member.address} (replica ${member.replica})`).join(", ");
  throw new MeshError("OPTION_INVALID", `${name} is no member of the mesh; these are: ${members}`);
}

/** The member behind this one in the ring; itself where it is alone. */
export function memberBehind(ring: readonly Member[], replica: number): Member {
  return ring[(ring.findIndex((member) => member.replica === replica) + 1) % ring.length];
}

export interface Look {
  readonly status: MeshStatus;
  readonly view: MemberStatus;
}

export interface AwaitOptions {
  readonly signal: AbortSignal;
  readonly waitMs: number;
  /** What has not happened in time, for the message. */
  readonly what: string;
}

/**
 * Looks at the mesh until `done` returns something. A moment in which nobody answers is no failure while there is time. Rejects with TIMEOUT, or with
 * what stood in the way at the end.
 */
export async function awaitMesh<Result>(mesh: Mesh, { signal, waitMs, what }: AwaitOptions, done: (look: Look) => Result | undefined): Promise<Result> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    let failure: unknown;
    try {
      const status = await mesh.status({ signal });
      const result = done({ status, view: newest(status) });
      if (result !== undefined) return result;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof MeshError) || !error.retryable) throw error;
      failure = error;
    }
    if (performance.now() > deadline)
      throw failure ?? new MeshError("TIMEOUT", `${what} within ${waitMs / 1000} s; give it longer with --wait, or look at causalmesh cluster status`);
    await sleep(LOOK_MS, undefined, { signal });
  }
}
