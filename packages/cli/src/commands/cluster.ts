// `causalmesh cluster status`: the members of the mesh and what each knows, once or every second.

import { setTimeout as sleep } from "node:timers/promises";
import type { Mesh, MeshStatus } from "@causalmesh/core";
import { formatStatus, withUnreachable } from "../cluster-table.js";
import { createContext, type CommandContext } from "../command-context.js";
import { EXIT } from "../exit-codes.js";
import { withMesh } from "../mesh-client.js";
import { describeError } from "../printer.js";
import type { GlobalFlags } from "../settings.js";
import { fitLines, visibleWidth } from "../table.js";
import type { Terminal } from "../terminal.js";

export interface StatusFlags extends GlobalFlags {
  readonly watch?: boolean;
}

const WATCH_INTERVAL_MS = 1_000;
const CLEAR_SCREEN = "\u001B[2J";
const CURSOR_HOME = "\u001B[H";
const CLEAR_BELOW = "\u001B[J";
const CLEAR_LINE_END = "\u001B[K";

export async function clusterStatus(flags: StatusFlags, terminal: Terminal): Promise<number> {
  const context = await createContext(flags, terminal);
  return withMesh(context, async (mesh, signal) => {
    if (flags.watch === true) return watchStatus(mesh, context, signal);
    return showStatus(await mesh.status({ signal }), context);
  });
}

/** A member that does not answer is what a check looks for, so it decides the exit code. */
export function showStatus(found: MeshStatus, { printer }: Pick<CommandContext, "printer">): number {
  const status = withUnreachable(found);
  printer.result(status, () => formatStatus(status, printer));
  return status.unreachable.length === 0 ? EXIT.ok : EXIT.failed;
}

/** Ends with Ctrl-C only: a mesh that does not answer for a while is what one watches for. */
async function watchStatus(mesh: Mesh, context: CommandContext, signal: AbortSignal): Promise<never> {
  const { printer, terminal } = context;
  const screen = terminal.stdout.isTTY === true && !printer.json;
  if (screen) terminal.stdout.write(CLEAR_SCREEN);
  try {
    for (;;) {
      const next = sleep(WATCH_INTERVAL_MS, undefined, { signal });
      next.catch(() => undefined);
      await showOnce(mesh, context, signal, screen);
      await next;
    }
  } finally {
    // What the shell says next begins below the frame.
    if (screen) terminal.stdout.write("\n");
  }
}

async function showOnce(mesh: Mesh, context: CommandContext, signal: AbortSignal, screen: boolean): Promise<void> {
  const { printer, terminal } = context;
  try {
    const status = await mesh.status({ signal });
    if (screen) redraw(terminal, formatStatus(withUnreachable(status), printer));
    else showStatus(status, context);
  } catch (error) {
    signal.throwIfAborted();
    if (screen) redraw(terminal, `no answer: ${describeError(error).message}`);
    else printer.error(error);
  }
}

/** Overwrites in place: a screen that is cleared first flickers. No line break follows the last line of a full screen, as it would scroll. */
function redraw({ stdout }: Terminal, text: string): void {
  const time = new Date().toLocaleTimeString();
  const columns = known(stdout.columns);
  const rows = known(stdout.rows);
  const lines = fitLines([time, "", ...text.split("\n")], columns, rows);
  // In a line of full width the cursor still stands on the last character, which would be cleared.
  const drawn = lines.map((line) => (visibleWidth(line) < columns ? line + CLEAR_LINE_END : line));
  const rest = lines.length < rows ? `\n${CLEAR_BELOW}` : "";
  stdout.write(`${CURSOR_HOME}${drawn.join("\n")}${rest}`);
}

/** Some terminals do not know their size, and say 0. */
function known(size: number | undefined): number {
  return size === undefined || size === 0 ? Infinity : size;
}
