// What `doctor` asks of each node: does it answer, is it of the mesh that the store names, in its newest view, is its clock right. And, where the user wants that, whether a write goes the
// whole way: round the ring, into the store, and to another node.

import { randomBytes } from "node:crypto";
import { inspectToken, limits, type MemberStatus, type Mesh, type MeshStatus, type View } from "@causalmesh/core";
import { connect } from "@causalmesh/transport-tcp";
import type { Settings } from "../settings.js";
import { openTls } from "../tls.js";
import { failed, failedWith, ok, skipped, type Check } from "./check.js";

/** What is written is gone by itself, should the deletion not get through. */
const PROBE_TTL_MS = 60_000;
const UNANSWERED = "a member that does not answer";
const CLOCK_ADVICE =
  "set the clocks of the nodes, and this machine's, by NTP: writes stamped too far ahead are refused, and until then they win over newer ones";
const UNANSWERED_ADVICE = "look at its process and its log, and whether this machine may reach it";

export type NodeSettings = Pick<Settings, "secret" | "tls" | "timeoutMs" | "namespace">;

export interface NodesFindings {
  readonly checks: readonly Check[];
  /** Addresses of nodes that passed. */
  readonly answering: readonly string[];
  /** Everybody who was heard of and answers, each once. */
  readonly members: readonly MemberStatus[];
}

/** All nodes at once: one that does not answer holds up no other. Members that are not named here are learnt of from those that answer. */
export async function checkNodes(addresses: readonly string[], view: View | undefined, settings: NodeSettings): Promise<NodesFindings> {
  const answers = await Promise.all(addresses.map((address) => ask(address, view, settings)));
  const checks = new Map(answers.map(({ check }, index) => [addresses[index], check]));
  const known = new Set(answers.map(({ member }) => member?.replica));
  for (const { meshId, status, asked } of answers) {
    if (meshId === undefined || status === undefined || asked === undefined) continue;
    for (const member of status.members) {
      if (known.has(member.replica) || checks.has(member.address)) continue;
      checks.set(member.address, judge(`node ${member.address}`, view, { meshId, epoch: status.epoch, member, asked }));
    }
    for (const address of status.unreachable) {
      if (!checks.has(address)) checks.set(address, { ...failed(`node ${address}`, UNANSWERED, UNANSWERED_ADVICE), code: "NODE_UNREACHABLE" });
    }
  }
  const answering = [...checks].filter(([, { status }]) => status === "ok").map(([address]) => address);
  const members = new Map(answers.flatMap(({ status }) => status?.members ?? []).map((member) => [member.replica, member]));
  return { checks: [...checks.values()], answering, members: [...members.values()] };
}

/** When a node was asked, by this machine's clock: within `errorMs` of `atMs`. */
interface Moment {
  readonly atMs: number;
  readonly errorMs: number;
}

interface NodeAnswer {
  readonly check: Check;
  readonly meshId?: string;
  readonly status?: MeshStatus;
  readonly member?: MemberStatus;
  readonly asked?: Moment;
}

async function ask(address: string, view: View | undefined, { secret, tls, timeoutMs }: NodeSettings): Promise<NodeAnswer> {
  const check = `node ${address}`;
  try {
    const mesh = await connect({ nodes: [address], secret, tls: openTls(tls), timeoutMs });
    try {
      const { meshId } = inspectToken(await mesh.session().token());
      const begin = performance.now();
      const status = await mesh.status();
      const errorMs = (performance.now() - begin) / 2;
      const asked = { atMs: Date.now() - errorMs, errorMs };
      const member = memberAt(address, status.members);
      return { check: judge(check, view, { meshId, epoch: status.epoch, member, asked }), meshId, status, member, asked };
    } finally {
      await mesh.close();
    }
  } catch (error) {
    return { check: failedWith(check, error) };
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
  readonly asked: Moment;
}

function judge(check: string, view: View | undefined, { meshId, epoch, member, asked }: NodeFindings): Check {
  if (view !== undefined && meshId !== view.meshId)
    return failed(check, "a node of another mesh answers there", "give the store of that mesh, or the addresses of this one's nodes");
  if (view !== undefined && epoch < view.epoch)
    return failed(check, `it is in epoch ${epoch}, and the store in ${view.epoch}: a later mesh was formed on its store`, "end this node");
  const aheadMs = (member?.clockMs ?? asked.atMs) - asked.atMs;
  if (Math.abs(aheadMs) - asked.errorMs > limits.CLOCK_AHEAD_MS_MAX) {
    const apart = `${Math.round(Math.abs(aheadMs) / 1000)} s ${aheadMs > 0 ? "ahead of" : "behind"}`;
    return { ...failed(check, `its clock is ${apart} this machine's`, CLOCK_ADVICE), code: "CLOCK_SKEW" };
  }
  const where = member === undefined ? "" : `replica ${member.replica}, `;
  const unflushed = member === undefined ? "" : `, ${member.log} writes in its log`;
  return ok(check, `answers; ${where}epoch ${epoch}${unflushed}`);
}

/** Sets a key through the first of these nodes, reads it at the last one with the session's token, deletes it. */
export async function checkWrite(addresses: readonly string[], { secret, tls, timeoutMs, namespace }: NodeSettings): Promise<Check> {
  const check = "write";
  if (addresses.length === 0) return skipped(check, "no node answers");
  try {
    const mesh = await connect({ nodes: addresses, secret, tls: openTls(tls), timeoutMs, namespace });
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
