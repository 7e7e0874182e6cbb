// Values on the command line: JSON where it parses, else text.

import { MeshError } from "@causalmesh/core";

/** The value that a command-line argument means. */
export function parseValue(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return text;
  }
  if (typeof value === "number" && !keepsItsDigits(text, value)) {
    throw new MeshError("VALUE_INVALID", `${text.trim()} does not fit a JSON number exactly; --string keeps it as text`);
  }
  return value;
}

/** Account numbers and the like must not be rounded silently. Fractions are: 0.1 is what everyone expects it to be. */
function keepsItsDigits(text: string, value: number): boolean {
  return Number.isFinite(value) && (!/^-?\d+$/.test(text.trim()) || Number.isSafeInteger(value));
}
