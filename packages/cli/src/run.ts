// Runs one command line: parses it, runs the command, turns what went wrong into a message and an exit code.

import { CommanderError } from "commander";
import { EXIT, exitCodeOf } from "./exit-codes.js";
import { Printer } from "./printer.js";
import { createProgram, type Invocation } from "./program.js";
import type { Terminal } from "./terminal.js";

/** Returns the exit code; ends no process. `argv` begins after the program's name. */
export async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const invocation: Invocation = { terminal, exitCode: EXIT.ok };
  const program = createProgram(invocation);
  try {
    if (argv.length === 0) {
      program.outputHelp();
      return EXIT.ok;
    }
    await program.parseAsync([...argv], { from: "user" });
    return invocation.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return usageExit(error, argv, terminal);
    const exitCode = exitCodeOf(error);
    // Whoever pressed Ctrl-C knows why it ended.
    if (exitCode !== EXIT.interrupted) printerFor(argv, terminal).error(error);
    return exitCode;
  }
}

/** Help and version end here too, with exit code 0 and their text already printed. */
function usageExit(error: CommanderError, argv: readonly string[], terminal: Terminal): number {
  if (error.exitCode === 0) return EXIT.ok;
  // A noun without its verb: commander has printed the noun's help to standard error.
  if (error.code === "commander.help") return EXIT.usage;
  const message = error.message.replace(/^error: /, "").replace(/\n/g, " ");
  printerFor(argv, terminal).error(usageError(message));
  return EXIT.usage;
}

/** Shaped like a MeshError, so that one of the core's classes need not be loaded to say that a flag is unknown. */
function usageError(message: string): Error {
  return Object.assign(new Error(`${message}; --help shows what there is`), { name: "MeshError", code: "OPTION_INVALID", retryable: false });
}

/** The flags are read from the raw arguments: the error may be that they could not be parsed. */
function printerFor(argv: readonly string[], terminal: Terminal): Printer {
  const end = argv.indexOf("--");
  const flags = new Set(end < 0 ? argv : argv.slice(0, end));
  return new Printer(terminal, {
    json: flags.has("--json"),
    verbose: flags.has("-v") || flags.has("--verbose"),
    color: !flags.has("--no-color"),
  });
}
