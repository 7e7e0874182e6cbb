// What `doctor` asks of each node: does it answer, is it of the mesh that the store names, in its newest view. And, where the user wants that, whether a write goes the
// whole way: round the ring, into the store, and to another node.

import { randomBytes } from "node:crypto";
import { inspectToken, type MemberStatus, type Mesh, type View } from "@causalmesh/core";
import { connect } from "@causalmesh/transport-tcp";
import type { Settings } from "../settings.js";
import { failed, failedWith, ok, skipped, type Check } from "./check.js";

/** What is written is gone by itself, should the deletion not get through. */
const PROBE_TTL_MS = 60_000;

export type NodeSettings = Pick<Settings, "secret" | "timeoutMs" | "namespace">;

/** All nodes at once: one that does not answer holds up no other. */
export async function checkNodes(addresses: readonly string[], view: View | undefined, settings: NodeSettings): Promise<Check[]> {
  return await Promise.all(addresses.map((address) => checkNode(address, view, settings)));
}

async function checkNode(address: string, view: View | undefined, { secret, timeoutMs }: NodeSettings): Promise<Check> {
  const check = `node ${address}`;
  try {
    const mesh = await connect({ nodes: [address], secret, timeoutMs });
    try {
      const { meshId } = inspectToken(await mesh.session().token());
      const { epoch, members } = await mesh.status();
      return judge(check, view, { meshId, epoch, member: memberAt(address, members) });
    } finally {
      await mesh.close();
    }
  } catch (error) {
    return failedWith(check, error);
  }
}

/** A node may be known to its mesh under another name than the one that led to it. */
function memberAt(address: string, members: readonly MemberStatus[]): MemberStatus | undefined {
  return members.find((member) => member.address === address) ?? (members.length === 1 ? members[0] : undefined);
}

interface NodeFindings {
  readonly meshId: string;
  readonly epoch: number;
  readonly member: MemberStatus | undefined;
}

function judge(check: string, view: View | undefined, { meshId, epoch, member }: NodeFindings): Check {
  if (view !== undefined && meshId !== view.meshId)
    return failed(check, "a node of another mesh answers there", "give the store of that mesh, or the addresses of this one's nodes");
  if (view !== undefined && epoch < view.epoch)
    return failed(check, `it is in epoch ${epoch}, and the store in ${view.epoch}: a later mesh was formed on its store`, "end this node");
  const where = member === undefined ? "" : `replica ${member.replica}, `;
  const unflushed = member === undefined ? "" : `, ${member.log} writes in its log`;
  return ok(check, `answers; ${where}epoch ${epoch}${unflushed}`);
}

/** Sets a key through the first of these nodes, reads it at the last one with the session's token, deletes it. */
export async function checkWrite(addresses: readonly string[], { secret, timeoutMs, namespace }: NodeSettings): Promise<Check> {
  const check = "write";
  if (addresses.length === 0) return skipped(check, "no node answers");
  try {
    const mesh = await connect({ nodes: addresses, secret, timeoutMs, namespace });
    try {
      return await probe(mesh, addresses[0], addresses[addresses.length - 1]);
    } finally {
      await mesh.close();
    }
  } catch (error) {
    return failedWith(check, error);
  }
}

async function probe(mesh: Mesh, from: string, to: string): Promise<Check> {
  const key = `causalmesh-doctor-${randomBytes(8).toString("hex")}`;
  const session = mesh.session(undefined, { node: from, durability: "stored" });
  const begin = performance.now();
  await session.set(key, key, { ttl: PROBE_TTL_MS });
  const ms = Math.round(performance.now() - begin);
  const reader = mesh.session(await session.token(), { node: to, durability: "stored" });
  const found = await reader.get(key);
  await reader.delete(key);
  if (found !== key)
    return failed(
      "write",
      `${to} does not show what was written at ${from}`,
      "this must not be: report it, with the status of the mesh (cluster status --json)",
    );
  return ok("write", `in the store after ${ms} ms, and readable at ${to}; deleted again`);
}
