// A WRITE as a client sent it: read and checked to its end before anything of it is written. One object serves all writes of a connection,
// one after the other, so that a write allocates nothing here.

import { ByteReader, MalformedError } from "../bytes/reader.js";
import { decodeUtf8, isUtf8 } from "../bytes/utf8.js";
import { MeshError } from "../errors.js";
import { DURATION_MS_MAX, KEY_BYTES_MAX, KEYS_PER_REQUEST_MAX, WRITE_BYTES_MAX } from "../limits.js";
import { timestampMs } from "../protocol/hybrid-clock.js";
import type { Node } from "../protocol/node.js";
import { isCommitAt, OWN_KEY_MARK } from "../protocol/own-keys.js";
import { CHANGE_DELETES, CHANGE_EXPIRES } from "../protocol/segment.js";
import { DURABILITIES } from "../wire/messages.js";
import type { Level } from "./waiters.js";

/** Flags, lengths and time to live of a change take so much at most, beside its key and value. */
const CHANGE_HEAD_BYTES_MAX = 1 + 8 + 8 + 8;
/** Numbers per change: whether it deletes, place and length of key and value, time to live. */
const FIELDS = 6;

export class WriteRequest {
  durability = 0 as Level;
  /** That of a write which is made again, 0 for a new one. */
  #timestamp = 0;
  readonly #valueBytesMax: number;
  readonly #reader = new ByteReader();
  /** The changes as numbers; it keeps its length, so that a write costs no growing. */
  readonly #changes: number[] = [];
  #end = 0;

  constructor(valueBytesMax: number) {
    this.#valueBytesMax = valueBytesMax;
  }

  /**
   * Throws MalformedError, or a MeshError for what is beyond a limit. The bytes must stay until `applyTo`. The first change of a commit stands for the
   * transaction; other keys like that are nobody's to write.
   */
  read(bytes: Uint8Array, start: number, end: number, isCommit = false, isAgain = false): void {
    const reader = this.#reader;
    reader.reset(bytes, start, end);
    this.#timestamp = isAgain ? readTimestamp(reader) : 0;
    const durability = reader.u8();
    const count = reader.varint();
    if (durability >= DURABILITIES.length) throw new MalformedError(`durability ${durability}`);
    if (end - start > WRITE_BYTES_MAX + count * CHANGE_HEAD_BYTES_MAX)
      throw new MeshError("VALUE_TOO_LARGE", `a write of ${end - start} bytes; at most ${WRITE_BYTES_MAX} are allowed: use several writes`);
    if (count < 1 || count > KEYS_PER_REQUEST_MAX) throw new MeshError("KEY_INVALID", `${count} keys in one write; 1 to ${KEYS_PER_REQUEST_MAX} are allowed`);
    this.durability = durability as Level;
    this.#end = count * FIELDS;
    for (let at = 0; at < this.#end; at += FIELDS) this.#readChange(at, isCommit && at === 0);
    reader.finish();
  }

  #readChange(at: number, isMark: boolean): void {
    const reader = this.#reader;
    const changes = this.#changes;
    const flags = reader.u8();
    const keyLength = reader.varint();
    const valueLength = reader.varint();
    const ttlMs = (flags & CHANGE_EXPIRES) !== 0 ? reader.varint() : 0;
    if (keyLength < 1 || keyLength > KEY_BYTES_MAX) throw keyError(keyLength);
    if (valueLength > this.#valueBytesMax)
      throw new MeshError(
        "VALUE_TOO_LARGE",
        `a value of ${valueLength} bytes; at most ${this.#valueBytesMax} are allowed: store large objects elsewhere and their address here`,
      );
    if ((flags & CHANGE_DELETES) !== 0 && valueLength > 0) throw new MalformedError("a deletion with a value");
    if (ttlMs > DURATION_MS_MAX) throw new MeshError("TTL_INVALID", `a time to live of ${ttlMs} ms; at most ${DURATION_MS_MAX} are allowed`);
    const keyAt = reader.take(keyLength);
    // The store keeps keys as text, and so must every node that flushes this one.
    if (!isUtf8(reader.bytes, keyAt, keyAt + keyLength)) throw new MeshError("KEY_INVALID", "the key is not UTF-8");
    if (isMark ? !isCommitAt(reader.bytes, keyAt, keyLength) : reader.bytes[keyAt] === OWN_KEY_MARK)
      throw isMark
        ? new MalformedError("a commit that names no transaction")
        : new MeshError("KEY_INVALID", "the key begins with the character U+0000, as the mesh's own keys do; leave it out");
    changes[at] = flags & CHANGE_DELETES;
    changes[at + 1] = keyAt;
    changes[at + 2] = keyLength;
    changes[at + 3] = reader.take(valueLength);
    changes[at + 4] = valueLength;
    changes[at + 5] = ttlMs;
  }

  /** Place and length of the first change's key. */
  get firstKey(): readonly [at: number, length: number] {
    return [this.#changes[1], this.#changes[2]];
  }

  /** The key that stands for the transaction of a commit. */
  commitKey(): string {
    const [at, length] = this.firstKey;
    return decodeUtf8(this.#reader.bytes, at, at + length);
  }

  /** Makes the write at the node. Throws OVERLOADED or CLOCK_SKEW, and nothing has happened then. */
  applyTo(node: Node): void {
    const { bytes } = this.#reader;
    const changes = this.#changes;
    if (this.#timestamp > 0) node.observe(this.#timestamp);
    node.write(this.#end / FIELDS, this.#timestamp);
    const writtenMs = timestampMs(node.written);
    for (let at = 0; at < this.#end; at += FIELDS) {
      const ttlMs = changes[at + 5];
      const expiresAt = ttlMs > 0 ? writtenMs + ttlMs : 0;
      node.change(bytes, changes[at + 1], changes[at + 2], changes[at + 3], changes[at + 4], changes[at] !== 0, expiresAt);
    }
  }
}

function readTimestamp(reader: ByteReader): number {
  const timestamp = reader.f64();
  if (!(Number.isSafeInteger(timestamp) && timestamp > 0)) throw new MalformedError("a write that is made again has no timestamp");
  return timestamp;
}

export function keyError(length: number): MeshError {
  return new MeshError("KEY_INVALID", `a key of ${length} bytes; 1 to ${KEY_BYTES_MAX} are allowed`);
}
