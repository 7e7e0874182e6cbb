// Durations as users write them: milliseconds, or a number with a unit.

import { inputText, MeshError } from "../errors.js";
import { DURATION_MS_MAX } from "../limits.js";

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The duration in milliseconds. Throws TTL_INVALID for a `name` of "ttl", OPTION_INVALID for others. Called where options come in. */
export function parseDuration(duration: unknown, name: string): number {
  const ms = typeof duration === "string" ? parseText(duration) : typeof duration === "number" ? duration : NaN;
  if (ms > 0 && ms <= DURATION_MS_MAX) return ms;
  throw new MeshError(
    name === "ttl" ? "TTL_INVALID" : "OPTION_INVALID",
    `${name} is ${inputText(duration)}; give milliseconds above 0, or a number with a unit such as "250ms", "30s", "5m", "1h" or "7d", up to 100 years`,
  );
}

function parseText(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  return match === null ? NaN : Number(match[1]) * UNITS_MS[match[2]];
}
