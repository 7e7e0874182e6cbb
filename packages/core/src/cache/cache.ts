// The readable cache of a node (design I4), outside the JavaScript heap.

import { copyBytes, copyRange } from "../bytes/copy.js";
import { Arena } from "./arena.js";
import {
  COUNTER_FLOAT,
  EXPIRES,
  FLAGS_MASK,
  FLAGS_SHIFT,
  HEAD_BYTES,
  LENGTHS_WORD,
  LIVE,
  META_WORD,
  REPLICA_WORD,
  TIMESTAMP_FLOAT,
  UNITS_SHIFT,
  USES_MASK,
  keyLengthOf,
  packLengths,
  unitsFor,
  valueLengthOf,
} from "./entry.js";
import { Eviction } from "./eviction.js";
import { hashBytes, hashSecrets } from "./hash.js";
import { KeyIndex } from "./key-index.js";
import { Versions } from "./versions.js";
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from "../limits.js";

/** The newest version is a deletion. */
export const TOMBSTONE = 1;
/** The store was asked and has no row, and no write is known: timestamp, replica and counter are 0. */
export const ABSENT = 2;
/** The winner only among the writes seen here; the store's row has to be loaded before it can be shown. */
export const INCOMPLETE = 4;
/** What the mesh's loader returned when it was asked: the value, or that there is none. It stands in for the deletion or absence whose stamp it has. */
export const LOADED = 8;
/** Of an incomplete entry: other writes came meanwhile, or before it, so the store's row need not be the version just before it. */
export const MERGED = 16;
/** Of an incomplete entry: it is the winner of all that was applied all the same, since nothing that is not in memory is as late as it is. */
export const SURE = 32;

/** Below this, queues of whole chunks make no sense; a smaller bound counts as this one. */
const BYTES_MIN = 64 * 1024;
/** What positions can name, less what large entries may waste of it. */
const BYTES_MAX = 8 * 1024 ** 3;
/** A value that shrinks in its place gives room back when more than a quarter of it would be unused. */
const ROOM_SHIFT = 2;

export interface CacheOptions {
  /** Bound of arena and index, in bytes. 64 KiB at least, 8 GiB at most. */
  readonly bytesMax: number;
  readonly entriesMax?: number;
  /** Against keys crafted to collide; any integer. */
  readonly hashSeed?: number;
  /** Whether the write with this dot is in the store, so that its entry may be evicted; asked at eviction only. */
  readonly evictable: (replica: number, counter: number) => boolean;
  /** Where versions go that the cache shows no more. */
  readonly versions?: Versions;
}

const NO_VERSIONS = /* @__PURE__ */ new Versions({ retentionMs: 0, bytesMax: 0, now: () => 0, msOf: () => 0 });

export class Cache {
  readonly versions: Versions;
  readonly #arena: Arena;
  readonly #index: KeyIndex;
  readonly #eviction: Eviction;
  readonly #seed: number;
  readonly #multiplier: number;
  readonly #hashMask: number;

