#!/usr/bin/env node
// The program `causalmesh`. What it does is in run.ts; this file connects it with the process.

import { run } from "./run.js";
import { processTerminal } from "./terminal.js";

// A reader that goes away (`causalmesh … | head -1`) is the normal end of a pipe, not an error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

// The exit code is set rather than the process ended, so that everything written reaches a slow pipe.
process.exitCode = await run(process.argv.slice(2), processTerminal());
