// MERGE: changes a value that merges (merging/keys.ts), by making this node's share of it anew. Nobody else writes that share: whoever had it before
// has left, and the store has all of it (protocol/view.ts). So what is added to is the share as this node made it last, which its cache may not show yet;
// or, where it has made none, what the cache or the store has.

import { encodeUtf8 } from "../bytes/utf8.js";
import { ByteReader, MalformedError } from "../bytes/reader.js";
import { MeshError } from "../errors.js";
import { KEY_BYTES_MAX, LOAD_ATTEMPTS_MAX, VALUE_BYTES_MAX } from "../limits.js";
import { encodeShare, readChange, readShare, type Change, type Share } from "../merging/change.js";
import { SHARE_BYTES_MAX, shareKey, shareKeys } from "../merging/keys.js";
import { partsOf } from "../merging/dot.js";
import { changed, type SetShare } from "../merging/member-set.js";
import { added, type CounterShare } from "../merging/counter.js";
import type { Node } from "../protocol/node.js";
import { isMerging, SET } from "../protocol/own-keys.js";
import { DURABILITIES } from "../wire/messages.js";
import type { ClientPort } from "./client-port.js";
import type { Host } from "./host.js";
import type { Level } from "./waiters.js";

export class Merging {
  readonly #host: Host;
  readonly #node: Node;
  readonly #port: ClientPort;
  readonly #reader = new ByteReader();

  constructor(host: Host, port: ClientPort) {
    this.#host = host;
    this.#node = host.node;
    this.#port = port;
  }

  /** Durability, name and change. The bytes must stay during the call only. */
  merge(bytes: Uint8Array, id: number, start: number, end: number, attempts = 0): void {
    const reader = this.#reader;
    reader.reset(bytes, start, end);
    const durability = reader.u8();
    const name = reader.text(KEY_BYTES_MAX - SHARE_BYTES_MAX);
    const change = readChange(name, reader.blob(VALUE_BYTES_MAX));
    reader.finish();
    if (durability >= DURABILITIES.length) throw new MalformedError(`durability ${durability}`);
    if (!isMerging(name)) throw new MalformedError("a change of a key that does not merge");
    const key = shareKey(name, this.#share);
    const before = this.#before(key);
    if (before === undefined) this.#load(bytes.slice(start, end), id, key, attempts);
    else this.#make(id, durability as Level, name, key, before === "none" ? undefined : before, change);
  }

  get #share(): number {
    const { view, replica } = this.#node;
    return view.members.find((member) => member.replica === replica)!.share;
  }

  /** This node's share as it is now; undefined where the store has to be asked. */
  #before(key: string): Share | "none" | undefined {
    return this.#node.madeShare(key) ?? this.#shown(key);
  }

  /** A share as this node shows it. */
  #shown(key: string): Share | "none" | undefined {
    const { cache, clock } = this.#node;
    const bytes = encodeUtf8(key);
    const at = cache.find(bytes, 0, bytes.length);
    if (at === 0 || !this.#port.isShowable(at, false)) return undefined;
    if (!this.#port.hasValue(at, cache.flags(at))) return "none";
    // What is made of it has to win over it, also where the store is older than this clock.
    if (cache.timestamp(at) > clock.latest) this.#node.observe(cache.timestamp(at));
    return cache.read(at, readShare);
  }

  #load(request: Uint8Array, id: number, key: string, attempts: number): void {
    if (attempts >= LOAD_ATTEMPTS_MAX) throw new MeshError("OVERLOADED", "the cache is too small for the keys in use; give the node more cacheBytes");
    const bytes = encodeUtf8(key);
    const place = [0, bytes.length, this.#node.cache.hash(bytes, 0, bytes.length)];
    this.#port.loadThen(id, bytes, place, false, () => this.merge(request, id, 0, request.length, attempts + 1));
  }

  #make(id: number, durability: Level, name: string, key: string, before: Share | undefined, change: Change): void {
    const node = this.#node;
    // The store may have been asked meanwhile.
    this.#port.checkServing();
    const share = this.#after(name, before, change);
    const keyBytes = encodeUtf8(key);
    const value = encodeShare(share);
    const bytes = new Uint8Array(keyBytes.length + value.length);
    bytes.set(keyBytes);
    bytes.set(value, keyBytes.length);
    const valueBytesMax = Math.min(VALUE_BYTES_MAX, this.#host.store.abilities.valueBytesMax);
    if (value.length > valueBytesMax)
      throw new MeshError(
        "VALUE_TOO_LARGE",
        `a node's share of this value would take ${value.length} bytes; at most ${valueBytesMax} are allowed: use several`,
      );
    node.write(1);
    node.change(bytes, 0, keyBytes.length, keyBytes.length, value.length, false, 0);
    node.noteShare(key, share);
    this.#port.made(id, durability);
  }

  #after(name: string, before: Share | undefined, change: Change): Share {
    if (!name.startsWith(SET)) return added(before as CounterShare | undefined, change as CounterShare["last"]);
    const node = this.#node;
    const dot = `${node.replica}:${node.counter + 1}`;
    return changed(before as SetShare | undefined, change as SetShare["last"], dot, this.#others(name), (mark) => node.shows(...partsOf(mark)));
  }

  /** The shares of the others, where all of them are in the cache. */
  #others(name: string): SetShare[] | undefined {
    const mine = this.#share;
    const others: SetShare[] = [];
    for (const [share, key] of shareKeys(name, this.#node.view.shares).entries()) {
      if (share === mine) continue;
      const shown = this.#shown(key);
      if (shown === undefined) return undefined;
      if (shown !== "none") others.push(shown as SetShare);
    }
    return others;
  }
}
