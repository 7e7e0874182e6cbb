// `causalmesh cluster remove NODE`: takes a member that is dead, or that nobody reaches any more, out of the view. The mesh does that by itself after a few seconds
// of silence; the command is for those who know better, and sooner. It goes through the member behind the dead one: that one alone knows how far the mesh has its writes.

import { MeshError, type Member, type MemberStatus, type MeshStatus, type RemoteMesh } from "@causalmesh/core";
import { count } from "../words.js";
import { awaitMesh, findMember, memberBehind, newest } from "../cluster/members.js";
import { createContext, type CommandContext } from "../command-context.js";
import { EXIT } from "../exit-codes.js";
import { withNodes } from "../mesh-client.js";
import { parseTime } from "../numbers.js";
import { describeError } from "../printer.js";
import { Progress } from "../progress.js";
import type { GlobalFlags } from "../settings.js";
import type { Terminal } from "../terminal.js";

export interface RemoveFlags extends GlobalFlags {
  readonly force?: boolean;
  readonly wait?: string;
}

const WAIT_DEFAULT = "30s";

export async function clusterRemove(name: string, flags: RemoveFlags, terminal: Terminal): Promise<number> {
  const context = await createContext(flags, terminal);
  const waitMs = parseTime(flags.wait ?? WAIT_DEFAULT, "--wait");
  return withNodes(context, async (mesh, signal) => {
    const status = await mesh.status({ signal });
    const { ring } = newest(status);
    const member = findMember(ring, name);
    const head = headOf(member, ring, status);
    const target = status.members.find(({ replica }) => replica === member.replica);
    if (target !== undefined && flags.force !== true) throw refusal(target, head);
    await order(mesh, member, head, flags.force === true, signal);
    const left = await awaitGone(mesh, member, context, signal, waitMs);
    context.printer.result({ removed: member.address, replica: member.replica, ...left }, () => {
      const rejoins = target === undefined ? "" : " Its process lives, and joins again as another replica: end it, if it is not to.";
      return `${member.address} (replica ${member.replica}) is out: epoch ${left.epoch}, ${count(left.members, "member")}.${rejoins}`;
    });
    return EXIT.ok;
  });
}

/** The member behind it in the ring, which has to answer. */
function headOf(member: Member, ring: readonly Member[], { members }: MeshStatus): MemberStatus {
  const behind = memberBehind(ring, member.replica);
  if (behind.replica === member.replica) throw new MeshError("OPTION_INVALID", `${member.address} is the only member; drain it with --force to end the mesh`);
  const head = members.find(({ replica }) => replica === behind.replica);
  if (head !== undefined) return head;
  throw new MeshError(
    "NODE_UNREACHABLE",
    `${behind.address}, the member behind ${member.address}, does not answer either; remove that one first, so that one that lives stands behind both`,
  );
}

/** A check that said no: not a wrong command line, so not the exit code of one. */
function refusal(target: MemberStatus, head: MemberStatus): Error {
  const { replica, address } = target;
  const own = String(replica);
  const unknown = Math.max(0, (target.received[own] ?? 0) - (head.received[own] ?? 0));
  const lost =
    unknown === 0 ? "nothing would be lost at this moment, as the next member has all its writes" : `${count(unknown, "write")} that only it has would be lost`;
  return new Error(
    `${address} (replica ${replica}) is alive: ${lost}, and it would join again by itself; drain it instead (cluster drain ${address}), or insist with --force`,
  );
}

async function order(mesh: RemoteMesh, { replica }: Member, head: MemberStatus, force: boolean, signal: AbortSignal): Promise<void> {
  try {
    await mesh.remove(replica, head.address, { force, signal });
  } catch (error) {
    // It lives for its neighbour, even if not for this machine.
    if ((error as MeshError).code === "OPTION_INVALID") throw new Error(`${describeError(error).message} (--force)`, { cause: error });
    throw error;
  }
}

async function awaitGone(mesh: RemoteMesh, { replica, address }: Member, { terminal, printer }: CommandContext, signal: AbortSignal, waitMs: number) {
  const progress = new Progress(terminal, printer);
  progress.show(`waiting until the members go on without ${address}`);
  try {
    return await awaitMesh(mesh, { signal, waitMs, what: `the members did not go on without ${address}` }, ({ view: { epoch, ring } }) =>
      ring.some((member) => member.replica === replica) ? undefined : { epoch, members: ring.length },
    );
  } finally {
    progress.end();
  }
}
