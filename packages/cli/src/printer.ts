// What a command prints. Results go to standard output: text for people, or with --json one object per line. Notes and
// errors go to standard error, so that a pipe carries results alone; an error is JSON there too with --json.

import type { Output, Terminal } from "./terminal.js";

export interface PrinterOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  /** False forbids colour; otherwise it depends on the terminal. */
  readonly color?: boolean;
}

const ANSI = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Style = keyof typeof ANSI;

export class Printer {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly #verbose: boolean;
  readonly #terminal: Terminal;
  readonly #color: boolean | undefined;

  constructor(terminal: Terminal, options: PrinterOptions) {
    this.#terminal = terminal;
    this.json = options.json === true;
    this.quiet = options.quiet === true;
    this.#verbose = options.verbose === true;
    this.#color = options.color;
  }

  /** The result: one JSON line, or what `text` returns. */
  result(object: unknown, text: () => string): void {
    this.#terminal.stdout.write(`${this.json ? JSON.stringify(object) : text()}\n`);
  }

  /** Something that people want to know beside the result. Not with --quiet, and not with --json. */
  note(text: string): void {
    if (!this.quiet && !this.json) this.#terminal.stderr.write(`${text}\n`);
  }

  error(error: unknown): void {
    const { code, message, retryable, stack } = describeError(error);
    if (this.json) {
      this.#terminal.stderr.write(`${JSON.stringify({ error: { code, message, retryable } })}\n`);
      return;
    }
    const label = this.style("red", "error:", this.#terminal.stderr);
    const suffix = code === "INTERNAL" ? "" : ` ${this.style("dim", `[${code}]`, this.#terminal.stderr)}`;
    this.#terminal.stderr.write(`${label} ${message}${suffix}\n`);
    if (this.#verbose && stack !== undefined) this.#terminal.stderr.write(`${stack}\n`);
  }

  style(style: Style, text: string, output: Output = this.#terminal.stdout): string {
    return this.#colored(output) ? `\u001B[${ANSI[style]}m${text}\u001B[0m` : text;
  }

  /** NO_COLOR as in no-color.org: any value that is not empty forbids colour. */
  #colored(output: Output): boolean {
    const { env } = this.#terminal;
    if (this.#color === false || this.json || (env.NO_COLOR ?? "") !== "") return false;
    return output.isTTY === true && env.TERM !== "dumb";
  }
}

interface ErrorDescription {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly stack: string | undefined;
}

/** Reads the fields rather than the class, so that printing an error loads nothing. */
export function describeError(error: unknown): ErrorDescription {
  if (!(error instanceof Error)) return { code: "INTERNAL", message: String(error), retryable: false, stack: undefined };
  const { code, retryable } = error as { code?: unknown; retryable?: unknown };
  return {
    code: error.name === "MeshError" && typeof code === "string" ? code : "INTERNAL",
    // The core names its own option; on the command line that is a flag.
    message: error.message.replace(/\btimeoutMs\b/g, "--timeout"),
    retryable: retryable === true,
    stack: stackWithCauses(error),
  };
}

function stackWithCauses(error: Error): string {
  const stack = error.stack ?? String(error);
  return error.cause instanceof Error ? `${stack}\ncaused by: ${stackWithCauses(error.cause)}` : stack;
}
