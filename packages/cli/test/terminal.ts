// A terminal that keeps what is written to it.

import { Readable } from "node:stream";
import type { Terminal } from "../src/terminal.js";

export interface TestTerminal extends Terminal {
  readonly out: () => string;
  readonly err: () => string;
}

export interface TestTerminalOptions {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly stdin?: string;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  /** In place of what stands on standard input. */
  readonly input?: Readable;
}

export function testTerminal(options: TestTerminalOptions = {}): TestTerminal {
  const out: string[] = [];
  const err: string[] = [];
  return {
    stdout: { write: (text) => out.push(text), isTTY: options.isTTY, columns: options.columns, rows: options.rows },
    stderr: { write: (text) => err.push(text), isTTY: options.isTTY },
    stdin: options.input ?? Readable.from([Buffer.from(options.stdin ?? "")]),
    env: options.env ?? {},
    cwd: options.cwd ?? process.cwd(),
    out: () => out.join(""),
    err: () => err.join(""),
  };
}