  /** `hashMask` is for tests, which force collisions by it. */
  constructor(options: CacheOptions, hashMask = -1) {
    const bytesMax = Math.min(Math.max(options.bytesMax, BYTES_MIN), BYTES_MAX);
    this.versions = options.versions ?? NO_VERSIONS;
    const secrets = hashSecrets(options.hashSeed ?? 0);
    this.#seed = secrets.seed;
    this.#multiplier = secrets.multiplier;
    this.#hashMask = hashMask;
    this.#arena = new Arena(bytesMax);
    this.#index = new KeyIndex(this.#arena);
    this.#eviction = new Eviction(this.#arena, this.#index, {
      bytesMax,
      entriesMax: Math.max(1, Math.min(options.entriesMax ?? 2 ** 31, 2 ** 31)),
      evictable: options.evictable,
      // ⚑ What leaves incomplete may rank above what the store has, or below it and have been read all the same.
      incompleteLeaves: (at, hash) => this.keep(at, hash, 0, 0),
      hashOf: (bytes, start, length) => this.hash(bytes, start, length),
    });
  }

  get count(): number {
    return this.#index.count;
  }

  /** Memory taken: chunks, those kept for reuse too, index and ghost. */
  get bytes(): number {
    return this.#eviction.usedBytes + this.#arena.spareBytes;
  }

  /** Bytes of the entries alone. */
  get liveBytes(): number {
    return (this.#eviction.small.live + this.#eviction.main.live) * 8;
  }

  /** The latest timestamp that a version of a key without an entry may have. */
  get unseenUpTo(): number {
    return this.#eviction.latestGone;
  }

  /** Versions up to this timestamp may stand in the store, of keys that were never here. */
  noteUnseen(timestamp: number): void {
    if (timestamp > this.#eviction.latestGone) this.#eviction.latestGone = timestamp;
  }

  get evictions(): number {
    return this.#eviction.evictions;
  }

  /** For the check in tests. */
  get parts(): { readonly arena: Arena; readonly index: KeyIndex; readonly eviction: Eviction } {
    return { arena: this.#arena, index: this.#index, eviction: this.#eviction };
  }

  /** A key's hash; whoever needs it more than once hands it on. */
  hash(bytes: Uint8Array, start: number, length: number): number {
    return hashBytes(bytes, start, length, this.#seed, this.#multiplier) & this.#hashMask;
  }

  /** Position of a key's entry, 0 where there is none. A position is valid until the next put or remove. */
  find(bytes: Uint8Array, start: number, length: number, hash = this.hash(bytes, start, length)): number {
    return this.#index.find(hash, bytes, start, length);
  }

  /** Counts a use of the entry, for eviction. */
  touch(at: number): void {
    const { words } = this.#arena.chunks[at >>> this.#arena.shift];
    const word = (at & this.#arena.mask) << 1;
    const meta = words[word];
    if ((meta & USES_MASK) !== USES_MASK) words[word] = meta + 1;
  }

  flags(at: number): number {
    return (this.#word(at, META_WORD) >>> FLAGS_SHIFT) & FLAGS_MASK;
  }

  timestamp(at: number): number {
    return this.#float(at, TIMESTAMP_FLOAT);
  }

  replica(at: number): number {
    return this.#word(at, REPLICA_WORD);
  }

  counter(at: number): number {
    return this.#float(at, COUNTER_FLOAT);
  }

  /** Milliseconds since 1970, 0 for never. */
  expiresAt(at: number): number {
    const meta = this.#word(at, META_WORD);
    return (meta & EXPIRES) === 0 ? 0 : this.#float(at, (meta >>> UNITS_SHIFT) - 1);
  }

  keyLength(at: number): number {
    return keyLengthOf(this.#word(at, LENGTHS_WORD));
  }

  valueLength(at: number): number {
    return valueLengthOf(this.#word(at, LENGTHS_WORD));
  }

  /** Copies the value into the array of which `target` is a view. */
  copyValue(at: number, target: DataView, offset: number): void {
    const chunk = this.#arena.chunks[at >>> this.#arena.shift];
    const place = at & this.#arena.mask;
    const lengths = chunk.words[(place << 1) + LENGTHS_WORD];
    copyRange(chunk.view, (place << 3) + HEAD_BYTES + keyLengthOf(lengths), valueLengthOf(lengths), target, offset);
  }

  /** A copy of the value. */
  value(at: number): Uint8Array {
    const chunk = this.#arena.chunks[at >>> this.#arena.shift];
    const start = ((at & this.#arena.mask) << 3) + HEAD_BYTES + this.keyLength(at);
    return chunk.bytes.slice(start, start + this.valueLength(at));
  }

  /** Has the value read where it stands. */
  read<Value>(at: number, reader: (bytes: Uint8Array, start: number, end: number) => Value): Value {
    const chunk = this.#arena.chunks[at >>> this.#arena.shift];
    const place = at & this.#arena.mask;
    const lengths = chunk.words[(place << 1) + LENGTHS_WORD];
    const start = (place << 3) + HEAD_BYTES + keyLengthOf(lengths);
    return reader(chunk.bytes, start, start + valueLengthOf(lengths));
  }

  /** A copy of the key. */
  key(at: number): Uint8Array {
    const chunk = this.#arena.chunks[at >>> this.#arena.shift];
    const start = ((at & this.#arena.mask) << 3) + HEAD_BYTES;
    return chunk.bytes.slice(start, start + this.keyLength(at));
  }

  /**
   * Sets or replaces the key's entry (the caller has decided that it wins), evicting others where room is needed. The bytes are
   * copied. Returns the entry's position. At most 1 KiB of key and 1 MiB of value.
   */
  put(
    keyBytes: Uint8Array,
    keyStart: number,
    keyLength: number,
    valueBytes: Uint8Array,
    valueStart: number,
    valueLength: number,
    flags: number,
    timestamp: number,
    replica: number,
    counter: number,
    expiresAt: number,
    hash = this.hash(keyBytes, keyStart, keyLength),
  ): number {
    if (keyLength > KEY_BYTES_MAX || valueLength > VALUE_BYTES_MAX) {
      throw new RangeError(`the cache takes keys up to ${KEY_BYTES_MAX} and values up to ${VALUE_BYTES_MAX} bytes, not ${keyLength} and ${valueLength}`);
    }
    const units = unitsFor(keyLength, valueLength, expiresAt !== 0);
    this.#eviction.makeRoom(units);
    const old = this.#index.find(hash, keyBytes, keyStart, keyLength);
    const at = old === 0 ? this.#add(hash, units) : this.#replace(hash, old, units);
    const chunk = this.#arena.chunks[at >>> this.#arena.shift];
    const place = at & this.#arena.mask;
    const word = place << 1;
    const { words, floats } = chunk;
    const state = (words[word + META_WORD] & ~((FLAGS_MASK << FLAGS_SHIFT) | EXPIRES)) | (flags << FLAGS_SHIFT);
    words[word + META_WORD] = expiresAt === 0 ? state : state | EXPIRES;
    words[word + LENGTHS_WORD] = packLengths(keyLength, valueLength);
    words[word + REPLICA_WORD] = replica;
    floats[place + TIMESTAMP_FLOAT] = timestamp;
    floats[place + COUNTER_FLOAT] = counter;
    if (expiresAt !== 0) floats[place + (state >>> UNITS_SHIFT) - 1] = expiresAt;
    const start = (place << 3) + HEAD_BYTES;
    if (at !== old) copyBytes(keyBytes, keyStart, keyLength, chunk, start);
    copyBytes(valueBytes, valueStart, valueLength, chunk, start + keyLength);
    this.#eviction.trim();
    return at;
  }

  /** Keeps the entry as it is for snapshots; `next` is the write that takes its place as the winner, 0 and 0 where it was none. */
  keep(at: number, hash: number, nextReplica: number, nextCounter: number): void {
    if (!this.versions.isOn) return;
    const chunk = this.#arena.chunks[at >>> this.#arena.shift];
    const start = ((at & this.#arena.mask) << 3) + HEAD_BYTES;
    const length = this.keyLength(at);
    const { bytes } = chunk;
    this.versions.keep(
      hash,
      bytes,
      start,
      length,
      bytes,
      start + length,
      this.valueLength(at),
      this.flags(at),
      this.timestamp(at),
      this.replica(at),
      this.counter(at),
      this.expiresAt(at),
      nextReplica,
      nextCounter,
    );
  }

  setFlags(at: number, flags: number): void {
    const { words } = this.#arena.chunks[at >>> this.#arena.shift];
    const word = ((at & this.#arena.mask) << 1) + META_WORD;
    words[word] = (words[word] & ~(FLAGS_MASK << FLAGS_SHIFT)) | (flags << FLAGS_SHIFT);
  }

  /** Forgets the key and says whether it was there. */
  remove(bytes: Uint8Array, start: number, length: number): boolean {
    const hash = this.hash(bytes, start, length);
    const at = this.#index.find(hash, bytes, start, length);
    if (at === 0) return false;
    this.#index.remove(hash, at);
    this.#eviction.kill(at);
    return true;
  }

  /** Positions of all entries; for tests and status only. */
  *entries(): Iterable<number> {
    for (const [, at] of this.#index.pairs()) yield at;
  }

  #word(at: number, word: number): number {
    return this.#arena.chunks[at >>> this.#arena.shift].words[((at & this.#arena.mask) << 1) + word];
  }

  #float(at: number, float: number): number {
    return this.#arena.chunks[at >>> this.#arena.shift].floats[(at & this.#arena.mask) + float];
  }

  /** Room for a key that is new; its meta word is written, with no uses. */
  #add(hash: number, units: number): number {
    const at = this.#allocate(units, this.#eviction.queueFor(hash), 0);
    this.#index.insert(hash, at);
    return at;
  }

  /** Room for a key that is there: its own, where the new entry fits well enough, or other room in the same queue. */
  #replace(hash: number, old: number, units: number): number {
    const arena = this.#arena;
    const chunk = arena.chunks[old >>> arena.shift];
    const place = old & arena.mask;
    const meta = chunk.words[(place << 1) + META_WORD];
    const room = meta >>> UNITS_SHIFT;
    const tight = room - units <= room >>> ROOM_SHIFT;
    if (units <= room && (tight || chunk.units === arena.chunkUnits)) {
      if (!tight) this.#giveBack(old, units);
      return old;
    }
    const queue = chunk.queue ?? this.#eviction.small;
    const at = this.#allocate(units, queue, meta & USES_MASK);
    this.#index.move(hash, old, at);
    this.#eviction.kill(old);
    return at;
  }

  #allocate(units: number, queue: Eviction["small"], uses: number): number {
    const at = this.#eviction.allocate(units, queue);
    this.#arena.chunks[at >>> this.#arena.shift].words[((at & this.#arena.mask) << 1) + META_WORD] = (units << UNITS_SHIFT) | LIVE | uses;
    return at;
  }

  /** Cuts the entry's room down to so many units; what is behind becomes a dead entry of its own. */
  #giveBack(at: number, units: number): void {
    const arena = this.#arena;
    const chunk = arena.chunks[at >>> arena.shift];
    const word = ((at & arena.mask) << 1) + META_WORD;
    const meta = chunk.words[word];
    const rest = (meta >>> UNITS_SHIFT) - units;
    chunk.words[word] = (units << UNITS_SHIFT) | (meta & ((1 << UNITS_SHIFT) - 1));
    chunk.words[word + units * 2] = rest << UNITS_SHIFT;
    arena.shrink(chunk, rest);
    this.#eviction.noteDead(chunk);
  }
}
