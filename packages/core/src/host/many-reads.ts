// Reads of several keys at one moment: of what the node shows now, or of a transaction's snapshot (design section 10). When keys had to be loaded,
// all are looked up again afterwards.
//
// ⚑ A key's entry is what a snapshot shows of it if it is within the snapshot: it is the winner of all that is applied, and so of a part of that.
// Otherwise it is a version from before, if that is known (cache/versions.ts). A value has expired for a snapshot by the snapshot's own time,
// so that it does not come or go within a transaction.

import { ABSENT, LOADED, TOMBSTONE } from "../cache/cache.js";
import type { Gone, Version } from "../cache/versions.js";
import { ByteReader } from "../bytes/reader.js";
import type { ByteWriter } from "../bytes/writer.js";
import { MeshError } from "../errors.js";
import { KEY_BYTES_MAX, KEYS_PER_REQUEST_MAX, LOAD_ATTEMPTS_MAX, READ_BYTES_MAX } from "../limits.js";
import { timestampMs } from "../protocol/hybrid-clock.js";
import type { Node } from "../protocol/node.js";
import type { Snapshot } from "../protocol/snapshot.js";
import { EMPTY_VECTOR } from "../protocol/vector.js";
import { beginFrame, endFrame, ENTRY_FROM_LOADER, ENTRY_GONE, ENTRY_HAS_VALUE, FRESH, VALUES, VERSIONED } from "../wire/frames.js";
import { GONE, putVersion, readSnapshot } from "../wire/messages.js";
import type { ClientPort } from "./client-port.js";
import type { Host } from "./host.js";
import { keyError } from "./write-request.js";

/** What a transaction reads: as of when, and what has expired by then. */
interface Moment {
  readonly snapshot: Snapshot;
  readonly timeMs: number;
}

export class ManyReads {
  readonly #host: Host;
  readonly #node: Node;
  readonly #port: ClientPort;
  readonly #reader = new ByteReader();

  constructor(host: Host, port: ClientPort) {
    this.#host = host;
    this.#node = host.node;
    this.#port = port;
  }

  /** GET_MANY. */
  read(bytes: Uint8Array, id: number, flags: number, start: number, end: number): void {
    this.#read(bytes, id, flags, start, end, undefined, 0);
  }

  /** READ_AT. */
  readAt(bytes: Uint8Array, id: number, flags: number, start: number, end: number): void {
    const reader = this.#reader;
    reader.reset(bytes, start, end);
    const snapshot = readSnapshot(reader);
    const time = reader.f64();
    const { at } = reader;
    this.#port.learn(snapshot.vector, EMPTY_VECTOR, time);
    this.#read(bytes, id, flags | VERSIONED, at, end, { snapshot, timeMs: timestampMs(time) }, 0);
  }

  #read(bytes: Uint8Array, id: number, flags: number, start: number, end: number, moment: Moment | undefined, attempts: number): void {
    const { cache } = this.#node;
    const reader = this.#reader;
    reader.reset(bytes, start, end);
    const count = reader.varint();
    if (count > KEYS_PER_REQUEST_MAX) throw new MeshError("KEY_INVALID", `${count} keys in one read; at most ${KEYS_PER_REQUEST_MAX} are allowed`);
    const fresh = (flags & FRESH) !== 0 && attempts === 0;
    /** Start, length and hash of each key that is missing, and of each that is there. */
    const missing: number[] = [];
    const places: number[] = [];
    const found: number[] = [];
    for (let index = 0; index < count; index++) {
      const length = reader.varint();
      if (length < 1 || length > KEY_BYTES_MAX) throw keyError(length);
      const at = reader.take(length);
      const hash = cache.hash(bytes, at, length);
      const entry = cache.find(bytes, at, length, hash);
      if (entry === 0 || !this.#port.isShowable(entry, fresh)) missing.push(at - start, length, hash);
      else {
        found.push(entry);
        if (moment !== undefined) places.push(at, length, hash);
      }
    }
    reader.finish();
    if (attempts === 0) {
      this.#host.reads += count;
      this.#host.hits += found.length;
    }
    if (missing.length > 0) this.#load(bytes.slice(start, end), missing, id, flags, moment, attempts);
    else if (moment === undefined) this.#answer(id, flags, found);
    else this.#answerAt(id, found, bytes, places, moment);
  }

