// Segments: runs of writes of one origin that share their vector (but for the own entry, which counts up). A segment is
// encoded once, at its origin, and the same bytes go into every log and over every link; a write inside it has no object.
//
//   u32 bytes after this field | u32 origin | f64 first counter | u32 count | f64 base timestamp
//   varint entries, each: varint replica, varint counter            the vector without the origin's own entry
//   per write:  varint timestamp above the write before | varint changes
//   per change: u8 flags | varint key bytes | varint value bytes | f64 expiry where flagged | key | value

import { ByteWriter } from "../bytes/writer.js";
import { ByteReader, MalformedError } from "../bytes/reader.js";
import { isUtf8 } from "../bytes/utf8.js";
import { isCommitAt } from "./own-keys.js";
import type { Ring } from "./ring.js";
import { COUNTER_MAX, KEY_BYTES_MAX, KEYS_PER_REQUEST_MAX, VALUE_BYTES_MAX, VECTOR_ENTRIES_MAX } from "../limits.js";

/** Change flags. */
export const CHANGE_DELETES = 1;
export const CHANGE_EXPIRES = 2;
const CHANGE_FLAGS = CHANGE_DELETES | CHANGE_EXPIRES;

const ORIGIN_AT = 4;
const FIRST_AT = 8;
const COUNT_AT = 16;
const BASE_AT = 20;
const ENTRIES_AT = 28;
/** No write is shorter than this: bounds the count that a header may claim. */
const WRITE_BYTES_MIN = 6;

/** A sealed segment, with the cursor of its application. The bytes belong to it and never change. */
export interface Segment {
  readonly bytes: Uint8Array;
  readonly replica: number;
  /** The origin's slot at the node that holds the segment; -1 once it has none any more. Changes with the view. */
  origin: number;
  readonly first: number;
  /** Counter of its newest write. */
  readonly last: number;
  /** Greatest timestamp. */
  readonly newest: number;
  /** Whether a transaction's commit is among what was received (commits.ts); of own segments it is not asked. */
  readonly hasCommit: boolean;
  /** The writes' vector by slot, with 0 as the origin's own entry: a write's own entry is its counter. Changes with the view. */
  vector: readonly number[];
  /** Where the next write to be applied begins, its counter, and the timestamp of the one before it. */
  cursor: SegmentCursor;
}

/** A place between two writes of a segment. */
export interface SegmentCursor {
  readonly at: number;
  readonly counter: number;
  readonly timestamp: number;
}

/** Is told each change of a walk; a write with several changes calls it several times with one counter. */
export interface ChangeVisitor {
  change(
    bytes: Uint8Array,
    keyAt: number,
    keyLength: number,
    valueAt: number,
    valueLength: number,
    flags: number,
    timestamp: number,
    counter: number,
    expiresAt: number,
  ): void;
}

/** Encodes the newest writes of one origin. */
export class SegmentWriter {
  readonly #out = new ByteWriter(64 * 1024);
  #replica = 0;
  #origin = 0;
  #first = 0;
  #base = 0;
  #previous = 0;
  #bodyAt = 0;
  #vector: readonly number[] = [];
  count = 0;

  get length(): number {
    return this.#out.length;
  }

  /** Begins a segment. `vector` is in the order of `replicas`, with 0 as the origin's own entry, and is kept. */
  begin(replicas: readonly number[], origin: number, first: number, base: number, vector: readonly number[]): void {
    const out = this.#out;
    out.length = 0;
    out.u32(0);
    out.u32(replicas[origin]);
    out.f64(first);
    out.u32(0);
    out.f64(base);
    let entries = 0;
    for (const counter of vector) if (counter > 0) entries += 1;
    out.varint(entries);
    for (let index = 0; index < vector.length; index++) {
      if (vector[index] === 0) continue;
      out.varint(replicas[index]);
      out.varint(vector[index]);
    }
    this.#replica = replicas[origin];
    this.#origin = origin;
    this.#first = first;
    this.#base = base;
    this.#previous = base;
    this.#vector = vector;
    this.#bodyAt = out.length;
    this.count = 0;
  }

  /** Begins a write; `changes` calls of `change` follow. */
  write(timestamp: number, changes: number): void {
    this.#out.varint(timestamp - this.#previous);
    this.#out.varint(changes);
    this.#previous = timestamp;
    this.count += 1;
  }

  change(bytes: Uint8Array, keyAt: number, keyLength: number, valueAt: number, valueLength: number, flags: number, expiresAt: number): void {
    const out = this.#out;
    out.reserve(keyLength + valueLength + 32);
    out.u8(flags);
    out.varint(keyLength);
    out.varint(valueLength);
    if ((flags & CHANGE_EXPIRES) !== 0) out.f64(expiresAt);
    out.raw(bytes, keyAt, keyAt + keyLength);
    out.raw(bytes, valueAt, valueAt + valueLength);
  }

  /** Ends the segment. */
  seal(): Segment {
    const out = this.#out;
    out.view.setUint32(0, out.length - 4, true);
    out.view.setUint32(COUNT_AT, this.count, true);
    const segment = makeSegment(
      out.copy(),
      this.#replica,
      this.#origin,
      this.#first,
      this.count,
      this.#base,
      this.#previous,
      this.#vector,
      this.#bodyAt,
      false,
    );
    this.count = 0;
    return segment;
  }
}

function makeSegment(
  bytes: Uint8Array,
  replica: number,
  origin: number,
  first: number,
  count: number,
  base: number,
  newest: number,
  vector: readonly number[],
  bodyAt: number,
  hasCommit: boolean,
): Segment {
  return { bytes, replica, origin, first, last: first + count - 1, newest, hasCommit, vector, cursor: { at: bodyAt, counter: first, timestamp: base } };
}

