// The versions that a key had before: what transactions read when the cache shows something newer than their snapshot (design section 10).
//
// A log of its own, outside the JavaScript heap: chunks that are filled one after the other and dropped as a whole when their time is over
// or the bound is reached. Keeping a version is one append and one link of a hash chain; nothing is looked up, moved or freed for it.
//
// Two kinds of records stand in it. A *link* says that one version was the winner until another one took its place. A *loser* never was:
// it came when a greater one was there already, or it left the cache before the store's row was known. Every write that this node applies is
// the winner, or gets a record when it stops to be or never is. So behind a link s → t there is a record of every version that ranks between
// the two and came later, and none came before, since s was the winner then. From the present winner the links lead down, one after
// the other, for as long as the log reaches back unbroken: the last one of them is the key's *base*. Below it versions may be missing.
//
// A snapshot shows the greatest version within it. That is known where it does not rank below the base ⚑.

import { copyBytes, type Viewed } from "../bytes/copy.js";
import { keyLengthOf, packLengths, UNIT_BYTES, valueLengthOf } from "./entry.js";

/** The layout of a record, in floats from its first unit, and in words of four bytes. */
const PREVIOUS = 0;
const TIMESTAMP = 1;
const COUNTER = 2;
const EXPIRES_AT = 3;
const NEXT_COUNTER = 4;
const REPLICA_WORD = 10;
const NEXT_REPLICA_WORD = 11;
const HASH_WORD = 12;
const LENGTHS_WORD = 13;
const FLAGS_WORD = 14;
const HEAD_UNITS = 8;
const HEAD_BYTES = HEAD_UNITS * UNIT_BYTES;

/** Positions are chunk numbers times this, plus the unit in the chunk: more units than any record takes. Numbers are not used again. */
const SPAN = 2 ** 18;
/** A chunk is the share of the bound that is dropped at once. */
const CHUNKS_WANTED = 32;
const CHUNK_BYTES_MIN = 4 * 1024;
const CHUNK_BYTES_MAX = 1024 * 1024;
/** Bytes of the bound for each head of a hash chain. */
const BYTES_PER_HEAD = 512;
const HEADS_MIN = 64;

export interface VersionsOptions {
  /** How long versions are kept; 0 keeps none. */
  readonly retentionMs: number;
  /** Bound in bytes, the index included. */
  readonly bytesMax: number;
  /** The wall clock, in milliseconds since 1970. */
  readonly now: () => number;
  /** The millisecond of a timestamp, by the same clock. */
  readonly msOf: (timestamp: number) => number;
}

/** Which version a record or an entry is, and its rank. */
export interface Stamp {
  readonly timestamp: number;
  readonly replica: number;
  readonly counter: number;
}

/** A version with its value where it stands, to be read at once. */
export interface Version extends Stamp {
  readonly flags: number;
  /** Milliseconds since 1970, 0 for never. */
  readonly expiresAt: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** Why a version is not there: its time was over, the bound in bytes was reached before that, or its key was not in the cache. */
export type Gone = "retention" | "memory" | "evicted";

/** Which dots belong to a snapshot. */
export interface Included {
  includes(replica: number, counter: number): boolean;
}

class Chunk implements Viewed {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly floats: Float64Array;
  readonly words: Uint32Array;
  fill = 0;
  /** When its last record was added; known once the next chunk is begun. */
  endedAt = Infinity;

  constructor(units: number) {
    const buffer = new ArrayBuffer(units * UNIT_BYTES);
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.floats = new Float64Array(buffer);
    this.words = new Uint32Array(buffer);
  }
}

export class Versions {
  readonly isOn: boolean;
  readonly #options: VersionsOptions;
  readonly #chunkUnits: number;
  /** From the oldest to the one that is being filled; the oldest has the number `#first`. */
  #chunks: Chunk[] = [];
  #first = 1;
  #chunkBytes = 0;
  /** A dropped chunk, whose memory serves again. */
  #spare: Chunk | undefined;
  /** By hash, the position of the newest record of each chain; what was dropped may still be named. */
  #heads: Float64Array | undefined;
  readonly #mask: number;
  /** When the newest record that was dropped had been added, and whether that was for want of room. */
  #droppedAt = 0;
  #droppedFor: Gone = "retention";

