// Randomness that can be had again: every draw of a simulated run comes from one seed. Own code rather than a package,
// because a seed printed today must give the same run after the next upgrade.

const TWO_TO_32 = 2 ** 32;

/** splitmix32: turns a seed, and then each of its states, into well mixed 32 bits. */
function splitmix(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e37_79b9) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0_aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a_2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/** xoshiro128**: 128 bits of state, and far longer periods than any run needs. */
export class SeededRandom {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** Any safe integer; seeds that differ only above 2^32 give different runs too. */
  constructor(seed: number) {
    const low = splitmix(seed % TWO_TO_32);
    const high = splitmix(Math.floor(seed / TWO_TO_32) ^ low());
    this.#a = low();
    this.#b = low() ^ high();
    this.#c = low();
    this.#d = high() | 1;
  }

  /** Bound, so that it can be handed over as a `Random`. In [0, 1) with 32 bits. */
  readonly next = (): number => {
    const result = Math.imul(rotateLeft(Math.imul(this.#b, 5), 7), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotateLeft(this.#d, 11);
    return result / TWO_TO_32;
  };

  /** A stream of its own, so that drawing more here does not change what is drawn there. */
  split(): SeededRandom {
    return new SeededRandom(this.next() * TWO_TO_32 + Math.floor(this.next() * 2 ** 20) * TWO_TO_32);
  }

  /** An integer from `min` to `max`, both included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  between(min: number, max: number): number {
    return min + this.next() * (max - min);
  }

  /** Between `min` and `max` with even odds for every order of magnitude: delays and sizes differ by factors, not by amounts. */
  magnitude(min: number, max: number): number {
    return min * (max / min) ** this.next();
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.int(0, items.length - 1)];
  }

  /** A copy in random order. */
  shuffle<Item>(items: readonly Item[]): Item[] {
    const copy = [...items];
    for (let last = copy.length - 1; last > 0; last--) {
      const other = this.int(0, last);
      [copy[last], copy[other]] = [copy[other], copy[last]];
    }
    return copy;
  }

  /** `count` different items, in random order; all of them where there are fewer. */
  sample<Item>(items: readonly Item[], count: number): Item[] {
    return this.shuffle(items).slice(0, count);
  }
}
