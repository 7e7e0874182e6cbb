// A transaction that is under way, as it stands in a token: what transaction.ts goes on from.

import { MalformedError, type ByteReader } from "../bytes/reader.js";
import type { ByteWriter } from "../bytes/writer.js";
import { KEY_BYTES_MAX, KEYS_PER_REQUEST_MAX, TOKEN_BYTES_MAX, VALUE_BYTES_MAX } from "../limits.js";
import type { Snapshot } from "../protocol/snapshot.js";
import type { Vector } from "../protocol/vector.js";
import { readSnapshot, readVector, writeSnapshot, writeVector } from "../wire/messages.js";
import type { Change } from "./call.js";
import type { WriteId } from "./context.js";

/** Which write a read was answered with, and whether that showed a value. */
export interface Seen {
  readonly replica: number;
  readonly counter: number;
  readonly hit: boolean;
}

export interface OpenTransaction {
  /** Names it for its commit: 128 random bits in base64url. */
  readonly id: string;
  /** What it had seen when its token was first given out: its commit follows that. */
  readonly begun: Vector;
  /** SV; undefined before the first read. */
  readonly snapshot: Snapshot | undefined;
  /** The hybrid timestamp of the snapshot: what has expired for it. */
  readonly time: number;
  /** Of the own writes that the token carries, those that the snapshot is read with: the session may have learnt of others since. */
  readonly own: readonly WriteId[];
  /** By key. */
  readonly seen: ReadonlyMap<string, Seen>;
  readonly changes: readonly Change[];
}

const ID_BYTES_MAX = 32;

export function writeOpenTransaction(out: ByteWriter, { id, begun, snapshot, time, own, seen, changes }: OpenTransaction): void {
  out.text(id);
  writeVector(out, begun);
  out.f64(time);
  out.u8(snapshot === undefined ? 0 : 1);
  if (snapshot !== undefined) writeSnapshot(out, snapshot);
  out.varint(own.length);
  for (const { replica, counter } of own) {
    out.varint(replica);
    out.varint(counter);
  }
  out.varint(seen.size);
  for (const [key, { replica, counter, hit }] of seen) {
    out.text(key);
    out.varint(replica);
    out.varint(counter);
    out.u8(hit ? 1 : 0);
  }
  out.varint(changes.length);
  for (const { key, value, ttlMs } of changes) {
    out.text(key);
    out.varint(ttlMs);
    out.u8(value === null ? 0 : 1);
    if (value !== null) out.blob(value);
  }
}

/** Throws MalformedError. */
export function readOpenTransaction(reader: ByteReader): OpenTransaction {
  const id = reader.text(ID_BYTES_MAX);
  const begun = readVector(reader);
  const time = reader.f64();
  const snapshot = reader.u8() === 0 ? undefined : readSnapshot(reader);
  const own = Array.from({ length: countOf(reader, TOKEN_BYTES_MAX) }, () => ({ replica: reader.varint(), counter: reader.varint() }));
  const seen = new Map<string, Seen>();
  for (let left = countOf(reader, TOKEN_BYTES_MAX); left > 0; left--) {
    const key = reader.text(KEY_BYTES_MAX);
    seen.set(key, { replica: reader.varint(), counter: reader.varint(), hit: reader.u8() !== 0 });
  }
  const changes: Change[] = [];
  for (let left = countOf(reader, KEYS_PER_REQUEST_MAX); left > 0; left--) {
    const key = reader.text(KEY_BYTES_MAX);
    const ttlMs = reader.varint();
    changes.push({ key, ttlMs, expiresAt: 0, value: reader.u8() === 0 ? null : reader.blob(VALUE_BYTES_MAX) });
  }
  return { id, begun, snapshot, time, own, seen, changes };
}

function countOf(reader: ByteReader, max: number): number {
  const count = reader.varint();
  if (count > max) throw new MalformedError(`a list of ${count}`);
  return count;
}
