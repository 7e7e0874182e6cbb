// A set of writes by number, as bits: the causal pasts of all operations of a run are unions of one another.

export class WriteSet {
  readonly #words: Uint32Array;

  private constructor(words: Uint32Array) {
    this.#words = words;
  }

  /** An empty set that can hold the numbers below `capacity`. */
  static empty(capacity: number): WriteSet {
    return new WriteSet(new Uint32Array((capacity + 31) >>> 5));
  }

  has(write: number): boolean {
    return (this.#words[write >>> 5] & (1 << (write & 31))) !== 0;
  }

  add(write: number): void {
    this.#words[write >>> 5] |= 1 << (write & 31);
  }

  addAll(other: WriteSet): void {
    for (let word = 0; word < this.#words.length; word++) this.#words[word] |= other.#words[word];
  }

  copy(): WriteSet {
    return new WriteSet(this.#words.slice());
  }
}
