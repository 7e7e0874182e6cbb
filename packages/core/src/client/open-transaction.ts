// A transaction that is under way, as it stands in a token: what transaction.ts goes on from.

import { decodeBase64url, encodeBase64url } from "../bytes/base64url.js";
import { MalformedError, type ByteReader } from "../bytes/reader.js";
import type { ByteWriter } from "../bytes/writer.js";
import type { Entropy } from "../clock.js";
import { KEY_BYTES_MAX, KEYS_PER_REQUEST_MAX, TOKEN_BYTES_MAX, VALUE_BYTES_MAX } from "../limits.js";
import { Snapshot } from "../protocol/snapshot.js";
import { covers, type Vector } from "../protocol/vector.js";
import { readNumbers, readSnapshot, readVector, writeNumbers, writeSnapshot, writeVector } from "../wire/messages.js";
import type { Change } from "./call.js";
import type { SessionContext, WriteId } from "./context.js";

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

const ID_BYTES = 16;

// Mostly the session has seen what its transaction reads, and nothing else: what is the same is not said again.
const HAS_SNAPSHOT = 1;
const READS_WHAT_IT_HAS_SEEN = 2;
const BEGAN_THERE = 4;
const AT_ITS_TIME = 8;

/** What of the session stands before the transaction in a token. */
export type TokenSession = Pick<SessionContext, "visible" | "time">;

export function newTransactionId(entropy: Entropy): string {
  return encodeBase64url(entropy(ID_BYTES));
}

export function writeOpenTransaction(out: ByteWriter, session: TokenSession, { id, begun, snapshot, time, own, seen, changes }: OpenTransaction): void {
  const readsSeen = snapshot !== undefined && isSame(snapshot.vector, session.visible);
  const beganThere = isSame(begun, session.visible);
  const atItsTime = time === session.time;
  out.raw(decodeBase64url(id)!, 0, ID_BYTES);
  out.u8(
    (snapshot === undefined ? 0 : HAS_SNAPSHOT) | (readsSeen ? READS_WHAT_IT_HAS_SEEN : 0) | (beganThere ? BEGAN_THERE : 0) | (atItsTime ? AT_ITS_TIME : 0),
  );
  if (!beganThere) writeVector(out, begun);
  if (!atItsTime) out.f64(time);
  if (readsSeen) writeUnnamed(out, snapshot);
  else if (snapshot !== undefined) writeSnapshot(out, snapshot);
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

function isSame(a: Vector, b: Vector): boolean {
  return a === b || (covers(a, b) && covers(b, a));
}

/** What a snapshot says beyond its vector. */
function writeUnnamed(out: ByteWriter, { replicas, counters, nextReplica }: Snapshot): void {
  out.varint(nextReplica);
  writeNumbers(
    out,
    replicas.filter((_, index) => counters[index] === 0),
  );
}

function readUnnamed(reader: ByteReader, vector: Vector): Snapshot {
  const nextReplica = reader.varint();
  return Snapshot.of(vector, readNumbers(reader), nextReplica);
}

/** Throws MalformedError. */
export function readOpenTransaction(reader: ByteReader, { visible, time: sessionTime }: TokenSession): OpenTransaction {
  const idAt = reader.take(ID_BYTES);
  const id = encodeBase64url(reader.bytes.subarray(idAt, idAt + ID_BYTES));
  const flags = reader.u8();
  const begun = (flags & BEGAN_THERE) !== 0 ? visible : readVector(reader);
  const time = (flags & AT_ITS_TIME) !== 0 ? sessionTime : reader.f64();
  const snapshot = (flags & HAS_SNAPSHOT) === 0 ? undefined : (flags & READS_WHAT_IT_HAS_SEEN) === 0 ? readSnapshot(reader) : readUnnamed(reader, visible);
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
