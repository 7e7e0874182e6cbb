// How applied writes get into the cache (I4): the winner of each key, and what is not in memory as incomplete.

import { ABSENT, INCOMPLETE, MERGED, SURE, TOMBSTONE } from "../cache/cache.js";
import { staysInRing } from "./own-keys.js";
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
    if (staysInRing(bytes, keyAt, keyLength)) return;
    const { cache } = this.#node;
    const hash = cache.hash(bytes, keyAt, keyLength);
    const at = cache.find(bytes, keyAt, keyLength, hash);
    let state = (flags & CHANGE_DELETES) !== 0 ? TOMBSTONE : 0;
    if (at === 0) {
      state |= this.#node.freshFlags() | this.#sure(timestamp);
      this.#keepAbsence(hash, bytes, keyAt, keyLength, counter);
    } else if (this.#node.wins(timestamp, this.#replica, cache.timestamp(at), cache.replica(at))) {
      // A placeholder: the key is being loaded.
      if (cache.replica(at) === 0 && (cache.flags(at) & INCOMPLETE) !== 0) this.#keepAbsence(hash, bytes, keyAt, keyLength, counter);
      state |= this.#supersede(at, hash, timestamp, counter);
    } else {
      if (timestamp === cache.timestamp(at) && this.#replica === cache.replica(at)) return;
      // A snapshot may hold this write, and not the one that it loses against.
      if (cache.versions.isOn)
        cache.versions.keep(hash, bytes, keyAt, keyLength, bytes, valueAt, valueLength, state, timestamp, this.#replica, counter, expiresAt, 0, 0);
      if ((cache.flags(at) & INCOMPLETE) !== 0) cache.setFlags(at, cache.flags(at) | MERGED);
      return;
    }
    // What would be absent otherwise is loaded anew: what was loaded before this deletion must not be shown after it.
    if ((flags & CHANGE_DELETES) !== 0 && this.#node.isLoaded(bytes, keyAt, keyLength)) state |= at === 0 ? INCOMPLETE : INCOMPLETE | MERGED | SURE;
    cache.put(bytes, keyAt, keyLength, bytes, valueAt, valueLength, state, timestamp, this.#replica, counter, expiresAt, hash);
  }

  /** Keeps for snapshots that there was nothing before the key's first write, as long as a key without an entry was never written. */
  #keepAbsence(hash: number, bytes: Uint8Array, keyAt: number, keyLength: number, counter: number): void {
    const { cache } = this.#node;
    if (cache.unseenUpTo > 0 || !cache.versions.isOn) return;
    cache.versions.keep(hash, bytes, keyAt, keyLength, bytes, keyAt, 0, ABSENT, 0, 0, 0, 0, this.#replica, counter);
  }

  /** Whether an incomplete entry with this timestamp is the winner nevertheless. */
  #sure(timestamp: number): number {
    return this.#node.outranksUnseen(timestamp) ? SURE : 0;
  }

  /** Keeps the entry that is overwritten, and says what its successor has to be marked with. */
  #supersede(at: number, hash: number, timestamp: number, counter: number): number {
    const { cache } = this.#node;
    const flags = cache.flags(at);
    if ((flags & INCOMPLETE) === 0) {
      cache.keep(at, hash, this.#replica, counter);
      return 0;
    }
    // A placeholder stands for no write.
    if (cache.replica(at) === 0) return INCOMPLETE | this.#sure(timestamp);
    if ((flags & SURE) !== 0) {
      cache.keep(at, hash, this.#replica, counter);
      return INCOMPLETE | MERGED | SURE;
    }
    cache.keep(at, hash, 0, 0);
    return INCOMPLETE | MERGED | this.#sure(timestamp);
  }
}
