// Which keys are asked for, where a few take most of the requests.

/** Keys by a Zipf distribution: the n-th most wanted is asked for n^-skew times as often as the first. */
export class Zipf {
  readonly #sums: Float64Array;
  readonly #random: () => number;

  constructor(count: number, skew: number, random: () => number) {
    this.#sums = new Float64Array(count);
    this.#random = random;
    let sum = 0;
    for (let rank = 0; rank < count; rank++) this.#sums[rank] = sum += (rank + 1) ** -skew;
  }

  /** A rank, from 0. */
  next(): number {
    const wanted = this.#random() * this.#sums[this.#sums.length - 1];
    let [low, high] = [0, this.#sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sums[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Numbers in [0, 1) from a seed, so that all subjects see the same requests. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
