// Frames: how the byte stream between two ends is cut. Every frame begins with the same ten bytes, little-endian:
//
//   u32 bytes after this field | u8 type | u8 flags | u32 id | payload
//
// A request's id comes back with its answer; frames that answer nothing have id 0. `docs/wire.md` lists the payloads.

import type { ByteWriter } from "../bytes/writer.js";
import { MalformedError } from "../bytes/reader.js";

export const FRAME_HEAD_BYTES = 10;
const LENGTH_BYTES = 4;

/** Frame types. */
export const HELLO = 1;
export const CHALLENGE = 2;
export const PROOF = 3;
export const WELCOME = 4;
export const GET = 16;
export const GET_MANY = 17;
export const WRITE = 18;
export const STATUS = 19;
export const PING = 20;
export const READ_AT = 21;
export const COMMIT = 22;
export const GAVE_UP = 23;
export const DRAIN = 24;
export const REMOVE = 25;
export const MERGE = 26;
export const HEADER = 32;
export const VALUE = 33;
export const NO_VALUE = 34;
export const VALUES = 35;
export const WRITTEN = 36;
export const STATUS_ANSWER = 37;
export const ERROR = 38;
export const VIEW = 39;
export const LOST = 40;
export const PONG = 41;
/** The node ends this connection; its id is that of the last request that the node has looked at. */
export const GOODBYE = 42;
export const DONE = 43;
export const COMMITTED = 44;
export const BATCH = 48;
export const ACK = 49;
export const BASE = 50;

/** Flag of a BATCH: it is to be acknowledged, whatever it holds. */
export const HEARTBEAT = 1;

/** Request flags: the payload begins with the session's context; the answer is to say which write was read; what a loader returned before the request is not wanted. */
export const WITH_CONTEXT = 1;
export const VERSIONED = 2;
export const FRESH = 4;
/** Flag of a WRITE: it is made again, under the timestamp that it had, which stands before the rest. */
export const AGAIN = 8;
/** Flag of a VERSIONED answer: a loader returned this, in place of the deletion that the version names. */
export const FROM_LOADER = 4;
/** Bits of the byte before each entry of VALUES. */
export const ENTRY_HAS_VALUE = 1;
export const ENTRY_FROM_LOADER = 2;
/** The version of the snapshot is not known here; a byte behind it says why (messages.ts, GONE). */
export const ENTRY_GONE = 4;

/** Is shown each frame of a stream. The bytes are valid during the call only. */
export interface FrameHandler {
  frame(bytes: Uint8Array, type: number, flags: number, id: number, start: number, end: number): void;
}

/** Cuts chunks into frames, in place where a frame lies within its chunk. */
export class FrameSplitter {
  readonly #handler: FrameHandler;
  /** The longest frame that is taken. */
  bytesMax: number;
  /** No frame is shown until `resume`; what comes meanwhile is kept. A handler may set it, and gets no further frame then. */
  paused = false;
  #held: Uint8Array[] = [];
  #tail = new Uint8Array(1024);
  #tailLength = 0;

  constructor(handler: FrameHandler, bytesMax: number) {
    this.#handler = handler;
    this.bytesMax = bytesMax;
  }

  /** Throws MalformedError for a length out of range, and whatever the handler throws. */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (this.#tailLength > 0 && !this.paused) {
      if (at === chunk.length) return;
      at = this.#fillTail(chunk, at);
    }
    const end = chunk.length;
    while (end - at >= LENGTH_BYTES && !this.paused) {
      const length = this.#length(chunk, at);
      if (end - at < length) break;
      this.#handler.frame(chunk, chunk[at + 4], chunk[at + 5], readId(chunk, at + 6), at + FRAME_HEAD_BYTES, at + length);
      at += length;
    }
    if (at === end) return;
    if (this.paused) this.#held.push(chunk.slice(at));
    else this.#keep(chunk, at, end);
  }

  /** Goes on with what was kept. Throws as `push` does. */
  resume(): void {
    this.paused = false;
    const held = this.#held;
    this.#held = [];
    for (const chunk of held) this.push(chunk);
  }

  /** Adds to the unfinished frame what it lacks, shows it when it is complete, and returns how far the chunk was used. */
  #fillTail(chunk: Uint8Array, from: number): number {
    let at = from;
    if (this.#tailLength < LENGTH_BYTES) {
      const upTo = Math.min(chunk.length, at + LENGTH_BYTES - this.#tailLength);
      this.#keep(chunk, at, upTo);
      at = upTo;
      if (this.#tailLength < LENGTH_BYTES) return at;
    }
    const length = this.#length(this.#tail, 0);
    const upTo = Math.min(chunk.length, at + length - this.#tailLength);
    this.#keep(chunk, at, upTo);
    if (this.#tailLength < length) return upTo;
    this.#tailLength = 0;
    const tail = this.#tail;
    this.#handler.frame(tail, tail[4], tail[5], readId(tail, 6), FRAME_HEAD_BYTES, length);
    return upTo;
  }

  #keep(chunk: Uint8Array, start: number, end: number): void {
    const needed = this.#tailLength + end - start;
    if (needed > this.#tail.length) {
      const larger = new Uint8Array(Math.max(needed, this.#tail.length * 2));
      larger.set(this.#tail.subarray(0, this.#tailLength));
      this.#tail = larger;
    }
    this.#tail.set(chunk.subarray(start, end), this.#tailLength);
    this.#tailLength = needed;
  }

  /** Bytes of the frame that begins here, its length field included. */
  #length(bytes: Uint8Array, at: number): number {
    const length = readId(bytes, at);
    if (length < FRAME_HEAD_BYTES - LENGTH_BYTES || length > this.bytesMax) {
      throw new MalformedError(`a frame of ${length} bytes, ${FRAME_HEAD_BYTES - LENGTH_BYTES} to ${this.bytesMax} are allowed`);
    }
    return length + LENGTH_BYTES;
  }
}

function readId(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

/** Begins a frame whose length is not known yet and returns where it begins; `endFrame` completes it. */
export function beginFrame(out: ByteWriter, type: number, flags: number, id: number): number {
  const at = out.length;
  putFrameHead(out, type, flags, id, 0);
  return at;
}

export function endFrame(out: ByteWriter, at: number): void {
  out.view.setUint32(at, out.length - at - LENGTH_BYTES, true);
}

/** Writes a frame's head and makes room for its payload of known length. */
export function putFrameHead(out: ByteWriter, type: number, flags: number, id: number, payloadBytes: number): void {
  out.reserve(FRAME_HEAD_BYTES + payloadBytes);
  const at = out.length;
  const { bytes } = out;
  const length = payloadBytes + FRAME_HEAD_BYTES - LENGTH_BYTES;
  bytes[at] = length;
  bytes[at + 1] = length >>> 8;
  bytes[at + 2] = length >>> 16;
  bytes[at + 3] = length >>> 24;
  bytes[at + 4] = type;
  bytes[at + 5] = flags;
  bytes[at + 6] = id;
  bytes[at + 7] = id >>> 8;
  bytes[at + 8] = id >>> 16;
  bytes[at + 9] = id >>> 24;
  out.length = at + FRAME_HEAD_BYTES;
}
