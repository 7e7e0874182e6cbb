// `causalmesh kv`: one operation in a session that may have begun elsewhere, and the token with which it goes on.

import { MeshError, type Durability, type Session } from "@causalmesh/core";
import { printableValue } from "@causalmesh/transport-http";
import { createContext, type CommandContext } from "../command-context.js";
import { EXIT } from "../exit-codes.js";
import { fittingToken, type FittingTokenOptions } from "../fitting-token.js";
import { resolveTokens, withMesh } from "../mesh-client.js";
import { parseTtl } from "../numbers.js";
import type { GlobalFlags } from "../settings.js";
import { readStdin, type Terminal } from "../terminal.js";
import { parseValue } from "../value.js";

interface SessionFlags extends GlobalFlags {
  readonly session?: readonly string[];
}

interface GetFlags extends SessionFlags {
  readonly exitCode?: boolean;
}

interface WriteFlags extends SessionFlags {
  readonly string?: boolean;
  readonly raw?: boolean;
  readonly ttl?: string;
  readonly durability?: string;
}

const DURABILITIES: readonly string[] = ["memory", "replicated", "everywhere", "stored"] satisfies Durability[];

export async function kvGet(key: string, flags: GetFlags, terminal: Terminal): Promise<number> {
  const context = await createContext(flags, terminal);
  const { printer } = context;
  return inSession(context, flags, async (session, limits) => {
    const { hit, value } = await session.getEntry(key, { signal: limits.signal });
    const token = await fittingToken(session, key, limits);
    if (hit || printer.json) {
      const printable = printableValue(value);
      const text = (): string => (typeof printable === "string" ? printable : JSON.stringify(printable));
      printer.result(hit ? { key, hit, value: printable, session: token } : { key, hit, session: token }, text);
    } else {
      printer.note("(absent)");
    }
    printer.note(`session ${token}`);
    return !hit && flags.exitCode === true ? EXIT.failed : EXIT.ok;
  });
}

export async function kvSet(key: string, text: string, flags: WriteFlags, terminal: Terminal): Promise<number> {
  const context = await createContext(flags, terminal);
  const value = await readValue(text, flags, terminal);
  const ttl = flags.ttl === undefined ? undefined : parseTtl(flags.ttl, "--ttl");
  const durability = checkDurability(flags.durability);
  return inSession(context, flags, async (session, limits) => {
    await session.set(key, value, { ttl, durability, signal: limits.signal });
    return acknowledge(context, session, key, limits);
  });
}

export async function kvDelete(key: string, flags: WriteFlags, terminal: Terminal): Promise<number> {
  const context = await createContext(flags, terminal);
  const durability = checkDurability(flags.durability);
  return inSession(context, flags, async (session, limits) => {
    await session.delete(key, { durability, signal: limits.signal });
    return acknowledge(context, session, key, limits);
  });
}

async function inSession(
  context: CommandContext,
  flags: SessionFlags,
  use: (session: Session, limits: FittingTokenOptions) => Promise<number>,
): Promise<number> {
  const tokens = await resolveTokens(flags.session, context.terminal);
  // The session begins at a node that was named: the client knows all members by now, and would choose any of them.
  const [node] = context.settings.nodes;
  return withMesh(context, (mesh, signal) => {
    const deadline = performance.now() + context.settings.timeoutMs;
    return use(mesh.session(tokens, { node }), { deadline, signal });
  });
}

/** Text is the token alone, so that `TOKEN=$(causalmesh kv set …)` works. */
async function acknowledge({ printer }: CommandContext, session: Session, key: string, limits: FittingTokenOptions): Promise<number> {
  const token = await fittingToken(session, key, limits);
  printer.result({ ok: true, session: token }, () => token);
  return EXIT.ok;
}

async function readValue(text: string, flags: WriteFlags, terminal: Terminal): Promise<unknown> {
  const exact = flags.string === true || flags.raw === true;
  if (text !== "-") return exact ? text : parseValue(text);
  const input = await readStdin(terminal);
  // `echo` ends its text with a newline that nobody means; --string keeps every byte.
  return exact ? input : parseValue(input.replace(/\r?\n$/, ""));
}

function checkDurability(level: string | undefined): Durability | undefined {
  if (level === undefined || DURABILITIES.includes(level)) return level as Durability | undefined;
  throw new MeshError("OPTION_INVALID", `--durability ${JSON.stringify(level)} is not a level; there are ${DURABILITIES.join(", ")}`);
}
