// The keys of the store in UTF-8 byte order, sorted only when somebody scans: writes to a map cost nothing extra.

import { compareKeys } from "@causalmesh/adapter-kit";

export class KeyIndex {
  #sorted: string[] = [];
  /** Keys that came since the last scan, in the order of their arrival. */
  #fresh: string[] = [];

  /** Adds a key that is not there yet. */
  add(key: string): void {
    this.#fresh.push(key);
  }

  /** Up to `limit` keys that start with `prefix` and stand after `cursor`. */
  page(prefix: string, cursor: string | undefined, limit: number): string[] {
    this.#sort();
    const keys = this.#sorted;
    let at = this.#firstNotBefore(prefix);
    if (cursor !== undefined) {
      const after = this.#firstNotBefore(cursor);
      at = Math.max(at, keys[after] === cursor ? after + 1 : after);
    }
    const page: string[] = [];
    for (; at < keys.length && page.length < limit && keys[at].startsWith(prefix); at++) page.push(keys[at]);
    return page;
  }

  #firstNotBefore(key: string): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareKeys(this.#sorted[middle], key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Merges the fresh keys into the sorted ones: a few writes between two scans do not cost a sort of everything. */
  #sort(): void {
    if (this.#fresh.length === 0) return;
    const fresh = this.#fresh.sort(compareKeys);
    const old = this.#sorted;
    const merged: string[] = [];
    let next = 0;
    for (const key of fresh) {
      while (next < old.length && compareKeys(old[next], key) < 0) merged.push(old[next++]);
      merged.push(key);
    }
    while (next < old.length) merged.push(old[next++]);
    this.#sorted = merged;
    this.#fresh = [];
  }
}
