// Which entries leave: S3-FIFO over queues of chunks. New keys go to the small queue, a tenth of the cache; whoever is used
// there more than once moves on to the main queue, whoever is not leaves, so that a scan passes through the tenth and touches
// nothing else. The main queue gives each use, up to three, another round. This file owns queues, order and pace; the caller
// owns what an entry means.
//
// Work is done in steps of one entry, a few with each put and before the room is needed, so that no put pays for a chunk.
// Entries that must not leave stay where they are, and their chunk goes round; nothing is copied for them unless their chunk
// is mostly empty. Such chunks, wherever they are, are emptied into the open chunk of their queue.

import type { Arena } from "./arena.js";
import { type Chunk, ChunkQueue } from "./chunk.js";
import {
  COUNTER_FLOAT,
  EXPIRES,
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
  unitsFor,
  valueLengthOf,
} from "./entry.js";
import { Ghost } from "./ghost.js";
import type { KeyIndex } from "./key-index.js";

/** The flag of an entry that nobody wrote, and of one that is being loaded. The first alone: it stands for no write and may always leave. */
const ABSENT_META = 2 << FLAGS_SHIFT;
const INCOMPLETE_META = 4 << FLAGS_SHIFT;
/** The small queue's share is one in this many. */
const SMALL_SHARE = 10;
/** Uses in the small queue that earn a place in the main one. */
const USES_TO_STAY = 2;
/** Chunks that are kept free for new entries while older ones are being looked at. */
const CHUNKS_AHEAD = 2;
/** Entries looked at with a put: in time, and when the room is about to end. */
const STEPS = 8;
const STEPS_PRESSED = 64;
/** The most for one put, whatever its size: about a millisecond. */
const STEPS_MAX = 8192;

export interface EvictionLimits {
  readonly bytesMax: number;
  readonly entriesMax: number;
  readonly evictable: (replica: number, counter: number) => boolean;
  /** An incomplete entry is about to leave. */
  readonly incompleteLeaves: (at: number, hash: number) => void;
  readonly hashOf: (bytes: Uint8Array, start: number, length: number) => number;
}

export class Eviction {
  readonly small = new ChunkQueue();
  readonly main = new ChunkQueue();
  readonly ghost = new Ghost();
  evictions = 0;
  /** The latest timestamp of an entry that has left. */
  latestGone = 0;
  readonly #arena: Arena;
  readonly #index: KeyIndex;
  readonly #limits: EvictionLimits;
  readonly #bytesWanted: number;
  readonly #bytesPressed: number;
  readonly #entriesWanted: number;
  /** Chunks that became mostly dead. Some may have been freed since: `sparse` of the chunk says. */
  readonly #sparse: Chunk[] = [];
  /** The chunk that is being looked at, and whether to move everything out of it or to judge. */
  #current: Chunk | null = null;
  #emptying = false;
  #pressed = false;

  constructor(arena: Arena, index: KeyIndex, limits: EvictionLimits) {
    this.#arena = arena;
    this.#index = index;
    this.#limits = limits;
    this.#bytesWanted = limits.bytesMax - CHUNKS_AHEAD * arena.chunkBytes;
    this.#bytesPressed = limits.bytesMax - (CHUNKS_AHEAD - 1) * arena.chunkBytes;
    this.#entriesWanted = limits.entriesMax - Math.min(limits.entriesMax >>> 6, 1024);
  }

  /** Bytes of everything that is in use. */
  get usedBytes(): number {
    return this.#arena.usedBytes + this.#index.bytes + this.ghost.bytes;
  }

