// How keys and values stand in Postgres. A person with psql shall be able to read them, and every byte must come back.
//
// - A key is text, compared by its bytes. Postgres text holds everything but U+0000, so that is escaped: U+0000 becomes U+0001 U+0001, and
//   U+0001 becomes U+0001 U+0002. The escapes keep the order of the keys and which is a prefix of which; all other keys are themselves.
// - A value that is UTF-8 without NUL, as JSON is, stands as text in `value`; any other as bytes in `value_bytes`, which travel in
//   base64. The other column is NULL; for a deletion both are.

import { isUtf8 } from "node:buffer";
import { limits, type Row } from "@causalmesh/core";

/** A value as it travels. */
export type StoredValue = [text: string | null, base64: string | null];

/** A row as it is selected: Postgres' 64-bit integers come as text. */
export type StoredRow = [key: string, ...StoredValue, timestamp: string, replica: string, counter: string, expiresAt: string];

export function encodeKey(key: string): string {
  // A look for what next to no key has costs a tenth of replacing it.
  if (!key.includes("\u0000") && !key.includes("\u0001")) return key;
  return key.replace(/[\u0000\u0001]/g, (unit) => (unit === "\u0000" ? "\u0001\u0001" : "\u0001\u0002"));
}

const decodeKey = (text: string): string =>
  !text.includes("\u0001") ? text : text.replace(/\u0001[\u0001\u0002]/g, (escape) => (escape === "\u0001\u0001" ? "\u0000" : "\u0001"));

/** Behind a prefix, a text behind all keys that start with it: the last code point, more often than a key has room for it. */
export const BEHIND_PREFIX = "\u{10ffff}".repeat(limits.KEY_BYTES_MAX / 4 + 1);

export function encodeValue(value: Uint8Array | null): StoredValue {
  if (value === null) return [null, null];
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return isUtf8(bytes) && !bytes.includes(0) ? [bytes.toString("utf8"), null] : [null, bytes.toString("base64")];
}

export function decodeValue([text, base64]: StoredValue): Uint8Array | null {
  if (text !== null) return Buffer.from(text, "utf8");
  return base64 === null ? null : Buffer.from(base64, "base64");
}

export function decodeRow([key, text, base64, timestamp, replica, counter, expiresAt]: StoredRow): Row {
  const value = decodeValue([text, base64]);
  return { key: decodeKey(key), value, timestamp: Number(timestamp), replica: Number(replica), counter: Number(counter), expiresAt: Number(expiresAt) };
}

/** The rows as the arrays that `apply` takes, one per column. */
export function encodeRows(rows: readonly Row[]): unknown[][] {
  const values = rows.map(({ value }) => encodeValue(value));
  const numbers = (["timestamp", "replica", "counter", "expiresAt"] as const).map((field) => rows.map((row) => row[field]));
  return [rows.map(({ key }) => encodeKey(key)), values.map(([text]) => text), values.map(([, base64]) => base64), ...numbers];
}
