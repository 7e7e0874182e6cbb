// The way from a key to its entry: extendible hashing. The top bits of the hash choose a table through the directory, the low
// 16 bits choose the place in it; from there, the next free slot is taken. A table grows by a quarter at a time and is split in
// two when it is large, so that no growth holds an operation for long and the memory is never far from what is needed.
//
// A slot is the whole hash beside the position: a key that is not meant almost never costs a look into the arena, and a table
// is rebuilt without one. Removing closes the gap, so that there are no marks of removed slots to go through.

import type { Arena } from "./arena.js";

const SLOTS_MIN = 32;
const SLOTS_MAX = 4096;
/** The low 16 bits are for the place in the table, so the directory has no more than the other 16. */
const DEPTH_MAX = 16;
const SLOT_BYTES = 8;
const POINTER_BYTES = 8;

class Table {
  /** Hash and position by turns; position 0 is an empty slot. */
  slots: Int32Array;
  count = 0;
  /** Bits of the hash that all keys of the table have in common. */
  readonly depth: number;

  constructor(capacity: number, depth: number) {
    this.slots = new Int32Array(capacity * 2);
    this.depth = depth;
  }
}

function homeOf(hash: number, capacity: number): number {
  return Math.imul(hash & 0xffff, capacity) >>> 16;
}

/** Slots for a table of so many keys that it can grow by a quarter before it is four fifths full. */
function capacityFor(count: number): number {
  return Math.max(SLOTS_MIN, Math.ceil(count / 0.64));
}

function place(slots: Int32Array, hash: number, at: number): void {
  const capacity = slots.length >>> 1;
  let slot = homeOf(hash, capacity);
  while (slots[(slot << 1) + 1] !== 0) if (++slot === capacity) slot = 0;
  slots[slot << 1] = hash;
  slots[(slot << 1) + 1] = at;
}

