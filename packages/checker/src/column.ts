// A growing list of integers outside the heap's pointers: a million of them are four megabytes, and nothing for the garbage collector to look at.

export class Column {
  length = 0;
  #data: Int32Array;

  constructor(capacity = 16) {
    this.#data = new Int32Array(capacity);
  }

  push(value: number): void {
    if (this.length === this.#data.length) {
      const grown = new Int32Array(this.length * 2);
      grown.set(this.#data);
      this.#data = grown;
    }
    this.#data[this.length++] = value;
  }

  at(index: number): number {
    return this.#data[index];
  }

  set(index: number, value: number): void {
    this.#data[index] = value;
  }

  /** What it holds, without a copy; the column must not grow any more. */
  view(): Int32Array {
    return this.#data.subarray(0, this.length);
  }
}

/** Lists of integers, one for each number from 0 on: the list of `i` is `items[from[i]]` to before `items[from[i + 1]]`. */
export interface Lists {
  readonly from: Int32Array;
  readonly items: Int32Array;
}

/** Gathers pairs (i, item) into lists, in their order. */
export function gather(size: number, owners: Int32Array, items: Int32Array): Lists {
  const from = new Int32Array(size + 1);
  for (const owner of owners) from[owner + 1] += 1;
  for (let index = 0; index < size; index++) from[index + 1] += from[index];
  const at = from.slice();
  const gathered = new Int32Array(items.length);
  for (let index = 0; index < items.length; index++) gathered[at[owners[index]]++] = items[index];
  return { from, items: gathered };
}
