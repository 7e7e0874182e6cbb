// Numbers as users write them on the command line.

import { MeshError, parseDuration } from "@causalmesh/core";

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Longer timers than this fire at once in Node.js. */
const TIME_MS_MAX = 2 ** 31 - 1;

/** Milliseconds: `500`, `500ms`, `5s`, `1m`, `1h`. */
export function parseTime(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text.trim());
  const ms = match === null ? NaN : Math.round(Number(match[1]) * UNIT_MS[match[2] ?? "ms"]);
  if (ms >= 1 && ms <= TIME_MS_MAX) return ms;
  throw new MeshError(
    "OPTION_INVALID",
    `${option} ${JSON.stringify(text)} is not a time from 1 ms to 24 days; write milliseconds or a unit, such as 500ms or 5s`,
  );
}

/** A time to live: as above, and as long as the core takes, because no timer waits for it. */
export function parseTtl(text: string, option: string): number {
  const trimmed = text.trim();
  try {
    return parseDuration(/^\d+(?:\.\d+)?$/.test(trimmed) ? Number(trimmed) : trimmed, "ttl");
  } catch (cause) {
    const message = `${option} ${JSON.stringify(text)} is not a time to live; write milliseconds above 0 or a unit, such as 30s, 5m or 30d, up to 100 years`;
    throw new MeshError("TTL_INVALID", message, { cause });
  }
}

export function parseWhole(text: string, option: string, min: number, max: number): number {
  const value = /^\d+$/.test(text.trim()) ? Number(text) : NaN;
  return checkWhole(value, option, min, max, text);
}

/** Checks a number that is one already, as in a configuration file. */
export function checkWhole(value: number, option: string, min: number, max: number, shown: unknown = value): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new MeshError("OPTION_INVALID", `${option} must be a whole number from ${min} to ${max}, not ${String(shown)}`);
}
