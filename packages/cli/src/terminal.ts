// What a command sees of the process around it: streams, environment, folder. Handed in, so that tests run commands
// without a process of their own.

import type { Readable } from "node:stream";

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** The size of a terminal, in characters. */
  readonly columns?: number;
  readonly rows?: number;
  /** Of a terminal: `resize`. */
  on?(event: "resize", listener: () => void): unknown;
  off?(event: "resize", listener: () => void): unknown;
}

export interface Terminal {
  /** Results only: with `--json`, one object per line. */
  readonly stdout: Output;
  /** Notes, logs and errors. */
  readonly stderr: Output;
  readonly stdin: Readable;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where relative paths and the search for a configuration file begin. */
  readonly cwd: string;
}

/** The terminal of this very process. */
export function processTerminal(): Terminal {
  const { stdout, stderr, env } = process;
  return {
    stdout,
    stderr,
    env,
    cwd: process.cwd(),
    // A getter, because touching stdin opens it.
    get stdin() {
      return process.stdin;
    },
  };
}

/** Everything that stands on standard input, as text. */
export async function readStdin(terminal: Terminal): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of terminal.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}
