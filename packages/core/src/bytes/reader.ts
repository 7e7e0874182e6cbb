// Reading of what came from outside. Every read is checked against the end, so that a decoder built on it cannot run past a
// frame, whatever the frame says of itself.

import { decodeUtf8 } from "./utf8.js";

/** The bytes do not have the form that they should have. Whoever decodes turns it into a MeshError with what was decoded. */
export class MalformedError extends Error {
  constructor(detail: string) {
    super(detail);
    this.name = "MalformedError";
  }
}

/** Reads what a ByteWriter wrote. Every method throws MalformedError at the end of the bytes or for a value out of range. */
export class ByteReader {
  bytes: Uint8Array;
  at: number;
  end: number;
  #view: DataView;

  /** Without bytes, one that waits for its first `reset`. */
  constructor(bytes: Uint8Array = new Uint8Array(0), start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Goes on with other bytes, so that one reader serves many frames. */
  reset(bytes: Uint8Array, start: number, end: number): void {
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.at = start;
    this.end = end;
  }

  /** Takes `count` bytes and returns where they begin. */
  take(count: number): number {
    const at = this.at;
    if (count > this.end - at) throw new MalformedError(`${count} bytes expected, ${this.end - at} left`);
    this.at = at + count;
    return at;
  }

  u8(): number {
    return this.bytes[this.take(1)];
  }

  u16(): number {
    return this.#view.getUint16(this.take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.take(4), true);
  }

  /** An unsigned safe integer that was written with `f64`. */
  f64(): number {
    const value = this.#view.getFloat64(this.take(8), true);
    if (!Number.isSafeInteger(value) || value < 0) throw new MalformedError("a number is out of range");
    return value;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 8; count++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      scale *= 128;
    }
    throw new MalformedError("a number is out of range");
  }

  /** Text of at most `bytesMax` bytes. */
  text(bytesMax: number): string {
    const length = this.varint();
    if (length > bytesMax) throw new MalformedError(`text of ${length} bytes, at most ${bytesMax} are allowed`);
    const at = this.take(length);
    try {
      return decodeUtf8(this.bytes, at, at + length);
    } catch {
      throw new MalformedError("text is not UTF-8");
    }
  }

  /** A copy of bytes that stand after their length. */
  blob(bytesMax: number): Uint8Array {
    const length = this.varint();
    if (length > bytesMax) throw new MalformedError(`${length} bytes, at most ${bytesMax} are allowed`);
    const at = this.take(length);
    return this.bytes.slice(at, at + length);
  }

  /** Throws unless everything was read. */
  finish(): void {
    if (this.at !== this.end) throw new MalformedError(`${this.end - this.at} bytes too many`);
  }
}
