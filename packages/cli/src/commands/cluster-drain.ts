// `causalmesh cluster drain NODE`: the node takes no sessions any more, hands over what it has, leaves the mesh, and its process ends with exit code 0.

import { setTimeout as sleep } from "node:timers/promises";
import { MeshError, type Member, type MemberStatus, type RemoteMesh } from "@causalmesh/core";
import { count, formatMs } from "../words.js";
import { awaitMesh, findMember, LOOK_MS } from "../cluster/members.js";
import { createContext, type CommandContext } from "../command-context.js";
import { EXIT } from "../exit-codes.js";
import { withNodes } from "../mesh-client.js";
import { parseTime } from "../numbers.js";
import { Progress } from "../progress.js";
import type { GlobalFlags } from "../settings.js";
import { formatBytes } from "../table.js";
import type { Terminal } from "../terminal.js";

export interface DrainFlags extends GlobalFlags {
  readonly wait?: string;
  readonly force?: boolean;
}

const WAIT_DEFAULT = "60s";

export async function clusterDrain(name: string, flags: DrainFlags, terminal: Terminal): Promise<number> {
  const context = await createContext(flags, terminal);
  const waitMs = parseTime(flags.wait ?? WAIT_DEFAULT, "--wait");
  return withNodes(context, async (mesh, signal) => {
    const { member, ring } = await findAnswering(mesh, name, context, signal);
    if (ring.length === 1 && flags.force !== true)
      throw new MeshError("OPTION_INVALID", `${member.address} is the only member: to drain it ends the mesh, whose store keeps everything; --force does it`);
    await drain(mesh, member, ring, { context, signal, waitMs });
    return EXIT.ok;
  });
}

/** A member that is joining, or whose machine is busy, has as long as any call. */
async function findAnswering(mesh: RemoteMesh, name: string, { settings: { timeoutMs: waitMs } }: CommandContext, signal: AbortSignal) {
  let address = name;
  try {
    return await awaitMesh(mesh, { signal, waitMs, what: `${name} did not answer` }, ({ status, view: { ring } }) => {
      const member = findMember(ring, name);
      ({ address } = member);
      return status.members.some(({ replica }) => replica === member.replica) ? { member, ring } : undefined;
    });
  } catch (error) {
    if ((error as MeshError).code !== "TIMEOUT") throw error;
    throw new MeshError("NODE_UNREACHABLE", `${address} does not answer, so it cannot hand over; cluster remove ${address} takes it out`, { cause: error });
  }
}

interface Waiting {
  readonly context: CommandContext;
  readonly signal: AbortSignal;
  readonly waitMs: number;
}

async function drain(mesh: RemoteMesh, member: Member, ring: readonly Member[], { context, signal, waitMs }: Waiting): Promise<void> {
  const { printer, terminal } = context;
  const progress = new Progress(terminal, printer);
  const begin = performance.now();
  await mesh.drain(member.address, { signal });
  progress.show(`${member.address} takes no more sessions`);
  try {
    const left = await (ring.length === 1 ? awaitEnd(mesh, member, progress, signal, waitMs) : awaitLeft(mesh, member, progress, signal, waitMs));
    const ms = Math.round(performance.now() - begin);
    progress.end();
    printer.result({ drained: member.address, replica: member.replica, ms, ...left }, () => {
      const rest = left.epoch === undefined ? "the mesh has ended" : `epoch ${left.epoch}, ${count(left.members, "member")}`;
      return `${member.address} (replica ${member.replica}) has left after ${formatMs(ms)}: ${rest}.`;
    });
  } finally {
    progress.end();
  }
}

type Left = { readonly epoch: number; readonly members: number } | { readonly epoch?: undefined; readonly members: 0 };

function awaitLeft(mesh: RemoteMesh, { replica, address }: Member, progress: Progress, signal: AbortSignal, waitMs: number): Promise<Left> {
  return awaitMesh(mesh, { signal, waitMs, what: `${address} did not leave` }, ({ status, view }): Left | undefined => {
    const leaving = status.members.find((member) => member.replica === replica);
    if (leaving !== undefined) progress.show(describe(leaving));
    return view.ring.some((member) => member.replica === replica) ? undefined : { epoch: view.epoch, members: view.ring.length };
  });
}

/** Nobody is left who could say that the last one has gone: it does not answer any more. */
async function awaitEnd(mesh: RemoteMesh, { address }: Member, progress: Progress, signal: AbortSignal, waitMs: number): Promise<Left> {
  const deadline = performance.now() + waitMs;
  while (performance.now() < deadline) {
    try {
      const { members } = await mesh.status({ signal });
      for (const member of members) progress.show(describe(member));
    } catch (error) {
      if ((error as MeshError).code === "NODE_UNREACHABLE") return { members: 0 };
      throw error;
    }
    await sleep(LOOK_MS, undefined, { signal });
  }
  throw new MeshError("TIMEOUT", `${address} did not end within ${waitMs / 1000} s; look at its log`);
}

function describe({ address, state, log, logBytes, flushLagMs }: MemberStatus): string {
  const rest = log === 0 ? "nothing left to hand over" : `${count(log, "write")} (${formatBytes(logBytes)}) in its log, the oldest ${formatMs(flushLagMs)} old`;
  return `${address} is ${state}: ${rest}`;
}
