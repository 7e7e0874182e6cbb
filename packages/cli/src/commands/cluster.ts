// `causalmesh cluster status`: the members of the mesh and what each knows, once or every second.

import type { MeshStatus } from "@causalmesh/core";
import { formatStatus, withUnreachable } from "../cluster-table.js";
import { createContext, type CommandContext } from "../command-context.js";
import { EXIT } from "../exit-codes.js";
import { withMesh } from "../mesh-client.js";
import type { GlobalFlags } from "../settings.js";
import type { Terminal } from "../terminal.js";

export interface StatusFlags extends GlobalFlags {
  readonly watch?: boolean;
}

export async function clusterStatus(flags: StatusFlags, terminal: Terminal): Promise<number> {
  const context = await createContext(flags, terminal);
  return withMesh(context, async (mesh, signal) => {
    if (flags.watch === true) return (await import("./cluster-watch.js")).watchStatus(mesh, context, signal);
    return showStatus(await mesh.status({ signal }), context);
  });
}

/** A member that does not answer is what a check looks for, so it decides the exit code. */
export function showStatus(found: MeshStatus, { printer }: Pick<CommandContext, "printer">): number {
  const status = withUnreachable(found);
  printer.result(status, () => formatStatus(status, printer));
  return status.unreachable.length === 0 ? EXIT.ok : EXIT.failed;
}