  #load(request: Uint8Array, missing: readonly number[], id: number, flags: number, moment: Moment | undefined, attempts: number): void {
    if (attempts >= LOAD_ATTEMPTS_MAX)
      throw new MeshError("OVERLOADED", "the cache is too small for the keys of this read; give the node more cacheBytes or read fewer at a time");
    const fresh = (flags & FRESH) !== 0 && attempts === 0;
    this.#port.loadThen(id, request, missing, fresh, () => this.#read(request, id, flags, 0, request.length, moment, attempts + 1));
  }

  #answer(id: number, flags: number, entries: readonly number[]): void {
    const { cache } = this.#node;
    let valueBytes = 0;
    for (const entry of entries) valueBytes += cache.valueLength(entry);
    checkSize(valueBytes);
    this.#port.bringHeader();
    // Headers go before the answer, so expiry is judged before its frame is begun.
    const states = entries.map((entry) => this.#stateOf(entry));
    const { out } = this.#port;
    const frame = beginFrame(out, VALUES, flags & VERSIONED, id);
    out.varint(entries.length);
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index];
      cache.touch(entry);
      out.u8(states[index]);
      if ((flags & VERSIONED) !== 0) putVersion(out, cache.replica(entry), cache.counter(entry), cache.timestamp(entry), cache.expiresAt(entry));
      if ((states[index] & ENTRY_HAS_VALUE) !== 0) this.#putValue(out, entry);
    }
    endFrame(out, frame);
  }

  /** What stands before an entry in VALUES. */
  #stateOf(at: number): number {
    const state = this.#node.cache.flags(at);
    return (this.#port.hasValue(at, state) ? ENTRY_HAS_VALUE : 0) | fromLoader(state);
  }

  #putValue(out: ByteWriter, at: number): void {
    const { cache } = this.#node;
    const length = cache.valueLength(at);
    out.varint(length);
    out.reserve(length);
    cache.copyValue(at, out.view, out.length);
    out.length += length;
  }

  #answerAt(id: number, entries: readonly number[], bytes: Uint8Array, places: readonly number[], { snapshot, timeMs }: Moment): void {
    const { cache } = this.#node;
    let valueBytes = 0;
    const older = entries.map((entry, index) => {
      cache.touch(entry);
      const [at, length, hash] = [places[index * 3], places[index * 3 + 1], places[index * 3 + 2]];
      const version = this.#olderOf(entry, bytes, at, length, hash, snapshot);
      valueBytes += version === undefined ? cache.valueLength(entry) : typeof version === "string" ? 0 : version.end - version.start;
      return version;
    });
    checkSize(valueBytes);
    this.#port.bringHeader();
    const { out } = this.#port;
    const frame = beginFrame(out, VALUES, VERSIONED, id);
    out.varint(entries.length);
    for (let index = 0; index < entries.length; index++) this.#putAt(out, entries[index], older[index], timeMs);
    endFrame(out, frame);
  }

  /** What the snapshot shows in place of the entry; undefined where it is the entry. */
  #olderOf(entry: number, bytes: Uint8Array, at: number, length: number, hash: number, snapshot: Snapshot): Version | Gone | undefined {
    const { cache } = this.#node;
    const current = { timestamp: cache.timestamp(entry), replica: cache.replica(entry), counter: cache.counter(entry) };
    if (this.#node.isWithin(current, snapshot)) return undefined;
    return cache.versions.find(hash, bytes, at, length, current, snapshot);
  }

  #putAt(out: ByteWriter, entry: number, older: Version | Gone | undefined, timeMs: number): void {
    const { cache } = this.#node;
    if (typeof older === "string") {
      out.u8(ENTRY_GONE);
      putVersion(out, 0, 0, 0, 0);
      out.u8(GONE.indexOf(older));
      return;
    }
    const flags = older?.flags ?? cache.flags(entry);
    const expiresAt = older?.expiresAt ?? cache.expiresAt(entry);
    // What a loader returned expires by its own rules, which are no part of the snapshot.
    const isGone = expiresAt !== 0 && expiresAt <= timeMs && (flags & LOADED) === 0;
    const hasValue = (flags & (TOMBSTONE | ABSENT)) === 0 && !isGone;
    out.u8((hasValue ? ENTRY_HAS_VALUE : 0) | fromLoader(flags));
    if (older === undefined) putVersion(out, cache.replica(entry), cache.counter(entry), cache.timestamp(entry), expiresAt);
    else putVersion(out, older.replica, older.counter, older.timestamp, expiresAt);
    if (!hasValue) return;
    if (older === undefined) this.#putValue(out, entry);
    else {
      out.varint(older.end - older.start);
      out.raw(older.bytes, older.start, older.end);
    }
  }
}

function fromLoader(flags: number): number {
  return (flags & LOADED) === 0 ? 0 : ENTRY_FROM_LOADER;
}

function checkSize(valueBytes: number): void {
  if (valueBytes > READ_BYTES_MAX)
    throw new MeshError(
      "VALUE_TOO_LARGE",
      `the values of this read take ${valueBytes} bytes; at most ${READ_BYTES_MAX} are allowed: read fewer keys at a time`,
    );
}