  constructor(options: VersionsOptions) {
    const { retentionMs, bytesMax } = options;
    this.isOn = retentionMs > 0 && bytesMax > 0;
    this.#options = options;
    this.#chunkUnits = Math.min(Math.max(bytesMax / CHUNKS_WANTED, CHUNK_BYTES_MIN), CHUNK_BYTES_MAX) >>> 3;
    let heads = HEADS_MIN;
    while (heads * BYTES_PER_HEAD < bytesMax) heads *= 2;
    this.#mask = heads - 1;
  }

  /** Memory taken. */
  get bytes(): number {
    return this.#chunkBytes + (this.#spare?.bytes.length ?? 0) + (this.#heads?.byteLength ?? 0);
  }

  /** Keeps a version. `next` is what has taken its place as the winner; 0 and 0 where it was none. The bytes are copied. */
  keep(
    hash: number,
    key: Uint8Array,
    keyAt: number,
    keyLength: number,
    value: Uint8Array,
    valueAt: number,
    valueLength: number,
    flags: number,
    timestamp: number,
    replica: number,
    counter: number,
    expiresAt: number,
    nextReplica: number,
    nextCounter: number,
  ): void {
    const units = HEAD_UNITS + ((keyLength + valueLength + UNIT_BYTES - 1) >>> 3);
    const chunk = this.#room(units);
    const place = chunk.fill;
    chunk.fill += units;
    const heads = this.#heads!;
    const { floats, words } = chunk;
    const chain = hash & this.#mask;
    floats[place + PREVIOUS] = heads[chain];
    heads[chain] = (this.#first + this.#chunks.length - 1) * SPAN + place;
    floats[place + TIMESTAMP] = timestamp;
    floats[place + COUNTER] = counter;
    floats[place + EXPIRES_AT] = expiresAt;
    floats[place + NEXT_COUNTER] = nextCounter;
    const word = place << 1;
    words[word + REPLICA_WORD] = replica;
    words[word + NEXT_REPLICA_WORD] = nextReplica;
    words[word + HASH_WORD] = hash;
    words[word + LENGTHS_WORD] = packLengths(keyLength, valueLength);
    words[word + FLAGS_WORD] = flags;
    const start = (place << 3) + HEAD_BYTES;
    copyBytes(key, keyAt, keyLength, chunk, start);
    copyBytes(value, valueAt, valueLength, chunk, start + keyLength);
  }

  /** The chunk that takes a record of so many units next. */
  #room(units: number): Chunk {
    const open = this.#chunks.at(-1);
    if (open !== undefined && open.fill + units <= open.floats.length) return open;
    this.#heads ??= new Float64Array(this.#mask + 1);
    const now = this.#options.now();
    if (open !== undefined) open.endedAt = now;
    this.expire(now);
    const wanted = Math.max(units, this.#chunkUnits);
    const bound = this.#options.bytesMax - this.#heads.byteLength;
    while (this.#chunks.length > 0 && this.#chunkBytes + wanted * UNIT_BYTES > bound) this.#drop("memory");
    const chunk = this.#take(wanted);
    this.#chunks.push(chunk);
    this.#chunkBytes += chunk.bytes.length;
    return chunk;
  }

  #take(units: number): Chunk {
    const spare = this.#spare;
    this.#spare = undefined;
    if (units !== spare?.floats.length) return new Chunk(units);
    spare.fill = 0;
    spare.endedAt = Infinity;
    return spare;
  }

  /** Drops what has been kept for long enough; costs a comparison where that is nothing. */
  expire(now: number): void {
    while (this.#chunks.length > 0 && this.#chunks[0].endedAt + this.#options.retentionMs <= now) this.#drop("retention");
  }

  #drop(why: Gone): void {
    const chunk = this.#chunks.shift()!;
    this.#first += 1;
    this.#chunkBytes -= chunk.bytes.length;
    this.#droppedAt = chunk.endedAt;
    this.#droppedFor = why;
    this.#spare = chunk.floats.length === this.#chunkUnits ? chunk : undefined;
  }

  /** Forgets everything. */
  clear(): void {
    this.#first += this.#chunks.length;
    this.#chunks = [];
    this.#chunkBytes = 0;
  }

  /** The version of a key that a snapshot shows, where the winner is `current`, which is not within it; or why it is not known. */
  find(hash: number, key: Uint8Array, keyAt: number, keyLength: number, current: Stamp, snapshot: Included): Version | Gone {
    const end = this.#first * SPAN;
    let base: Stamp = current;
    let best: Stamp | undefined;
    let bestAt = 0;
    for (let at = this.#heads?.[hash & this.#mask] ?? 0; at >= end;) {
      const chunk = this.#chunks[Math.floor(at / SPAN) - this.#first];
      const place = at % SPAN;
      if (matches(chunk, place, hash, key, keyAt, keyLength)) {
        const stamp = stampAt(chunk, place);
        const isWithin = snapshot.includes(stamp.replica, stamp.counter);
        if (isWithin && (best === undefined || ranksBelow(best, stamp))) {
          best = stamp;
          bestAt = at;
        }
        const { floats, words } = chunk;
        if (floats[place + NEXT_COUNTER] === base.counter && words[(place << 1) + NEXT_REPLICA_WORD] === base.replica) {
          base = stamp;
          // What came before this record ranks below it.
          if (isWithin) break;
        }
      }
      at = chunk.floats[place + PREVIOUS];
    }
    return best !== undefined && this.isKnown(best, base) ? this.#version(bestAt, best) : this.#whyGone(base, current);
  }

  /** ⚑ Below the base, a version of the snapshot that ranks above the one that is still there may be gone. */
  protected isKnown(version: Stamp, base: Stamp): boolean {
    return !ranksBelow(version, base);
  }

  #whyGone(base: Stamp, current: Stamp): Gone {
    // A link that was made before the newest dropped record may have been dropped; a later one was never made: the key was not there.
    const { timestamp } = base === current ? current : base;
    return this.isOn && this.#options.msOf(timestamp) > this.#droppedAt ? "evicted" : this.#droppedFor;
  }

