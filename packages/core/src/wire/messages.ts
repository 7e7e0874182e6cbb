// The payloads that are more than a key or a value: contexts, headers, errors, acknowledgements. Encoders append to a writer;
// decoders read what came from outside and throw MalformedError.

import type { ByteReader } from "../bytes/reader.js";
import { MalformedError } from "../bytes/reader.js";
import type { ByteWriter } from "../bytes/writer.js";
import type { Gone } from "../cache/versions.js";
import { MeshError, type MeshErrorCode } from "../errors.js";
import { MEMBERS_MAX, SHARES_MAX, VECTOR_ENTRIES_MAX } from "../limits.js";
import type { Ring } from "../protocol/ring.js";
import { Snapshot } from "../protocol/snapshot.js";
import type { Vector } from "../protocol/vector.js";
import type { Member } from "../protocol/view.js";
import type { Durability } from "../mesh.js";
import type { FlushedCounters } from "../store.js";

const MESSAGE_BYTES_MAX = 4096;
export const ADDRESS_BYTES_MAX = 255;

export const DURABILITIES: readonly Durability[] = ["memory", "replicated", "everywhere", "stored"];

export function writeVector(out: ByteWriter, vector: Vector): void {
  out.varint(vector.replicas.length);
  for (let index = 0; index < vector.replicas.length; index++) {
    out.varint(vector.replicas[index]);
    out.varint(vector.counters[index]);
  }
}

export function readVector(reader: ByteReader): Vector {
  const count = reader.varint();
  if (count > VECTOR_ENTRIES_MAX) throw new MalformedError(`a vector of ${count} entries`);
  const replicas: number[] = [];
  const counters: number[] = [];
  let before = 0;
  for (let index = 0; index < count; index++) {
    const replica = reader.varint();
    const counter = reader.varint();
    if (replica <= before || replica > 0xff_ff_ff_ff || counter < 1) throw new MalformedError("a vector's entries are out of order");
    replicas.push(replica);
    counters.push(counter);
    before = replica;
  }
  return { replicas, counters };
}

/** Says which write was read. */
export function putVersion(out: ByteWriter, replica: number, counter: number, timestamp: number, expiresAt: number): void {
  out.u32(replica);
  out.f64(counter);
  out.f64(timestamp);
  out.f64(expiresAt);
}

/** Why a version of a snapshot is not there, by the byte that says so. */
export const GONE: readonly Gone[] = ["retention", "memory", "evicted"];

export function readGone(reader: ByteReader): Gone {
  const gone = GONE[reader.u8()];
  if (gone === undefined) throw new MalformedError("an unknown reason why a version is gone");
  return gone;
}

export function writeSnapshot(out: ByteWriter, { replicas, counters, nextReplica }: Snapshot): void {
  out.varint(nextReplica);
  out.varint(replicas.length);
  for (let index = 0; index < replicas.length; index++) {
    out.varint(replicas[index]);
    out.varint(counters[index]);
  }
}

export function readSnapshot(reader: ByteReader): Snapshot {
  const nextReplica = reader.varint();
  const count = reader.varint();
  if (count > VECTOR_ENTRIES_MAX) throw new MalformedError(`a snapshot of ${count} entries`);
  const replicas: number[] = [];
  const counters: number[] = [];
  for (let index = 0; index < count; index++) {
    const replica = reader.varint();
    if (replica <= (replicas.at(-1) ?? 0) || replica >= nextReplica) throw new MalformedError("a snapshot's entries are out of order");
    replicas.push(replica);
    counters.push(reader.varint());
  }
  return new Snapshot(replicas, counters, nextReplica);
}

/** The counters that differ from what the other end was told, in the form of a vector; `told` is brought up to date. */
export function writeChanges(out: ByteWriter, ring: Ring, counters: readonly number[], told: number[]): void {
  let changed = 0;
  for (let index = 0; index < counters.length; index++) if (counters[index] !== told[index]) changed += 1;
  out.varint(changed);
  if (changed === 0) return;
  for (const index of ring.ascending) {
    if (counters[index] === told[index]) continue;
    out.varint(ring.replicas[index]);
    out.varint(counters[index]);
    told[index] = counters[index];
  }
}

/** Reads what a neighbour in the ring wrote into `counters`; what has no slot here any more is left out. */
export function readChanges(reader: ByteReader, ring: Ring, counters: number[]): void {
  const changed = reader.varint();
  if (changed > VECTOR_ENTRIES_MAX) throw new MalformedError(`${changed} changes of a vector`);
  for (let entry = 0; entry < changed; entry++) {
    const replica = reader.varint();
    const counter = reader.varint();
    const index = ring.indexOf(replica);
    if (index >= 0) counters[index] = counter;
    else if (!ring.hasMet(replica)) throw new MalformedError(`a counter of replica ${replica}, which is not in the view`);
  }
}

/**
 * A response header: what all answers after it are at. `time` f64; the changes of `applied`; then the entries in which `issued` is beyond
 * `applied`: a session that wrote here has to follow them. ⚑ What others have made may follow writes of this node that are later than the session's, so
 * the node's own entry comes with them; by itself it says nothing, since the session knows its own writes.
 */
