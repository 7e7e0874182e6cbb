// Values on the command line: JSON where it parses, else text; and values from the mesh as JSON that people can read.

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

/** A value as plain JSON: dates as text, maps and sets as arrays, big integers as digits, bytes in base64. */
export function printableValue(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (value instanceof Map) return [...value].map((entry) => entry.map(printableValue));
  if (value instanceof Set || Array.isArray(value)) return Array.from(value, printableValue);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, printableValue(member)]));
}
