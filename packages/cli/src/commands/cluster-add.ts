// `causalmesh cluster add ADDRESS`: for a node that is to join a mesh which runs. Members are processes on their own machines, which this program cannot start from
// afar. So it looks whether the node can join, says how to start it there, and waits until it serves: for people, and for scripts that start it themselves.

import { inspectToken, limits, MeshError, readView, type RemoteMesh } from "@causalmesh/core";
import { isLoopback, parseHostPort, parseNodeUrl } from "../address.js";
import { count, formatMs } from "../words.js";
import { awaitMesh, newest, type Look } from "../cluster/members.js";
import { createContext, type CommandContext } from "../command-context.js";
import { EXIT } from "../exit-codes.js";
import { withNodes } from "../mesh-client.js";
import { parseTime } from "../numbers.js";
import { Progress } from "../progress.js";
import { namedStore, type GlobalFlags } from "../settings.js";
import { formatStoreUrl, openStore, type StoreUrl } from "../store-url.js";
import type { Terminal } from "../terminal.js";

export interface AddFlags extends GlobalFlags {
  readonly store?: string;
  readonly wait?: string;
}

const WAIT_DEFAULT = "5m";

export async function clusterAdd(name: string, flags: AddFlags, terminal: Terminal): Promise<number> {
  const context = await createContext(flags, terminal);
  const waitMs = parseTime(flags.wait ?? WAIT_DEFAULT, "--wait");
  const address = parseNodeUrl(name, "ADDRESS").address;
  const store = namedStore(flags.store, context.settings, terminal);
  return withNodes(context, async (mesh, signal) => {
    const status = await mesh.status({ signal });
    const { ring } = newest(status);
    const isMember = ring.some((member) => member.address === address);
    if (!isMember) {
      if (ring.length >= limits.MEMBERS_MAX)
        throw new MeshError("OPTION_INVALID", `the mesh has ${limits.MEMBERS_MAX} members already, and no more are possible`);
      if (store !== undefined) await checkStore(store, mesh);
      context.printer.note(instructions(address, store, context));
    }
    await awaitServing(mesh, address, context, signal, waitMs);
    return EXIT.ok;
  });
}

/** The commonest mistake: a node on another store begins a mesh of its own there, and nobody hears of it. */
async function checkStore(url: StoreUrl, mesh: RemoteMesh): Promise<void> {
  if (url.kind === "memory") throw new MeshError("OPTION_INVALID", "memory: is within one process, so no other node can join a mesh on it");
  const { meshId } = inspectToken(await mesh.session().token());
  const store = await openStore(url);
  try {
    if ((await readView(store))?.meshId === meshId) return;
  } finally {
    await store.close();
  }
  throw new MeshError(
    "OPTION_INVALID",
    `the mesh that answers is not on ${formatStoreUrl(url)}; a node there would begin another mesh: give it the store of this one`,
  );
}

function instructions(address: string, store: StoreUrl | undefined, { settings }: CommandContext): string {
  const { port, host } = parseHostPort(address, "ADDRESS");
  const listen = isLoopback(host) ? address : `0.0.0.0:${port} --advertise ${address}`;
  const secret = settings.secret === undefined ? "" : " --secret-file FILE";
  const tls = settings.tls === undefined ? "" : " --tls-cert FILE --tls-key FILE --tls-ca FILE";
  const url = store === undefined ? "URL" : formatStoreUrl(store);
  const password = store?.kind === "postgres" || store?.kind === "redis" ? " (with user and password, in CAUSALMESH_STORE)" : "";
  return [
    `Start the node where ${address} leads, on the store of this mesh${password}${secret === "" ? "" : " and with its secret"}:`,
    `  causalmesh node start --store ${url} --listen ${listen}${secret}${tls}`,
  ].join("\n");
}

async function awaitServing(mesh: RemoteMesh, address: string, { terminal, printer }: CommandContext, signal: AbortSignal, waitMs: number): Promise<void> {
  const progress = new Progress(terminal, printer);
  const begin = performance.now();
  progress.show(`waiting for ${address}`);
  try {
    const added = await awaitMesh(mesh, { signal, waitMs, what: `${address} did not begin to serve` }, (look) => {
      progress.show(whereItStands(address, look));
      const member = look.view.ring.find((one) => one.address === address);
      const serves = look.status.members.some((one) => one.replica === member?.replica && one.state === "serving");
      return member !== undefined && serves ? { replica: member.replica, epoch: look.view.epoch, members: look.view.ring.length } : undefined;
    });
    progress.end();
    const ms = Math.round(performance.now() - begin);
    printer.result({ added: address, ms, ...added }, () => {
      return `${address} serves as replica ${added.replica} after ${formatMs(ms)}: epoch ${added.epoch}, ${count(added.members, "member")}.`;
    });
  } finally {
    progress.end();
  }
}

function whereItStands(address: string, { view }: Look): string {
  const member = view.ring.find((one) => one.address === address);
  if (member === undefined) return `waiting for ${address}: it is not in the mesh yet`;
  return `${address} is in the mesh as replica ${member.replica}, and gets what the mesh has from the node before it`;
}
