// What a node has made of its shares. Its cache may not show that yet, and what comes next has to go on from it.

import { OWN_SHARES_MAX } from "../limits.js";
import type { Share } from "./change.js";

/** By key. Those that the cache may not show yet have to stay. */
export class OwnShares {
  readonly #shares = new Map<string, { readonly share: Share; readonly counter: number }>();

  get(key: string): Share | undefined {
    return this.#shares.get(key)?.share;
  }

  /** `shown` is the counter up to which the cache shows what this node has written. */
  note(key: string, share: Share, counter: number, shown: number): void {
    this.#shares.set(key, { share, counter });
    if (this.#shares.size <= OWN_SHARES_MAX) return;
    for (const [other, made] of this.#shares) if (made.counter <= shown) this.#shares.delete(other);
  }
}
