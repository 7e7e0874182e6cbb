// The payloads that are more than a key or a value: contexts, headers, errors, acknowledgements. Encoders append to a writer;
// decoders read what came from outside and throw MalformedError.

import type { ByteReader } from "../bytes/reader.js";
import { MalformedError } from "../bytes/reader.js";
import type { ByteWriter } from "../bytes/writer.js";
import { MeshError, type MeshErrorCode } from "../errors.js";
import { MEMBERS_MAX } from "../limits.js";
import type { Vector } from "../protocol/vector.js";
import type { Durability } from "../mesh.js";

/** Entries of a vector from outside: members, and departed replicas that its session has met. */
const VECTOR_ENTRIES_MAX = 4096;
const MESSAGE_BYTES_MAX = 4096;

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

/** Counters in ring order that differ from what the other end was told; `told` is brought up to date. */
export function writeChanges(out: ByteWriter, counters: readonly number[], told: number[]): void {
  let changed = 0;
  for (let index = 0; index < counters.length; index++) if (counters[index] !== told[index]) changed += 1;
  out.varint(changed);
  for (let index = 0; index < counters.length; index++) {
    if (counters[index] === told[index]) continue;
    out.varint(index);
    out.varint(counters[index]);
    told[index] = counters[index];
  }
}

/** Reads what `writeChanges` wrote into `counters`. */
export function readChanges(reader: ByteReader, counters: number[]): void {
  const changed = reader.varint();
  if (changed > counters.length) throw new MalformedError("more counters than members");
  for (let entry = 0; entry < changed; entry++) {
    const index = reader.varint();
    if (index >= counters.length) throw new MalformedError("a counter of no member");
    counters[index] = reader.varint();
  }
}

/**
 * A response header: what all answers after it are at. `time` f64; `applied` as changes; then the entries in which `issued`
 * is beyond `applied`, but for the node's own: a session that wrote here has to follow them.
 */
export function writeHeader(out: ByteWriter, time: number, applied: readonly number[], told: number[], issued: readonly number[], self: number): void {
  out.f64(time);
  writeChanges(out, applied, told);
  let beyond = 0;
  for (let index = 0; index < issued.length; index++) if (index !== self && issued[index] > applied[index]) beyond += 1;
  out.varint(beyond);
  for (let index = 0; index < issued.length; index++) {
    if (index === self || issued[index] <= applied[index]) continue;
    out.varint(index);
    out.varint(issued[index]);
  }
}

/** Reads a header: returns the time, brings `applied` up to date and sets `beyond` (0: not beyond). */
export function readHeader(reader: ByteReader, applied: number[], beyond: number[]): number {
  const time = reader.f64();
  readChanges(reader, applied);
  beyond.fill(0);
  readChanges(reader, beyond);
  reader.finish();
  return time;
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

/** The members that a welcome may name. */
export function checkMemberCount(count: number): number {
  if (count < 1 || count > MEMBERS_MAX) throw new MalformedError(`a view of ${count} members`);
  return count;
}