export function writeHeader(out: ByteWriter, time: number, ring: Ring, applied: readonly number[], told: number[], issued: readonly number[]): void {
  out.f64(time);
  writeChanges(out, ring, applied, told);
  let beyond = 0;
  for (let index = 0; index < issued.length; index++) if (issued[index] > applied[index]) beyond += 1;
  if (beyond === 1 && issued[ring.self] > applied[ring.self]) beyond = 0;
  out.varint(beyond);
  if (beyond === 0) return;
  for (const index of ring.ascending) {
    if (issued[index] <= applied[index]) continue;
    out.varint(ring.replicas[index]);
    out.varint(issued[index]);
  }
}

export interface Header {
  readonly time: number;
  /** What has changed of the applied vector since the last header. */
  readonly applied: Vector;
  readonly beyond: Vector;
}

export function readHeader(reader: ByteReader): Header {
  const header = { time: reader.f64(), applied: readVector(reader), beyond: readVector(reader) };
  reader.finish();
  return header;
}

/** Members in ring order. */
export function writeMembers(out: ByteWriter, members: readonly Member[]): void {
  out.varint(members.length);
  for (const { replica, address, share } of members) {
    out.u32(replica);
    out.text(address);
    out.varint(share);
  }
}

export function readMembers(reader: ByteReader): Member[] {
  const count = reader.varint();
  if (count < 1 || count > MEMBERS_MAX) throw new MalformedError(`a view of ${count} members`);
  return Array.from({ length: count }, () => ({ replica: reader.u32(), address: reader.text(ADDRESS_BYTES_MAX), share: reader.varint() }));
}

export function readShares(reader: ByteReader): number {
  const shares = reader.varint();
  if (shares < 1 || shares > SHARES_MAX) throw new MalformedError(`a view with ${shares} shares`);
  return shares;
}

/** A list of replica ids and counters. */
export function writeNumbers(out: ByteWriter, numbers: readonly number[]): void {
  out.varint(numbers.length);
  for (const number of numbers) out.varint(number);
}

export function readNumbers(reader: ByteReader): number[] {
  const count = reader.varint();
  if (count > VECTOR_ENTRIES_MAX * 2) throw new MalformedError(`a list of ${count} numbers`);
  return Array.from({ length: count }, () => reader.varint());
}

/** The final counters of departed replicas. */
export function writeFinals(out: ByteWriter, finals: FlushedCounters): void {
  writeNumbers(out, finals.flat());
}

export function readFinals(reader: ByteReader): Map<number, number> {
  const numbers = readNumbers(reader);
  reader.finish();
  const finals = new Map<number, number>();
  for (let at = 0; at + 1 < numbers.length; at += 2) finals.set(numbers[at], numbers[at + 1]);
  return finals;
}

/**
 * What a client has to know of a view: the members, which replicas it has met, how many shares there have been, who of the departed is not settled yet,
 * and what the node shows.
 */
export interface ViewNotice {
  readonly epoch: number;
  readonly members: readonly Member[];
  readonly nextReplica: number;
  readonly shares: number;
  readonly departed: readonly number[];
  readonly applied: Vector;
}

export function writeViewNotice(out: ByteWriter, { epoch, members, nextReplica, shares, departed, applied }: ViewNotice): void {
  out.u32(epoch);
  writeMembers(out, members);
  out.u32(nextReplica);
  out.varint(shares);
  writeNumbers(out, departed);
  writeVector(out, applied);
}

export function readViewNotice(reader: ByteReader): ViewNotice {
  const notice = {
    epoch: reader.u32(),
    members: readMembers(reader),
    nextReplica: reader.u32(),
    shares: readShares(reader),
    departed: readNumbers(reader),
    applied: readVector(reader),
  };
  reader.finish();
  return notice;
}

/** What a newcomer begins with: what is in the store, what it has to receive before it serves anybody, and the time. */
export interface Base {
  readonly flushed: Vector;
  readonly received: Vector;
  readonly time: number;
}

export function writeBase(out: ByteWriter, { flushed, received, time }: Base): void {
  writeVector(out, flushed);
  writeVector(out, received);
  out.f64(time);
}

export function readBase(reader: ByteReader): Base {
  const base = { flushed: readVector(reader), received: readVector(reader), time: reader.f64() };
  reader.finish();
  return base;
}

export function writeError(out: ByteWriter, error: MeshError): void {
  out.text(error.code);
  out.text(error.message.slice(0, MESSAGE_BYTES_MAX / 4));
  out.u8(error.retryable ? 1 : 0);
  out.varint(error.retryAfterMs ?? 0);
}

export function readError(reader: ByteReader): MeshError {
  const code = reader.text(64) as MeshErrorCode;
  const message = reader.text(MESSAGE_BYTES_MAX);
  const retryable = reader.u8() === 1;
  const retryAfterMs = reader.varint();
  return new MeshError(code, message, { retryable, retryAfterMs: retryAfterMs === 0 ? undefined : retryAfterMs });
}
