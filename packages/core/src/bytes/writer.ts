// A growing buffer for what leaves this process. One writer is filled and emptied again and again, so that encoding
// allocates nothing in the steady state.

import { copyBytes } from "./copy.js";
import { encodeUtf8Into } from "./utf8.js";

const BYTES_MIN = 256;

/** Appends numbers, text and bytes. Numbers are little-endian; varints carry seven bits per byte, least significant first. */
export class ByteWriter {
  /** The buffer; bytes from 0 to `length` are written. Replaced when it grows: do not hold it across a write. */
  bytes: Uint8Array;
  /** View of `bytes`. */
  view: DataView;
  length = 0;

  constructor(capacity = BYTES_MIN) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Makes room for `count` more bytes; callers may then write to `bytes` directly and advance `length`. */
  reserve(count: number): void {
    if (this.length + count > this.bytes.length) this.#grow(this.length + count);
  }

  #grow(needed: number): void {
    const bytes = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    bytes.set(this.bytes.subarray(0, this.length));
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  u16(value: number): void {
    this.reserve(2);
    this.view.setUint16(this.length, value, true);
    this.length += 2;
  }

  u32(value: number): void {
    this.reserve(4);
    this.view.setUint32(this.length, value, true);
    this.length += 4;
  }

  /** A safe integer as a double: exact, eight bytes, one instruction. */
  f64(value: number): void {
    this.reserve(8);
    this.view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  /** An unsigned safe integer in one to eight bytes. */
  varint(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest > 0x7f_ff_ff_ff) {
      this.bytes[this.length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.length++] = rest;
  }

  raw(source: Uint8Array, start = 0, end = source.length): void {
    const count = end - start;
    this.reserve(count);
    copyBytes(source, start, count, this, this.length);
    this.length += count;
  }

  /** Text in UTF-8 after its length in bytes as a varint. */
  text(value: string): void {
    this.reserve(value.length * 3 + 8);
    // The length is known only afterwards: ASCII text, nearly all there is, lands in the right place at the first try.
    const lengthAt = this.length;
    const lengthBytes = varintLength(value.length);
    const written = encodeUtf8Into(value, this.bytes, lengthAt + lengthBytes);
    const actualBytes = varintLength(written);
    if (actualBytes !== lengthBytes) this.bytes.copyWithin(lengthAt + actualBytes, lengthAt + lengthBytes, lengthAt + lengthBytes + written);
    this.varint(written);
    this.length = lengthAt + actualBytes + written;
  }

  /** Bytes after their length as a varint. */
  blob(value: Uint8Array): void {
    this.varint(value.length);
    this.raw(value);
  }

  /** A copy of what was written. */
  copy(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }
}

/** Bytes that `varint` takes for this value. */
export function varintLength(value: number): number {
  let length = 1;
  let rest = value;
  while (rest > 0x7f) {
    rest = Math.floor(rest / 128);
    length += 1;
  }
  return length;
}
