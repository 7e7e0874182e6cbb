// A chunk of the arena, and the queue of chunks that eviction goes through. Entries are appended to a queue's open chunk, so
// that a chunk holds entries of about one age, and a whole chunk is free at once when its last entry is gone.

import { UNIT_BYTES } from "./entry.js";

export class Chunk {
  /** The same memory four times. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly words: Uint32Array;
  readonly floats: Float64Array;
  readonly units: number;
  /** Position of the first unit; 0 while the chunk is in no queue. */
  base = 0;
  /** Units up to which entries stand, dead ones included. */
  fill = 0;
  /** Units of live entries. */
  live = 0;
  /** Units up to which this lap of eviction has looked. */
  scanned = 0;
  /** Whether the chunk waits to have its few live entries moved elsewhere. */
  sparse = false;
  queue: ChunkQueue | null = null;
  next: Chunk | null = null;
  previous: Chunk | null = null;

  constructor(units: number) {
    const buffer = new ArrayBuffer(units * UNIT_BYTES);
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.words = new Uint32Array(buffer);
    this.floats = new Float64Array(buffer);
    this.units = units;
  }
}

/** Chunks from the oldest to the newest. */
export class ChunkQueue {
  oldest: Chunk | null = null;
  newest: Chunk | null = null;
  /** The chunk that takes new entries. */
  open: Chunk | null = null;
  chunks = 0;
  /** Units of live entries in all its chunks. */
  live = 0;
  /** Chunks that eviction went through without freeing one, since it last freed one. */
  barren = 0;

  append(chunk: Chunk): void {
    chunk.queue = this;
    chunk.next = null;
    chunk.previous = this.newest;
    if (this.newest === null) this.oldest = chunk;
    else this.newest.next = chunk;
    this.newest = chunk;
    this.chunks++;
    this.live += chunk.live;
  }

  unlink(chunk: Chunk): void {
    if (chunk.previous === null) this.oldest = chunk.next;
    else chunk.previous.next = chunk.next;
    if (chunk.next === null) this.newest = chunk.previous;
    else chunk.next.previous = chunk.previous;
    chunk.queue = chunk.next = chunk.previous = null;
    if (this.open === chunk) this.open = null;
    this.chunks--;
    this.live -= chunk.live;
  }
}
