// Rows on the wire between the store's process and those who use it.

import type { Row } from "@causalmesh/core";
import type { ByteReader, ByteWriter } from "@causalmesh/core/testing";
import { readList, TEXT_BYTES_MAX } from "../wire/rpc.js";

export const GET_ROWS = 16;
export const APPLY_ROWS = 17;
export const READ_REGISTRY = 18;
export const SWAP_REGISTRY = 19;

function writeRow(out: ByteWriter, { key, value, timestamp, replica, counter, expiresAt }: Row): void {
  out.text(key);
  out.u8(value === null ? 0 : 1);
  if (value !== null) out.blob(value);
  out.varint(timestamp);
  out.varint(replica);
  out.varint(counter);
  out.varint(expiresAt);
}

function readRow(payload: ByteReader): Row {
  const key = payload.text(TEXT_BYTES_MAX);
  const value = payload.u8() === 0 ? null : payload.blob(TEXT_BYTES_MAX);
  return { key, value, timestamp: payload.varint(), replica: payload.varint(), counter: payload.varint(), expiresAt: payload.varint() };
}

export function writeRows(out: ByteWriter, rows: readonly Row[]): void {
  out.varint(rows.length);
  for (const row of rows) writeRow(out, row);
}

export function readRows(payload: ByteReader): Row[] {
  return readList(payload, readRow);
}

export function writeFound(out: ByteWriter, rows: readonly (Row | undefined)[]): void {
  out.varint(rows.length);
  for (const row of rows) {
    out.u8(row === undefined ? 0 : 1);
    if (row !== undefined) writeRow(out, row);
  }
}

export function readFound(payload: ByteReader): (Row | undefined)[] {
  return readList(payload, (reader) => (reader.u8() === 0 ? undefined : readRow(reader)));
}

export function writeCounters(out: ByteWriter, counters: readonly (readonly [number, number])[]): void {
  out.varint(counters.length);
  for (const [replica, counter] of counters) {
    out.varint(replica);
    out.varint(counter);
  }
}

export function readCounters(payload: ByteReader): [number, number][] {
  return readList(payload, (reader) => [reader.varint(), reader.varint()]);
}
