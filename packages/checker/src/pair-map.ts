// A map from pairs of numbers to a number, in arrays: a million entries in a Map whose keys are no small integers cost the garbage collector more than everything else that is judged.

const ABSENT = -1;
const FIELDS = 3;

export class PairMap {
  readonly #mask: number;
  /** Slots of three: both parts of the key, and the value. */
  readonly #slots: Int32Array;

  /** `entries` is how many there will be at most. */
  constructor(entries: number) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(8, entries * 2)));
    this.#mask = slots - 1;
    this.#slots = new Int32Array(slots * FIELDS).fill(ABSENT);
  }

  /** -1 where there is none. All numbers are from 0 on. */
  get(first: number, second: number): number {
    return this.#slots[this.#slotOf(first, second) + 2];
  }

  set(first: number, second: number, value: number): void {
    const slot = this.#slotOf(first, second);
    this.#slots[slot] = first;
    this.#slots[slot + 1] = second;
    this.#slots[slot + 2] = value;
  }

  /** Where the pair is, or would be: linear probing, since at least every other slot is free. */
  #slotOf(first: number, second: number): number {
    let hash = Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
    let index = (hash ^ (hash >>> 13)) & this.#mask;
    for (;;) {
      const slot = index * FIELDS;
      const found = this.#slots[slot];
      if (found === ABSENT || (found === first && this.#slots[slot + 1] === second)) return slot;
      index = (index + 1) & this.#mask;
    }
  }
}
