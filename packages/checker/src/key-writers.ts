// The writers of one key by chain, in the order of each chain. The newest of all chains lie next to each other, since every read of the key goes through them.

const FIELDS = 3;
const CAPACITY = 2;

export class KeyWriters {
  /** How many chains have written the key. */
  chains = 0;
  /** By chain that wrote the key: its number, the position of its newest writer, and that writer. */
  #newest = new Int32Array(CAPACITY * FIELDS);
  /** By chain that wrote the key: the positions and the transactions of the others, in their order; undefined where there are none. */
  readonly #others: ({ readonly positions: number[]; readonly transactions: number[] } | undefined)[] = [];

  /** `index` is that of the chain here, or -1 where this is its first writer; returns it. */
  add(index: number, chain: number, position: number, transaction: number): number {
    const at = (index < 0 ? this.chains : index) * FIELDS;
    if (index < 0) this.#open(chain);
    else {
      const others = (this.#others[index] ??= { positions: [], transactions: [] });
      others.positions.push(this.#newest[at + 1]);
      others.transactions.push(this.#newest[at + 2]);
    }
    this.#newest[at + 1] = position;
    this.#newest[at + 2] = transaction;
    return at / FIELDS;
  }

  #open(chain: number): void {
    const at = this.chains * FIELDS;
    if (at === this.#newest.length) {
      const grown = new Int32Array(at * 2);
      grown.set(this.#newest);
      this.#newest = grown;
    }
    this.#newest[at] = chain;
    this.#others.push(undefined);
    this.chains += 1;
  }

  chainAt(index: number): number {
    return this.#newest[index * FIELDS];
  }

  /** The last writer of a chain at a position above `above` and at most `bound`; -1 where there is none. */
  lastWithin(index: number, above: number, bound: number): number {
    const at = index * FIELDS;
    const position = this.#newest[at + 1];
    if (position <= above) return -1;
    if (position <= bound) return this.#newest[at + 2];
    const others = this.#others[index];
    if (others === undefined) return -1;
    const last = lastIndexWithin(others.positions, bound);
    return last < 0 || others.positions[last] <= above ? -1 : others.transactions[last];
  }
}

/** The index of the last number that is at most `bound` in an ascending list; -1 where there is none. Looks at the end first: what is asked for is mostly new. */
function lastIndexWithin(list: readonly number[], bound: number): number {
  let step = 1;
  let high = list.length;
  while (high - step >= 0 && list[high - step] > bound) {
    high -= step;
    step *= 2;
  }
  let low = Math.max(0, high - step);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle] <= bound) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
