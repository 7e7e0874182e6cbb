// How keys and values stand in Postgres. A person with psql shall be able to read them, and every byte must come back.
//
// - A key is text, compared by its bytes. Postgres text holds everything but U+0000, so that is escaped: U+0000 becomes U+0001 U+0001, and
//   U+0001 becomes U+0001 U+0002. The escapes keep the order of the keys and which is a prefix of which; all other keys are themselves.
// - A value that is UTF-8 without NUL, as JSON is, stands as text in `value`; any other as bytes in `value_bytes`, which travel in
//   base64. The other column is NULL; for a deletion both are.

import { isUtf8 } from "node:buffer";
import type { Row } from "@causalmesh/core";

export interface StoredValue {
  readonly value: string | null;
  readonly value_base64: string | null;
}

/** A row as `getMany` and `scan` select it: Postgres' 64-bit integers come as text. */
export interface StoredRow extends StoredValue {
  readonly key: string;
  readonly timestamp: string;
  readonly replica: string;
  readonly counter: string;
  readonly expires_at: string;
}

export function encodeKey(key: string): string {
  // A look for what next to no key has costs a tenth of replacing it.
  if (!key.includes("\u0000") && !key.includes("\u0001")) return key;
  return key.replace(/[\u0000\u0001]/g, (unit) => (unit === "\u0000" ? "\u0001\u0001" : "\u0001\u0002"));
}

export function decodeKey(text: string): string {
  return !text.includes("\u0001") ? text : text.replace(/\u0001[\u0001\u0002]/g, (escape) => (escape === "\u0001\u0001" ? "\u0000" : "\u0001"));
}

/** The first text behind all that start with `prefix`, in the order of UTF-8 bytes; null where there is none. */
export function afterPrefix(prefix: string): string | null {
  const points = Array.from(prefix, (character) => character.codePointAt(0)!);
  while (points.at(-1) === 0x10ffff) points.pop();
  const last = points.pop();
  if (last === undefined) return null;
  // Surrogates are no characters: U+E000 follows U+D7FF.
  return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
}

export function encodeValue(value: Uint8Array | null): StoredValue {
  if (value === null) return { value: null, value_base64: null };
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (isUtf8(bytes) && !bytes.includes(0)) return { value: bytes.toString("utf8"), value_base64: null };
  return { value: null, value_base64: bytes.toString("base64") };
}

export function decodeValue({ value, value_base64 }: StoredValue): Uint8Array | null {
  if (value !== null) return Buffer.from(value, "utf8");
  return value_base64 === null ? null : Buffer.from(value_base64, "base64");
}

export function decodeRow(row: StoredRow): Row {
  return {
    key: decodeKey(row.key),
    value: decodeValue(row),
    timestamp: Number(row.timestamp),
    replica: Number(row.replica),
    counter: Number(row.counter),
    expiresAt: Number(row.expires_at),
  };
}

/** The rows as the arrays that `apply` takes, one per column. */
export function encodeRows(rows: readonly Row[]): unknown[][] {
  const values = rows.map(({ value }) => encodeValue(value));
  return [
    rows.map(({ key }) => encodeKey(key)),
    values.map(({ value }) => value),
    values.map(({ value_base64 }) => value_base64),
    ...(["timestamp", "replica", "counter", "expiresAt"] as const).map((field) => rows.map((row) => row[field])),
  ];
}
