// Length-prefixed frames, as the plain echo and the bare client of a node cut them: u32 length after this field | u8 type | u8 flags |
// u32 id | payload, all little-endian.

export const HEAD_BYTES = 10;
const LENGTH_BYTES = 4;

export function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

/** Where the frame at `at` ends, or 0 where it is not whole yet. */
export function frameEnd(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < LENGTH_BYTES) return 0;
  const next = at + LENGTH_BYTES + readU32(bytes, at);
  return next <= end ? next : 0;
}

/** A whole frame with id 0. */
export function frame(type: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES + payload.length);
  writeU32(bytes, 0, bytes.length - LENGTH_BYTES);
  bytes[4] = type;
  bytes.set(payload, HEAD_BYTES);
  return bytes;
}
