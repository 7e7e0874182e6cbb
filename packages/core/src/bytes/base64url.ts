// Base64url without padding, in its one canonical form: a text that differs in any character is another text or none. The platform's own
// decoders accept several spellings of the same bytes.

import { decodeUtf8, encodeUtf8 } from "./utf8.js";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const CODES = /* @__PURE__ */ encodeUtf8(ALPHABET);
const VALUES = new Int8Array(128).fill(-1);
CODES.forEach((code, value) => (VALUES[code] = value));

export function encodeBase64url(bytes: Uint8Array): string {
  // One decoding of all characters is several times faster than joining them one by one.
  const characters = new Uint8Array(bytes.length * 2 + 2);
  let length = 0;
  for (let at = 0; at < bytes.length; at += 3) {
    // Beyond the end there are zeros, whose characters are left out below.
    const word = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
    for (let shift = 18; shift >= 0; shift -= 6) characters[length++] = CODES[(word >> shift) & 63];
  }
  return decodeUtf8(characters, 0, Math.ceil((bytes.length * 4) / 3));
}

/** The bytes, or undefined for a text that `encodeBase64url` does not write. */
export function decodeBase64url(text: string): Uint8Array | undefined {
  if (text.length % 4 === 1) return undefined;
  const bytes = new Uint8Array((text.length * 3) >> 2);
  let length = 0;
  let word = 0;
  let bits = 0;
  for (let index = 0; index < text.length; index++) {
    const value = VALUES[text.charCodeAt(index)];
    // Beyond the table there is nothing.
    if (!(value >= 0)) return undefined;
    word = ((word << 6) | value) & 0xff_ff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[length++] = (word >> bits) & 0xff;
    }
  }
  const unused = word & ((1 << bits) - 1);
  return unused === 0 ? bytes : undefined;
}
