// A first-in first-out queue in an array: shifting the head of a plain array costs as much as the array is long.

/** Items keep the sequence number that they got when they were pushed: 0, 1, 2 … */
export class Queue<Item> {
  #items: (Item | undefined)[] = [];
  #head = 0;
  /** Sequence number of the head. */
  base = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  /** Sequence number that the next pushed item gets. */
  get end(): number {
    return this.base + this.length;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  peek(): Item | undefined {
    return this.#items[this.#head];
  }

  /** The item with this sequence number, undefined outside of `base` to `end`. */
  at(sequence: number): Item | undefined {
    return sequence < this.base ? undefined : this.#items[this.#head + sequence - this.base];
  }

  shift(): Item | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head += 1;
    this.base += 1;
    // The dead half is cut off when it is the greater one, so that each item is moved once on average.
    if (this.#head > 64 && this.#head * 2 > this.#items.length) {
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
    return item;
  }
}
