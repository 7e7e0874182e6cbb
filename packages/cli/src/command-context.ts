// What every command is given.

import { Printer } from "./printer.js";
import { resolveSettings, type GlobalFlags, type Settings } from "./settings.js";
import type { Terminal } from "./terminal.js";

export interface CommandContext {
  readonly terminal: Terminal;
  readonly settings: Settings;
  readonly printer: Printer;
}

export async function createContext(flags: GlobalFlags, terminal: Terminal): Promise<CommandContext> {
  return { terminal, settings: await resolveSettings(flags, terminal), printer: new Printer(terminal, flags) };
}
