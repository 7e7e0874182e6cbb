// A bounded number of things, of which the oldest goes when one too many comes. For what strangers can cause: refusing the newest would shut out
// honest ones, who are done long before their turn comes.

export class OldestFirst<Item> {
  readonly #max: number;
  readonly #drop: (item: Item) => void;
  readonly #items = new Set<Item>();

  constructor(max: number, drop: (item: Item) => void) {
    this.#max = max;
    this.#drop = drop;
  }

  add(item: Item): void {
    this.#items.add(item);
    if (this.#items.size <= this.#max) return;
    const [oldest] = this.#items;
    this.#items.delete(oldest);
    this.#drop(oldest);
  }

  delete(item: Item): void {
    this.#items.delete(item);
  }
}
