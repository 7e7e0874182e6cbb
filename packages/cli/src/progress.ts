// What a command says while it waits: one line that is overwritten on a terminal, each new line elsewhere. On standard error, since results alone go to
// standard output; with --quiet and --json it says nothing.

import type { Printer } from "./printer.js";
import type { Terminal } from "./terminal.js";

const CLEAR_LINE = "\r\u001B[K";

export class Progress {
  readonly #terminal: Terminal;
  readonly #printer: Printer;
  #shown = "";

  constructor(terminal: Terminal, printer: Printer) {
    this.#terminal = terminal;
    this.#printer = printer;
  }

  show(text: string): void {
    if (text === this.#shown) return;
    this.#shown = text;
    if (!this.#isLive) this.#printer.note(text);
    else this.#terminal.stderr.write(`${CLEAR_LINE}${cut(text, this.#terminal.stderr.columns)}`);
  }

  /** Takes the line away again. */
  end(): void {
    if (this.#isLive && this.#shown !== "") this.#terminal.stderr.write(CLEAR_LINE);
  }

  get #isLive(): boolean {
    return this.#terminal.stderr.isTTY === true && !this.#printer.quiet && !this.#printer.json;
  }
}

/** A line that wraps could not be overwritten. */
function cut(text: string, columns: number | undefined): string {
  const room = columns === undefined || columns === 0 ? Infinity : columns - 1;
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
}
