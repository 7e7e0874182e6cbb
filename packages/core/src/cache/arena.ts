// The memory of the entries: chunks of one size, and a chunk of its own for each entry that is large against that size.
// Freed chunks are kept for the next need, because a chunk given back to the engine costs a garbage collection and zeroing.
//
// A position is a number of units: the chunk's number times the units of a chunk, plus the place in the chunk. It stays
// below 2^31, so that the engine never allocates for it; with units of 8 bytes that is 16 GiB. 0 is no position.

import { Chunk, type ChunkQueue } from "./chunk.js";
import { HEAD_BYTES, LENGTHS_WORD, LIVE, META_WORD, UNITS_SHIFT, UNIT_BYTES, keyLengthOf } from "./entry.js";

const POSITIONS = 2 ** 31;
const CHUNK_BYTES_MIN = 4 * 1024;
const CHUNK_BYTES_MAX = 1024 * 1024;
/** Chunks that a cache is cut into, where their size allows it: fine enough for queues of a tenth, coarse enough to cost nothing. */
const CHUNKS_WANTED = 128;
/** Large chunks kept for reuse; they rarely fit the next need, so few of them. */
const SPARE_LARGE_MAX = 4;

export class Arena {
  /** By number; number 0 is never given out. */
  readonly chunks: Chunk[] = [new Chunk(0)];
  readonly chunkUnits: number;
  readonly shift: number;
  readonly mask: number;
  /** Entries above this many units get a chunk of their own: what a chunk's end wastes stays below a quarter. */
  readonly sharedUnitsMax: number;
  /** Bytes of the chunks in queues. */
  usedBytes = 0;
  /** Bytes of the chunks that wait to be used again. */
  spareBytes = 0;
  readonly #spare: Chunk[] = [];
  readonly #spareLarge: Chunk[] = [];
  readonly #freeNumbers: number[] = [];
  readonly #numbersMax: number;

  constructor(bytesMax: number) {
    let bytes = CHUNK_BYTES_MIN;
    while (bytes < CHUNK_BYTES_MAX && bytes * 2 * CHUNKS_WANTED <= bytesMax) bytes *= 2;
    this.chunkUnits = bytes / UNIT_BYTES;
    this.shift = 31 - Math.clz32(this.chunkUnits);
    this.mask = this.chunkUnits - 1;
    this.sharedUnitsMax = this.chunkUnits >>> 2;
    this.#numbersMax = POSITIONS / this.chunkUnits;
  }

  get chunkBytes(): number {
    return this.chunkUnits * UNIT_BYTES;
  }

  /** Chunk numbers that can still be given out. */
  get numbersLeft(): number {
    return this.#numbersMax - this.chunks.length + this.#freeNumbers.length;
  }

  /** Appends room for an entry to the queue and returns its position. The caller writes the entry's meta word at once. */
  allocate(units: number, queue: ChunkQueue): number {
    if (units > this.sharedUnitsMax) return this.#take(units, queue, this.#pickLarge(units)).base;
    let chunk = queue.open;
    if (chunk === null || chunk.fill + units > chunk.units) {
      chunk = this.#take(0, queue, this.#spare.pop());
      queue.open = chunk;
    }
    const at = chunk.base + chunk.fill;
    chunk.fill += units;
    chunk.live += units;
    queue.live += units;
    return at;
  }

  /** Marks the entry dead and returns its chunk. */
  kill(at: number): Chunk {
    const chunk = this.chunks[at >>> this.shift];
    const word = (at & this.mask) << 1;
    const meta = chunk.words[word + META_WORD];
    this.shrink(chunk, meta >>> UNITS_SHIFT);
    chunk.words[word + META_WORD] = meta & ~LIVE;
    return chunk;
  }

  /** Counts units of the chunk as dead. */
  shrink(chunk: Chunk, units: number): void {
    chunk.live -= units;
    (chunk.queue as ChunkQueue).live -= units;
  }

  /** Takes a chunk without live entries out of its queue and keeps its memory if `keep`. */
  release(chunk: Chunk, keep: boolean): void {
    const number = chunk.base >>> this.shift;
    chunk.queue?.unlink(chunk);
    this.chunks[number] = this.chunks[0];
    this.#freeNumbers.push(number);
    chunk.base = chunk.fill = chunk.live = chunk.scanned = 0;
    chunk.sparse = false;
    this.usedBytes -= chunk.bytes.length;
    if (!keep) return;
    const list = chunk.units === this.chunkUnits ? this.#spare : this.#spareLarge;
    list.push(chunk);
    this.spareBytes += chunk.bytes.length;
    if (list === this.#spareLarge && list.length > SPARE_LARGE_MAX) this.spareBytes -= (list.shift() as Chunk).bytes.length;
  }

  /** Gives the memory of one spare chunk back to the engine. */
  dropSpare(): void {
    const chunk = this.#spareLarge.shift() ?? this.#spare.pop();
    if (chunk !== undefined) this.spareBytes -= chunk.bytes.length;
  }

  /** Whether the entry has exactly this key. */
  matches(at: number, bytes: Uint8Array, start: number, length: number): boolean {
    const chunk = this.chunks[at >>> this.shift];
    const unit = at & this.mask;
    if (keyLengthOf(chunk.words[(unit << 1) + LENGTHS_WORD]) !== length) return false;
    const own = chunk.bytes;
    const keyStart = (unit << 3) + HEAD_BYTES;
    for (let place = 0; place < length; place++) if (own[keyStart + place] !== bytes[start + place]) return false;
    return true;
  }

  #take(largeUnits: number, queue: ChunkQueue, spare: Chunk | undefined): Chunk {
    const chunk = spare ?? new Chunk(largeUnits || this.chunkUnits);
    if (spare !== undefined) this.spareBytes -= chunk.bytes.length;
    const number = this.#freeNumbers.pop() ?? this.chunks.length;
    if (number >= this.#numbersMax) throw new RangeError("the cache holds more unflushed entries than it has positions for");
    this.chunks[number] = chunk;
    chunk.base = number * this.chunkUnits;
    chunk.fill = chunk.live = largeUnits;
    this.usedBytes += chunk.bytes.length;
    queue.append(chunk);
    return chunk;
  }

  #pickLarge(units: number): Chunk | undefined {
    const list = this.#spareLarge;
    const place = list.findIndex((chunk) => chunk.units >= units && chunk.units * 3 <= units * 4);
    return place < 0 ? undefined : list.splice(place, 1)[0];
  }
}
