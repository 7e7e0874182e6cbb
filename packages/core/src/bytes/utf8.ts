// The text codecs of the platform, declared here because the core is compiled without platform types. Every JavaScript
// runtime has TextEncoder and TextDecoder; Node.js has besides what reads and writes a range without a view of it, at two thirds
// of the cost for short texts. All are pure.

declare const TextEncoder: new () => {
  encode(text: string): Uint8Array;
  encodeInto(text: string, target: Uint8Array): { read: number; written: number };
};
declare const TextDecoder: new (label: "utf-8", options: { fatal: boolean; ignoreBOM: boolean }) => { decode(bytes: Uint8Array): string };
declare const Buffer:
  | {
      readonly prototype: {
        /** Malformed parts become U+FFFD. */
        utf8Slice(this: Uint8Array, start: number, end: number): string;
        /** Writes whole characters only, as many as there is room for, and returns the bytes. */
        utf8Write(this: Uint8Array, text: string, offset: number, room: number): number;
      };
    }
  | undefined;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const inRange = typeof Buffer === "undefined" ? undefined : Buffer.prototype;
/** What malformed parts become. */
const REPLACEMENT = "\ufffd";

/** Newer than the language that the core is compiled for; the platform knows of a text of one byte per character that it is. */
const wellFormed = (String.prototype as { isWellFormed?: (this: string) => boolean }).isWellFormed;

/** Up to this length a loop over the characters is faster than the call into the platform. */
const SHORT = 24;

/** Short texts share arrays of this size, since an array of its own costs more than the encoding. */
const SLAB_BYTES = 16 * 1024;
/** Longer texts get their own, so that no short-lived neighbour keeps many bytes in memory. */
const SLAB_SHARE_BYTES = 1024;
let slab = new Uint8Array(0);
let slabUsed = 0;

export function encodeUtf8(text: string): Uint8Array {
  const room = text.length * 3;
  if (room > SLAB_SHARE_BYTES) return encoder.encode(text);
  if (slabUsed + room > slab.length) renewSlab();
  const start = slabUsed;
  slabUsed += encodeUtf8Into(text, slab, start);
  return slab.subarray(start, slabUsed);
}

/**
 * Writes `text` at `offset` and returns the number of bytes. The target must have room for three bytes per code unit.
 * Lone surrogates become U+FFFD: check with `isWellFormed` first where that matters.
 */
export function encodeUtf8Into(text: string, target: Uint8Array, offset: number): number {
  const length = text.length;
  if (length <= SHORT) {
    let index = 0;
    for (; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) break;
      target[offset + index] = code;
    }
    if (index === length) return length;
  }
  if (inRange !== undefined) return inRange.utf8Write.call(target, text, offset, target.length - offset);
  return encoder.encodeInto(text, target.subarray(offset)).written;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The text as JSON, or undefined where it has more than ASCII, needs an escape or is long: then the platform has to do it. */
export function encodeQuoted(text: string): Uint8Array | undefined {
  const length = text.length;
  const room = length * 3 + 2;
  if (room > SLAB_SHARE_BYTES) return undefined;
  if (slabUsed + room > slab.length) renewSlab();
  const bytes = slab;
  const start = slabUsed;
  const end = start + length + 2;
  if (encodeUtf8Into(text, bytes, start + 1) !== length) return undefined;
  for (let at = start + 1; at < end - 1; at++) {
    const byte = bytes[at];
    if (byte < 0x20 || byte === QUOTE || byte === BACKSLASH) return undefined;
  }
  bytes[start] = QUOTE;
  bytes[end - 1] = QUOTE;
  slabUsed = end;
  return bytes.subarray(start, end);
}

function renewSlab(): void {
  slab = new Uint8Array(SLAB_BYTES);
  slabUsed = 0;
}

/** Throws a TypeError for bytes that are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array, start = 0, end = bytes.length): string {
  if (inRange !== undefined) {
    const text = inRange.utf8Slice.call(bytes, start, end);
    // A replacement may also have stood in the text as it is: the strict decoder tells.
    if (!text.includes(REPLACEMENT)) return text;
  }
  return decoder.decode(bytes.subarray(start, end));
}

/** Reads the text between two places of an array. Throws a TypeError for bytes that are not UTF-8. */
export type TextCutter = (start: number, end: number) => string;

/** For many texts of one array: where all of it is ASCII, they are cut out of one, since each call into the platform costs more than a short text. */
export function textCutter(bytes: Uint8Array): TextCutter {
  if (inRange !== undefined && bytes.length > SHORT) {
    const all = inRange.utf8Slice.call(bytes, 0, bytes.length);
    // Longer characters make fewer code units than bytes, malformed ones as many.
    if (all.length === bytes.length && !all.includes(REPLACEMENT)) return (start, end) => all.substring(start, end);
  }
  return (start, end) => decodeUtf8(bytes, start, end);
}

/** Whether the bytes are text. */
export function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let index = start;
  while (index < end && bytes[index] < 0x80) index += 1;
  if (index === end) return true;
  try {
    decoder.decode(bytes.subarray(index, end));
    return true;
  } catch {
    return false;
  }
}

/** Whether a string has no lone surrogates, so that it survives UTF-8. */
export function isWellFormed(text: string): boolean {
  if (wellFormed !== undefined) return wellFormed.call(text);
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0xd800 || code > 0xdfff) continue;
    if (code > 0xdbff) return false;
    const next = text.charCodeAt(index + 1);
    if (!(next >= 0xdc00 && next <= 0xdfff)) return false;
    index += 1;
  }
  return true;
}
