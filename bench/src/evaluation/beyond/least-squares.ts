// Costs from measurements: the least squares under the condition that nothing costs less than nothing.

const ROUNDS = 2_000;
/** A round that changes no cost by more than this share is the last. */
const ENOUGH = 1e-6;

/** Sums over samples of how often each thing happened and of what that took together. */
export class Samples {
  readonly #size: number;
  /** Products of counts with counts, and of counts with totals. */
  readonly #products: Float64Array;
  readonly #totals: Float64Array;

  constructor(size: number) {
    this.#size = size;
    this.#products = new Float64Array(size * size);
    this.#totals = new Float64Array(size);
  }

  add(counts: readonly number[], total: number): void {
    for (let row = 0; row < this.#size; row++) {
      if (counts[row] === 0) continue;
      this.#totals[row] += counts[row] * total;
      for (let column = 0; column < this.#size; column++) this.#products[row * this.#size + column] += counts[row] * counts[column];
    }
  }

  /** What each thing costs; 0 for what has not happened. One cost after the other is set to what is best for it, until none moves. */
  solve(): number[] {
    const costs = new Array<number>(this.#size).fill(0);
    for (let round = 0; round < ROUNDS; round++) {
      let moved = false;
      for (let row = 0; row < this.#size; row++) {
        const own = this.#products[row * this.#size + row];
        if (own === 0) continue;
        let rest = this.#totals[row];
        for (let column = 0; column < this.#size; column++) if (column !== row) rest -= this.#products[row * this.#size + column] * costs[column];
        const cost = Math.max(0, rest / own);
        if (Math.abs(cost - costs[row]) > ENOUGH * cost) moved = true;
        costs[row] = cost;
      }
      if (!moved) break;
    }
    return costs;
  }
}