const reader = /* @__PURE__ */ new ByteReader();
/** Whether the segment that is being decoded has a commit. */
let metCommit = false;

/**
 * Decodes the segment at `start`, whose bytes it copies. The gateway for all writes of other nodes: everything about it is
 * checked here, so that applying, flushing and forwarding trust it. Entries of departed replicas, which the store covers, are left out of
 * the vector; a segment of such a one has the slot -1. Throws MalformedError.
 */
export function decodeSegment(bytes: Uint8Array, start: number, end: number, ring: Ring): Segment {
  reader.reset(bytes, start, end);
  const length = reader.u32();
  if (length > end - start - 4) throw new MalformedError("a segment is longer than its frame");
  reader.end = start + 4 + length;
  const replica = reader.u32();
  const origin = ring.indexOf(replica);
  const first = reader.f64();
  const count = reader.u32();
  const base = reader.f64();
  if (origin < 0 && !ring.hasMet(replica)) throw new MalformedError("a segment has an origin that is not in the view");
  if (first < 1 || count < 1 || count * WRITE_BYTES_MIN > length || first + count > COUNTER_MAX)
    throw new MalformedError("a segment has counters out of range");
  const vector = decodeVector(replica, ring);
  const bodyAt = reader.at - start;
  metCommit = false;
  const newest = checkWrites(count, base);
  reader.finish();
  return makeSegment(bytes.slice(start, reader.end), replica, origin, first, count, base, newest, vector, bodyAt, metCommit);
}

function decodeVector(origin: number, ring: Ring): number[] {
  const vector = ring.zeros();
  const entries = reader.varint();
  if (entries > VECTOR_ENTRIES_MAX) throw new MalformedError("a vector has too many entries");
  for (let entry = 0; entry < entries; entry++) {
    const replica = reader.varint();
    const counter = reader.varint();
    if (replica === origin) throw new MalformedError("a segment's vector names its origin");
    const index = ring.indexOf(replica);
    if (index >= 0) vector[index] = ring.clamp(index, counter);
  }
  return vector;
}

/** Walks over the writes and returns the greatest timestamp. */
function checkWrites(count: number, base: number): number {
  let timestamp = base;
  for (let write = 0; write < count; write++) {
    timestamp += reader.varint();
    const changes = reader.varint();
    if (changes < 1 || changes > KEYS_PER_REQUEST_MAX) throw new MalformedError(`a write has ${changes} changes`);
    for (let change = 0; change < changes; change++) checkChange();
  }
  if (!Number.isSafeInteger(timestamp)) throw new MalformedError("a timestamp is out of range");
  return timestamp;
}

function checkChange(): void {
  const flags = reader.u8();
  const keyLength = reader.varint();
  const valueLength = reader.varint();
  if ((flags & ~CHANGE_FLAGS) !== 0) throw new MalformedError("a change has unknown flags");
  if (keyLength < 1 || keyLength > KEY_BYTES_MAX) throw new MalformedError(`a key has ${keyLength} bytes`);
  if (valueLength > VALUE_BYTES_MAX || ((flags & CHANGE_DELETES) !== 0 && valueLength > 0)) throw new MalformedError(`a value has ${valueLength} bytes`);
  if ((flags & CHANGE_EXPIRES) !== 0) reader.f64();
  const keyAt = reader.take(keyLength);
  if (!isUtf8(reader.bytes, keyAt, keyAt + keyLength)) throw new MalformedError("a key is not UTF-8");
  if (isCommitAt(reader.bytes, keyAt, keyLength)) metCommit = true;
  reader.take(valueLength);
}

// The walk below reads checked bytes only, so it does without bounds; its state is in module variables, so that it allocates
// one cursor per call and nothing per write.
let walkAt = 0;

function varint(bytes: Uint8Array): number {
  let byte = bytes[walkAt++];
  if (byte < 0x80) return byte;
  let value = byte & 0x7f;
  let scale = 128;
  do {
    byte = bytes[walkAt++];
    value += (byte & 0x7f) * scale;
    scale *= 128;
  } while (byte >= 0x80);
  return value;
}

/** Shows the visitor the changes from `from` up to and including the write with counter `upTo`, and returns the place behind it. */
export function walkSegment(segment: Segment, from: SegmentCursor, upTo: number, visitor: ChangeVisitor): SegmentCursor {
  const { bytes } = segment;
  let { counter, timestamp } = from;
  let at = from.at;
  for (; counter <= upTo; counter++) {
    walkAt = at;
    timestamp += varint(bytes);
    const changes = varint(bytes);
    at = walkAt;
    for (let change = 0; change < changes; change++) {
      const flags = bytes[at];
      walkAt = at + 1;
      const keyLength = varint(bytes);
      const valueLength = varint(bytes);
      at = walkAt;
      let expiresAt = 0;
      if ((flags & CHANGE_EXPIRES) !== 0) {
        expiresAt = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(at, true);
        at += 8;
      }
      visitor.change(bytes, at, keyLength, at + keyLength, valueLength, flags, timestamp, counter, expiresAt);
      at += keyLength + valueLength;
    }
  }
  return { at, counter, timestamp };
}

const NOBODY: ChangeVisitor = { change: () => undefined };

/** Lets the application of a segment begin behind the write with this counter, which is applied already. */
export function skipApplied(segment: Segment, counter: number): void {
  segment.cursor = walkSegment(segment, segment.cursor, counter, NOBODY);
}

/** Fields that the tests of decoders change on purpose. */
export const SEGMENT_LAYOUT = { ORIGIN_AT, FIRST_AT, COUNT_AT, BASE_AT, ENTRIES_AT };
