// Randomness from a printed seed: which films, users, hosts and nodes. (When things happen is the machine's business, so runs are alike, not equal.)

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). Mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** An index below `limit`, small ones much more often: a few films are what everybody talks about. */
  popular(limit: number): number {
    return Math.floor(limit ** this.next()) - 1;
  }
}
