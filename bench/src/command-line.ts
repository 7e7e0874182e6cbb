// What the command lines of this package share: exit codes, and an orderly end at the first signal.

import type { Command } from "commander";

export const USAGE = 2;
export const INTERRUPTED = 130;

/** Processes that are ended, in order or at once. */
export interface Ending {
  end(): Promise<void>;
  kill(): void;
}

/** The first signal ends the children in order, a second one at once. */
export function endOnSignals(children: Ending): void {
  let isEnding = false;
  const end = (): void => {
    if (isEnding) children.kill();
    isEnding = true;
    void children.end().then(() => process.exit(INTERRUPTED));
  };
  process.on("SIGINT", end);
  process.on("SIGTERM", end);
}

/** Runs a program of commander that was told to override its exits. */
export async function runProgram(program: Command): Promise<void> {
  try {
    await program.parseAsync();
  } catch (error) {
    // Commander has printed what it does not understand.
    const code = (error as { exitCode?: number; code?: string }).code ?? "";
    if (code.startsWith("commander.")) process.exitCode = (error as { exitCode: number }).exitCode === 0 ? 0 : USAGE;
    else {
      console.error(error);
      process.exitCode = 1;
    }
  }
}
