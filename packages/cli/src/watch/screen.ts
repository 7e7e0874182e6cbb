// The whole window of a terminal, for as long as a command shows something live: its own buffer, so that what stood there before comes back; keys, as they are
// pressed; the size, as it changes. A frame is one write that overwrites the one before, without clearing it first, and so does not flicker.

import type { ReadStream } from "node:tty";
import { fitLines, visibleWidth } from "../table.js";
import type { Output, Terminal } from "../terminal.js";

const ENTER = "\u001B[?1049h\u001B[?25l";
const LEAVE = "\u001B[?25h\u001B[?1049l";
/** Terminals that know these draw what is between them at once; the others ignore them. */
const BEGIN_FRAME = "\u001B[?2026h";
const END_FRAME = "\u001B[?2026l";
const HOME = "\u001B[H";
const CLEAR_LINE_END = "\u001B[K";
const CLEAR_BELOW = "\u001B[J";
const CTRL_C = "\u0003";

export interface ScreenEvents {
  /** A key, as text; Ctrl-C is `interrupted` instead. */
  key(text: string): void;
  interrupted(): void;
  resized(): void;
}

/** Whether there is a window to draw in. */
export function canDraw({ stdout, env }: Terminal): boolean {
  return stdout.isTTY === true && env.TERM !== "dumb";
}

export class Screen {
  readonly #output: Output;
  readonly #input: ReadStream | undefined;
  readonly #onKey: (bytes: Buffer) => void;
  readonly #onResize: () => void;

  constructor({ stdout, stdin }: Terminal, events: ScreenEvents) {
    this.#output = stdout;
    const input = stdin as ReadStream;
    this.#input = input.isTTY && typeof input.setRawMode === "function" ? input : undefined;
    this.#onKey = (bytes) => {
      for (const key of bytes.toString("utf8"))
        if (key === CTRL_C) events.interrupted();
        else events.key(key);
    };
    this.#onResize = () => events.resized();
    stdout.on?.("resize", this.#onResize);
    // Key by key: otherwise a line is awaited, and what is typed is shown.
    this.#input?.setRawMode(true);
    this.#input?.on("data", this.#onKey);
    stdout.write(ENTER);
  }

  get columns(): number {
    return known(this.#output.columns) ?? 80;
  }

  get rows(): number {
    return known(this.#output.rows) ?? 24;
  }

  draw(lines: readonly string[]): void {
    const { columns, rows } = this;
    const shown = fitLines(lines, columns, rows);
    // In a line of full width the cursor still stands on the last character, which would be cleared.
    const drawn = shown.map((line) => (visibleWidth(line) < columns ? line + CLEAR_LINE_END : line));
    // No line break follows the last line of a full window, as it would scroll.
    const rest = shown.length < rows ? `\r\n${CLEAR_BELOW}` : "";
    this.#output.write(`${BEGIN_FRAME}${HOME}${drawn.join("\r\n")}${rest}${END_FRAME}`);
  }

  /** Gives the window back as it was. */
  close(): void {
    this.#output.off?.("resize", this.#onResize);
    this.#input?.off("data", this.#onKey);
    this.#input?.setRawMode(false);
    this.#input?.pause();
    this.#output.write(LEAVE);
  }
}

/** Some terminals do not know their size, and say 0. */
function known(size: number | undefined): number | undefined {
  return size === undefined || size === 0 ? undefined : size;
}