export class KeyIndex {
  /** Bytes of tables and directory. */
  bytes = 0;
  count = 0;
  readonly #arena: Arena;
  #directory: Table[];
  /** Bits of the directory; at least one, because a shift by 32 would be none. */
  #depth = 1;
  #shift = 31;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.#directory = [this.#table(SLOTS_MIN, 1), this.#table(SLOTS_MIN, 1)];
    this.bytes += 2 * POINTER_BYTES;
  }

  /** Position of the entry of this key, 0 where there is none. */
  find(hash: number, bytes: Uint8Array, start: number, length: number): number {
    const slots = this.#directory[hash >>> this.#shift].slots;
    const end = slots.length;
    let slot = homeOf(hash, end >>> 1) << 1;
    for (;;) {
      const at = slots[slot + 1];
      if (at === 0) return 0;
      if (slots[slot] === hash && this.#arena.matches(at, bytes, start, length)) return at;
      slot += 2;
      if (slot === end) slot = 0;
    }
  }

  /** Adds a key that the index does not have. */
  insert(hash: number, at: number): void {
    const table = this.#directory[hash >>> this.#shift];
    place(table.slots, hash, at);
    table.count++;
    this.count++;
    if (table.count * 10 > table.slots.length * 4) this.#grow(table, hash);
  }

  /** Says that the entry at `from` is now at `to`. */
  move(hash: number, from: number, to: number): void {
    const { slots } = this.#directory[hash >>> this.#shift];
    slots[this.#slotOf(slots, hash, from) + 1] = to;
  }

  /** Removes the key of the entry at this position. */
  remove(hash: number, at: number): void {
    const table = this.#directory[hash >>> this.#shift];
    const { slots } = table;
    const capacity = slots.length >>> 1;
    let hole = this.#slotOf(slots, hash, at) >>> 1;
    let slot = hole;
    for (;;) {
      if (++slot === capacity) slot = 0;
      if (slots[(slot << 1) + 1] === 0) break;
      // A slot may move into the hole unless its home lies behind the hole: then it would no longer be found.
      let fromHome = slot - homeOf(slots[slot << 1], capacity);
      if (fromHome < 0) fromHome += capacity;
      let fromHole = slot - hole;
      if (fromHole < 0) fromHole += capacity;
      if (fromHome < fromHole) continue;
      slots[hole << 1] = slots[slot << 1];
      slots[(hole << 1) + 1] = slots[(slot << 1) + 1];
      hole = slot;
    }
    slots[hole << 1] = slots[(hole << 1) + 1] = 0;
    this.count--;
    table.count--;
    if (table.count * 5 < capacity && capacity > SLOTS_MIN) this.#reduce(table, hash);
  }

  /** All pairs of hash and position, for the check in tests. */
  *pairs(): Iterable<readonly [hash: number, at: number]> {
    for (const table of new Set(this.#directory)) {
      for (let slot = 0; slot < table.slots.length; slot += 2) {
        if (table.slots[slot + 1] !== 0) yield [table.slots[slot], table.slots[slot + 1]];
      }
    }
  }

  #slotOf(slots: Int32Array, hash: number, at: number): number {
    const end = slots.length;
    let slot = homeOf(hash, end >>> 1) << 1;
    while (slots[slot + 1] !== at) {
      slot += 2;
      if (slot === end) slot = 0;
    }
    return slot;
  }

  #table(capacity: number, depth: number): Table {
    this.bytes += capacity * SLOT_BYTES;
    return new Table(capacity, depth);
  }

  #grow(table: Table, hash: number): void {
    if (table.slots.length >>> 1 >= SLOTS_MAX && table.depth < DEPTH_MAX) this.#split(table, hash);
    else this.#resize(table, capacityFor(table.count));
  }

  #resize(table: Table, capacity: number): void {
    const old = table.slots;
    table.slots = new Int32Array(capacity * 2);
    this.bytes += (capacity - (old.length >>> 1)) * SLOT_BYTES;
    for (let slot = 0; slot < old.length; slot += 2) if (old[slot + 1] !== 0) place(table.slots, old[slot], old[slot + 1]);
  }

  #split(table: Table, hash: number): void {
    if (table.depth === this.#depth) this.#doubleDirectory();
    const depth = table.depth + 1;
    const old = table.slots;
    let ones = 0;
    for (let slot = 0; slot < old.length; slot += 2) if (old[slot + 1] !== 0) ones += (old[slot] >>> (32 - depth)) & 1;
    const low = this.#table(capacityFor(table.count - ones), depth);
    const high = this.#table(capacityFor(ones), depth);
    low.count = table.count - ones;
    high.count = ones;
    for (let slot = 0; slot < old.length; slot += 2) {
      if (old[slot + 1] !== 0) place(((old[slot] >>> (32 - depth)) & 1 ? high : low).slots, old[slot], old[slot + 1]);
    }
    this.bytes -= (old.length >>> 1) * SLOT_BYTES;
    const prefix = (hash >>> (32 - depth)) & ~1;
    this.#enter(low, prefix);
    this.#enter(high, prefix + 1);
  }

  #doubleDirectory(): void {
    const old = this.#directory;
    const directory: Table[] = [];
    for (const table of old) directory.push(table, table);
    this.#directory = directory;
    this.#depth++;
    this.#shift--;
    this.bytes += old.length * POINTER_BYTES;
  }

  /** Makes the directory show the table for all hashes that begin with the prefix. */
  #enter(table: Table, prefix: number): void {
    const spread = this.#depth - table.depth;
    this.#directory.fill(table, prefix << spread, (prefix + 1) << spread);
  }

  /** Gives back what a table has too much, and joins it with its other half when both are small. */
  #reduce(table: Table, hash: number): void {
    const prefix = hash >>> (32 - table.depth);
    const other = this.#directory[(prefix ^ 1) << (this.#depth - table.depth)];
    if (table.depth === 1 || other.depth !== table.depth || table.count + other.count > SLOTS_MAX >>> 2) {
      this.#resize(table, capacityFor(table.count));
      return;
    }
    const joined = this.#table(capacityFor(table.count + other.count), table.depth - 1);
    joined.count = table.count + other.count;
    for (const { slots } of [table, other]) {
      for (let slot = 0; slot < slots.length; slot += 2) if (slots[slot + 1] !== 0) place(joined.slots, slots[slot], slots[slot + 1]);
      this.bytes -= (slots.length >>> 1) * SLOT_BYTES;
    }
    this.#enter(joined, prefix >>> 1);
  }
}
