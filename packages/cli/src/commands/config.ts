// `causalmesh config show` and `config validate`: what the settings are and where each comes from, and whether they hold.

import { createContext } from "../command-context.js";
import { EXIT } from "../exit-codes.js";
import { settingOrigins, type SettingOrigin } from "../setting-origins.js";
import { namedStore, type GlobalFlags } from "../settings.js";
import { formatTable } from "../table.js";
import type { Terminal } from "../terminal.js";
import { resolveOptions as devOptions } from "./dev.js";
import { resolveOptions as nodeOptions } from "./node.js";

export interface ShowFlags extends GlobalFlags {
  readonly origin?: boolean;
}

export async function configShow(flags: ShowFlags, terminal: Terminal): Promise<number> {
  const { settings, printer } = await createContext(flags, terminal);
  const origins = settingOrigins(flags, settings, terminal);
  if (printer.json) {
    for (const { name, value, origin } of origins) printer.result({ name, value: value ?? null, ...(flags.origin === true ? { origin } : {}) }, () => "");
    return EXIT.ok;
  }
  const row = ({ name, value, origin }: SettingOrigin): string[] => [name, text(value), ...(flags.origin === true ? [printer.style("dim", origin)] : [])];
  printer.result(origins, () => formatTable(origins.map(row), flags.origin === true ? ["left", "left", "left"] : ["left", "left"]));
  return EXIT.ok;
}

/** Everything is resolved as the commands would: what is wrong throws, with its place and what to do. */
export async function configValidate(flags: GlobalFlags, terminal: Terminal): Promise<number> {
  const context = await createContext(flags, terminal);
  const { settings, printer } = context;
  devOptions({}, context);
  // Which store a node works on may well be said where it runs.
  if (namedStore(undefined, settings, terminal) !== undefined) nodeOptions({}, context);
  const file = settings.config.path ?? null;
  printer.result({ ok: true, file }, () =>
    file === null ? "The environment is right; there is no configuration file here or above." : `${file} and the environment are right.`,
  );
  return EXIT.ok;
}

function text(value: unknown): string {
  if (value === undefined) return "-";
  return typeof value === "string" ? value : Array.isArray(value) ? value.join(", ") : JSON.stringify(value);
}
