// How applied writes get into the cache (I4): the winner of each key, and what is not in memory as incomplete.

import { INCOMPLETE, TOMBSTONE } from "../cache/cache.js";
import type { Node } from "./node.js";
import { CHANGE_DELETES, type ChangeVisitor } from "./segment.js";

/** Puts the changes of applied writes into the cache. */
export class Applier implements ChangeVisitor {
  readonly #node: Node;
  #replica = 0;

  constructor(node: Node) {
    this.#node = node;
  }

  begin(replica: number): void {
    this.#replica = replica;
  }

  change(
    bytes: Uint8Array,
    keyAt: number,
    keyLength: number,
    valueAt: number,
    valueLength: number,
    flags: number,
    timestamp: number,
    counter: number,
    expiresAt: number,
  ): void {
    const { cache } = this.#node;
    const hash = cache.hash(bytes, keyAt, keyLength);
    const at = cache.find(bytes, keyAt, keyLength, hash);
    let state = (flags & CHANGE_DELETES) !== 0 ? TOMBSTONE : 0;
    if (at === 0) state |= this.#node.freshFlags();
    else if (this.#node.wins(timestamp, this.#replica, cache.timestamp(at), cache.replica(at))) state |= cache.flags(at) & INCOMPLETE;
    else return;
    // What would be absent otherwise is loaded anew: what was loaded before this deletion must not be shown after it.
    if ((flags & CHANGE_DELETES) !== 0 && this.#node.isLoaded(bytes, keyAt, keyLength)) state |= INCOMPLETE;
    cache.put(bytes, keyAt, keyLength, bytes, valueAt, valueLength, state, timestamp, this.#replica, counter, expiresAt, hash);
  }
}
