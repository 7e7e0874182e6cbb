// Commands that talk to a running mesh: connect, do one thing, close. Ctrl-C ends the call with ABORTED.

import { MeshError, type Mesh, type RemoteMesh } from "@causalmesh/core";
import { connectHttp } from "@causalmesh/transport-http";
import { connect } from "@causalmesh/transport-tcp";
import type { CommandContext } from "./command-context.js";
import type { Settings } from "./settings.js";
import { readStdin, type Terminal } from "./terminal.js";
import { openTls } from "./tls.js";

/** Connects, runs `use` and closes, however `use` ends. */
export async function withMesh<Result>(context: CommandContext, use: (mesh: Mesh, signal: AbortSignal) => Promise<Result>): Promise<Result> {
  return await within(() => openMesh(context.settings), use);
}

/** The same for commands that ask the nodes themselves. */
export async function withNodes<Result>(context: CommandContext, use: (mesh: RemoteMesh, signal: AbortSignal) => Promise<Result>): Promise<Result> {
  if (context.settings.isHttp) throw new MeshError("OPTION_INVALID", "this command asks the nodes themselves: give their mesh:// URLs");
  return await within(() => openNodes(context.settings), use);
}

async function within<Opened extends Mesh, Result>(open: () => Promise<Opened>, use: (mesh: Opened, signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const interruption = new AbortController();
  const interrupted = new Promise<never>((_resolve, reject) => {
    interruption.signal.addEventListener("abort", () => reject(new MeshError("ABORTED", "interrupted")));
  });
  interrupted.catch(() => undefined);
  const interrupt = (): void => interruption.abort();
  process.once("SIGINT", interrupt);
  try {
    const mesh = await Promise.race([open(), interrupted]);
    try {
      return await Promise.race([use(mesh, interruption.signal), interrupted]);
    } finally {
      await mesh.close();
    }
  } finally {
    process.removeListener("SIGINT", interrupt);
  }
}

/** The mesh behind its nodes, or behind HTTP fronts. */
async function openMesh(settings: Settings): Promise<Mesh> {
  const { nodes, isHttp, apiKey, timeoutMs, namespace } = settings;
  if (!isHttp) return await openNodes(settings);
  if (namespace === undefined) throw new MeshError("OPTION_INVALID", "over HTTP all keys are in a namespace: give --namespace or CAUSALMESH_NAMESPACE");
  return connectHttp({ url: nodes, namespace, apiKey, timeoutMs });
}

async function openNodes({ nodes, timeoutMs, secret, namespace, tls }: Settings): Promise<RemoteMesh> {
  return await connect({ nodes, timeoutMs, secret, namespace, tls: openTls(tls) });
}

/** The tokens of `--session`, with `-` read from standard input. */
export async function resolveTokens(tokens: readonly string[] | undefined, terminal: Terminal): Promise<string[]> {
  const resolved: string[] = [];
  for (const token of tokens ?? []) resolved.push(token === "-" ? (await readStdin(terminal)).trim() : token);
  if (resolved.includes("")) throw new MeshError("OPTION_INVALID", "--session is empty; leave it out to begin a new session");
  return resolved;
}
