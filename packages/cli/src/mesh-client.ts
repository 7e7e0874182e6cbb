// Commands that talk to a running mesh: connect, do one thing, close. Ctrl-C ends the call with ABORTED.

import { MeshError, type RemoteMesh } from "@causalmesh/core";
import { connect } from "@causalmesh/transport-tcp";
import type { CommandContext } from "./command-context.js";
import { readStdin, type Terminal } from "./terminal.js";

/** Connects, runs `use` and closes, however `use` ends. */
export async function withMesh<Result>(context: CommandContext, use: (mesh: RemoteMesh, signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const { nodes, timeoutMs, secret, namespace } = context.settings;
  const interruption = new AbortController();
  const interrupted = new Promise<never>((_resolve, reject) => {
    interruption.signal.addEventListener("abort", () => reject(new MeshError("ABORTED", "interrupted")));
  });
  interrupted.catch(() => undefined);
  const interrupt = (): void => interruption.abort();
  process.once("SIGINT", interrupt);
  try {
    const mesh = await Promise.race([connect({ nodes, timeoutMs, secret, namespace }), interrupted]);
    try {
      return await Promise.race([use(mesh, interruption.signal), interrupted]);
    } finally {
      await mesh.close();
    }
  } finally {
    process.removeListener("SIGINT", interrupt);
  }
}

/** The tokens of `--session`, with `-` read from standard input. */
export async function resolveTokens(tokens: readonly string[] | undefined, terminal: Terminal): Promise<string[]> {
  const resolved: string[] = [];
  for (const token of tokens ?? []) resolved.push(token === "-" ? (await readStdin(terminal)).trim() : token);
  if (resolved.includes("")) throw new MeshError("OPTION_INVALID", "--session is empty; leave it out to begin a new session");
  return resolved;
}