  #version(at: number, { timestamp, replica, counter }: Stamp): Version {
    const { bytes, floats, words } = this.#chunks[Math.floor(at / SPAN) - this.#first];
    const place = at % SPAN;
    const lengths = words[(place << 1) + LENGTHS_WORD];
    const start = (place << 3) + HEAD_BYTES + keyLengthOf(lengths);
    const flags = words[(place << 1) + FLAGS_WORD];
    return { timestamp, replica, counter, flags, expiresAt: floats[place + EXPIRES_AT], bytes, start, end: start + valueLengthOf(lengths) };
  }
}

function matches({ bytes, words }: Chunk, place: number, hash: number, key: Uint8Array, keyAt: number, keyLength: number): boolean {
  const word = place << 1;
  if (words[word + HASH_WORD] !== hash >>> 0 || keyLengthOf(words[word + LENGTHS_WORD]) !== keyLength) return false;
  const start = (place << 3) + HEAD_BYTES;
  for (let index = 0; index < keyLength; index++) if (bytes[start + index] !== key[keyAt + index]) return false;
  return true;
}

function stampAt({ floats, words }: Chunk, place: number): Stamp {
  return { timestamp: floats[place + TIMESTAMP], replica: words[(place << 1) + REPLICA_WORD], counter: floats[place + COUNTER] };
}

/** The total order on writes (design section 5). */
function ranksBelow(a: Stamp, b: Stamp): boolean {
  return a.timestamp < b.timestamp || (a.timestamp === b.timestamp && a.replica < b.replica);
}
