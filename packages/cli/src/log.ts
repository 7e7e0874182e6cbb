// The log of a node process: JSON lines on standard error, one object each.

import { pino, type Logger } from "pino";
import type { LogLevel } from "./settings.js";

export type { Logger };

/** `base` stands in every line. Written at once, so that the last line before an end is there. */
export function createLog(level: LogLevel, base: Readonly<Record<string, unknown>>): Logger {
  return pino(
    { level, base, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } },
    pino.destination({ fd: 2, sync: true }),
  );
}
