// A node's log lines as `causalmesh dev` shows them to people: `[node 2] info  listening  address=127.0.0.1:7401`.

import type { Printer, Style } from "./printer.js";
import type { Output } from "./terminal.js";

const LEVEL_STYLES: Readonly<Record<string, Style>> = { warn: "yellow", error: "red", fatal: "red", debug: "dim", trace: "dim" };
/** What every line of one node repeats. */
const HIDDEN: ReadonlySet<string> = new Set(["level", "time", "msg", "replica", "address", "pid"]);

/** One line for people; what is not a log line (a crash of the runtime, a warning) stays as it is. */
export function formatLogLine(line: string, node: number, printer: Printer, output: Output): string {
  const prefix = printer.style("cyan", `[node ${node}]`, output);
  const entry = parseEntry(line);
  if (entry === undefined) return `${prefix} ${line}`;
  const level = String(entry.level ?? "info");
  const style = LEVEL_STYLES[level];
  const label = style === undefined ? level.padEnd(5) : printer.style(style, level.padEnd(5), output);
  const fields = Object.entries(entry).filter(([name]) => !HIDDEN.has(name));
  const details = fields.map(([name, value]) => `${name}=${formatField(value)}`).join(" ");
  return [prefix, label, String(entry.msg ?? ""), printer.style("dim", details, output)].join(" ").trimEnd();
}

function parseEntry(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function formatField(value: unknown): string {
  if (typeof value === "string") return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  // An error: its message says enough here; the stack stands in the JSON log.
  const message = (value as { message?: unknown } | null)?.message;
  return JSON.stringify(typeof message === "string" ? message : value);
}