  /** Works towards room for an entry of so many units. It moves entries: no position is valid afterwards. */
  makeRoom(units: number): void {
    const { entriesMax } = this.#limits;
    const bytes = this.usedBytes + (units > this.#arena.sharedUnitsMax ? units * 8 : 0);
    if (bytes <= this.#bytesWanted && this.#index.count < this.#entriesWanted && this.#sparse.length === 0) return;
    this.#pressed = bytes > this.#bytesPressed || this.#index.count >= entriesMax || this.#arena.numbersLeft < STEPS;
    const steps = this.#pressed ? STEPS_PRESSED : STEPS;
    const unitsWanted = this.#pressed ? units * 4 : units * 2;
    let looked = 0;
    for (let step = 0; step < STEPS_MAX && (step < steps || looked < unitsWanted); step++) {
      const done = this.#step();
      if (done === 0) break;
      looked += done;
      if (this.#enough(units)) break;
    }
  }

  /** Gives spare memory back while the cache is above its bound. */
  trim(): void {
    while (this.#arena.spareBytes > 0 && this.usedBytes + this.#arena.spareBytes > this.#limits.bytesMax) this.#arena.dropSpare();
  }

  /** The queue for a key that is not in the cache. */
  queueFor(hash: number): ChunkQueue {
    return this.ghost.take(hash) ? this.main : this.small;
  }

  allocate(units: number, queue: ChunkQueue): number {
    const before = queue.open;
    const at = this.#arena.allocate(units, queue);
    if (before !== null && queue.open !== before) this.noteDead(before);
    return at;
  }

  /** Marks the entry dead; its key is the caller's matter. */
  kill(at: number): void {
    this.noteDead(this.#arena.kill(at));
  }

  /** To be called when units of the chunk became dead. */
  noteDead(chunk: Chunk): void {
    if (chunk.queue === null || chunk.queue.open === chunk) return;
    if (chunk.live === 0) this.#free(chunk);
    else if (!chunk.sparse && chunk.live * 2 < chunk.units && chunk.units === this.#arena.chunkUnits) {
      chunk.sparse = true;
      this.#sparse.push(chunk);
    }
  }

  #enough(units: number): boolean {
    const bytes = this.usedBytes + (units > this.#arena.sharedUnitsMax ? units * 8 : 0);
    return bytes <= this.#bytesWanted && this.#index.count < this.#entriesWanted && this.#sparse.length === 0;
  }

  /** Looks at one entry, or finishes a chunk. Returns the units that were looked at, 0 where there is nothing to do. */
  #step(): number {
    const chunk = this.#current ?? this.#choose();
    if (chunk === null) return 0;
    if (chunk.scanned >= chunk.fill) {
      this.#finish(chunk);
      return 1;
    }
    const place = chunk.scanned;
    const meta = chunk.words[(place << 1) + META_WORD];
    const units = meta >>> UNITS_SHIFT;
    chunk.scanned += units;
    if ((meta & LIVE) !== 0) {
      if (this.#emptying) this.#move(chunk, place, chunk.queue as ChunkQueue, meta & USES_MASK);
      else this.#judge(chunk, place, meta);
    }
    return units;
  }

  /** The next chunk to look at: a sparse one, or the oldest of a queue. */
  #choose(): Chunk | null {
    let chunk: Chunk | null = null;
    this.#emptying = false;
    while (this.#sparse.length > 0 && !this.#emptying) {
      chunk = this.#sparse.pop() as Chunk;
      this.#emptying = chunk.sparse;
    }
    if (!this.#emptying) chunk = this.#chooseQueue().oldest;
    if (chunk === null) return null;
    chunk.scanned = 0;
    this.#current = chunk;
    return chunk;
  }

  #chooseQueue(): ChunkQueue {
    const { small, main } = this;
    const first = small.live * SMALL_SHARE >= small.live + main.live ? small : main;
    const second = first === small ? main : small;
    if (first.barren < first.chunks || second.chunks === 0) return first;
    // Nothing left the first queue for a whole round. Another look at one of its chunks is due after each chunk of the second.
    first.barren = first.chunks - 1;
    return second;
  }

  #finish(chunk: Chunk): void {
    const queue = chunk.queue as ChunkQueue;
    this.#current = null;
    if (queue.open === chunk) queue.open = null;
    if (chunk.live === 0) {
      this.#free(chunk);
      return;
    }
    chunk.sparse = false;
    if (chunk.live * 2 < chunk.units && chunk.units === this.#arena.chunkUnits) {
      chunk.scanned = 0;
      this.#emptying = true;
      this.#current = chunk;
      return;
    }
    queue.unlink(chunk);
    queue.append(chunk);
    queue.barren++;
  }

  #free(chunk: Chunk): void {
    if (chunk === this.#current) this.#current = null;
    if (chunk.queue !== null) chunk.queue.barren = 0;
    this.#arena.release(chunk, this.usedBytes + this.#arena.spareBytes <= this.#limits.bytesMax);
  }

  /** Lets the entry leave, moves it on, or leaves it where it is. */
  #judge(chunk: Chunk, place: number, meta: number): void {
    const uses = meta & USES_MASK;
    const { small, main } = this;
    if (chunk.queue === small) {
      if (uses >= USES_TO_STAY) this.#move(chunk, place, main, 0);
      else if (this.#mayLeave(chunk, place, meta)) this.#evict(chunk, place, true);
    } else if (uses > 0 && !this.#pressed) this.#move(chunk, place, main, uses - 1);
    else if (this.#mayLeave(chunk, place, meta)) this.#evict(chunk, place, false);
  }

  #mayLeave(chunk: Chunk, place: number, meta: number): boolean {
    if ((meta & (ABSENT_META | INCOMPLETE_META)) === ABSENT_META) return true;
    return this.#limits.evictable(chunk.words[(place << 1) + REPLICA_WORD], chunk.floats[place + COUNTER_FLOAT]);
  }

  #hashAt(chunk: Chunk, place: number): number {
    const length = keyLengthOf(chunk.words[(place << 1) + LENGTHS_WORD]);
    return this.#limits.hashOf(chunk.bytes, (place << 3) + HEAD_BYTES, length);
  }

  #evict(chunk: Chunk, place: number, remember: boolean): void {
    const hash = this.#hashAt(chunk, place);
    if (remember) this.ghost.add(hash, this.#index.count);
    if ((chunk.words[(place << 1) + META_WORD] & INCOMPLETE_META) !== 0) this.#limits.incompleteLeaves(chunk.base + place, hash);
    const timestamp = chunk.floats[place + TIMESTAMP_FLOAT];
    if (timestamp > this.latestGone) this.latestGone = timestamp;
    this.#index.remove(hash, chunk.base + place);
    this.#arena.kill(chunk.base + place);
    (chunk.queue as ChunkQueue).barren = 0;
    this.evictions++;
  }

  /** Moves the entry to the end of a queue, without room to spare. A chunk with one large entry moves as it is. */
  #move(chunk: Chunk, place: number, queue: ChunkQueue, uses: number): void {
    const word = place << 1;
    const { words } = chunk;
    const meta = words[word + META_WORD];
    if (chunk.units !== this.#arena.chunkUnits) {
      words[META_WORD] = (meta & ~USES_MASK) | uses;
      this.#current = null;
      (chunk.queue as ChunkQueue).unlink(chunk);
      queue.append(chunk);
      return;
    }
    const lengths = words[word + LENGTHS_WORD];
    const expires = (meta & EXPIRES) !== 0;
    const units = unitsFor(keyLengthOf(lengths), valueLengthOf(lengths), expires);
    const to = this.allocate(units, queue);
    const target = this.#arena.chunks[to >>> this.#arena.shift];
    const targetPlace = to & this.#arena.mask;
    copyUnits(chunk, place, units, target, targetPlace);
    target.words[targetPlace << 1] = (units << UNITS_SHIFT) | (meta & ~USES_MASK & ((1 << UNITS_SHIFT) - 1)) | uses;
    if (expires) target.floats[targetPlace + units - 1] = chunk.floats[place + (meta >>> UNITS_SHIFT) - 1];
    this.#index.move(this.#hashAt(chunk, place), chunk.base + place, to);
    this.#arena.kill(chunk.base + place);
  }
}

const LOOP_UNITS_MAX = 32;

function copyUnits(source: Chunk, from: number, units: number, target: Chunk, to: number): void {
  if (units > LOOP_UNITS_MAX) {
    target.floats.set(source.floats.subarray(from, from + units), to);
    return;
  }
  const { words } = source;
  const out = target.words;
  const shift = (to - from) << 1;
  const end = (from + units) << 1;
  for (let word = from << 1; word < end; word++) out[word + shift] = words[word];
}
