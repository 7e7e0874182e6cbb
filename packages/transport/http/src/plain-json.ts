// Values as plain JSON, for people and for languages that know nothing of our tags. What JSON lacks is shown as text; the tagged form
// (core's jsonCodec) is for those who want it back.

/** A value as plain JSON: dates as text, maps and sets as arrays, big integers as digits, bytes in base64. */
export function printableValue(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (value instanceof Uint8Array) return toBase64(value);
  if (value instanceof Map) return [...value].map((entry) => entry.map(printableValue));
  if (value instanceof Set || Array.isArray(value)) return Array.from(value, printableValue);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, printableValue(member)]));
}

/** Characters of one call of `fromCharCode`: all arguments have to fit on the stack. */
const CHUNK_BYTES = 8 * 1024;

export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) text += String.fromCharCode(...bytes.subarray(at, at + CHUNK_BYTES));
  return btoa(text);
}

/** The bytes, or undefined for what is no base64. */
export function fromBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
