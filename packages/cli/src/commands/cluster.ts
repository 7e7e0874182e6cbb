// `causalmesh cluster status`: the members of the mesh and what each knows, once or every second.

import { setTimeout as sleep } from "node:timers/promises";
import type { Mesh } from "@causalmesh/core";
import { formatStatus } from "../cluster-table.js";
import { createContext, type CommandContext } from "../command-context.js";
import { EXIT } from "../exit-codes.js";
import { withMesh } from "../mesh-client.js";
import type { GlobalFlags } from "../settings.js";
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
    const status = await mesh.status({ signal });
    context.printer.result(status, () => formatStatus(status, context.printer));
    return EXIT.ok;
  });
}

/** Ends with Ctrl-C only: a mesh that does not answer for a while is what one watches for. */
async function watchStatus(mesh: Mesh, context: CommandContext, signal: AbortSignal): Promise<never> {
  const { printer, terminal } = context;
  const screen = terminal.stdout.isTTY === true && !printer.json;
  if (screen) terminal.stdout.write(CLEAR_SCREEN);
  for (;;) {
    const next = sleep(WATCH_INTERVAL_MS, undefined, { signal });
    next.catch(() => undefined);
    await showOnce(mesh, context, signal, screen);
    await next;
  }
}

async function showOnce(mesh: Mesh, { printer, terminal }: CommandContext, signal: AbortSignal, screen: boolean): Promise<void> {
  try {
    const status = await mesh.status({ signal });
    const text = (): string => formatStatus(status, printer);
    if (screen) redraw(terminal, text());
    else printer.result(status, text);
  } catch (error) {
    signal.throwIfAborted();
    if (screen) redraw(terminal, `no answer: ${(error as Error).message}`);
    else printer.error(error);
  }
}

/** Overwrites in place: a screen that is cleared first flickers. */
function redraw(terminal: Terminal, text: string): void {
  const time = new Date().toLocaleTimeString();
  const lines = [time, "", ...text.split("\n")].map((line) => line + CLEAR_LINE_END);
  terminal.stdout.write(`${CURSOR_HOME}${lines.join("\n")}\n${CLEAR_BELOW}`);
}
