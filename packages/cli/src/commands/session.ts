// `causalmesh session decode`: what stands in a token. Asks no node.

import { inspectToken } from "@causalmesh/core";
import { createContext } from "../command-context.js";
import { EXIT } from "../exit-codes.js";
import type { GlobalFlags } from "../settings.js";
import { readStdin, type Terminal } from "../terminal.js";

export async function sessionDecode(token: string, flags: GlobalFlags, terminal: Terminal): Promise<number> {
  const { printer, settings } = await createContext(flags, terminal);
  const text = token === "-" ? (await readStdin(terminal)).trim() : token;
  const { secret } = settings;
  const inspection = inspectToken(text, typeof secret === "function" ? secret() : secret);
  printer.result(inspection, () => JSON.stringify(inspection, undefined, 2));
  const { signature } = inspection;
  return signature === "invalid" || signature === "unknown key" ? EXIT.failed : EXIT.ok;
}
