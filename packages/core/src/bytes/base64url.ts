// Base64url without padding, in its one canonical form: a text that differs in any character is another text or none. The platform's own
// decoders accept several spellings of the same bytes.

import { decodeUtf8 } from "./utf8.js";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const CODES = Uint8Array.from(ALPHABET, (character) => character.charCodeAt(0));
const VALUES = new Int8Array(128).fill(-1);
for (let index = 0; index < ALPHABET.length; index++) VALUES[ALPHABET.charCodeAt(index)] = index;

/** Characters of the text that is being made: one decoding of all is several times faster than joining them one by one. */
let characters = new Uint8Array(256);

export function encodeBase64url(bytes: Uint8Array): string {
  const room = Math.ceil(bytes.length / 3) * 4;
  if (room > characters.length) characters = new Uint8Array(room * 2);
  let length = 0;
  for (let at = 0; at < bytes.length; at += 3) {
    // Beyond the end there are zeros, whose characters are left out below.
    const word = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
    characters[length++] = CODES[word >> 18];
    characters[length++] = CODES[(word >> 12) & 63];
    characters[length++] = CODES[(word >> 6) & 63];
    characters[length++] = CODES[word & 63];
  }
  return decodeUtf8(characters, 0, Math.ceil((bytes.length * 4) / 3));
}

/** The bytes, or undefined for a text that `encodeBase64url` does not write. */
export function decodeBase64url(text: string): Uint8Array | undefined {
  const rest = text.length % 4;
  if (rest === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let length = 0;
  let word = 0;
  let bits = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    const value = code < 128 ? VALUES[code] : -1;
    if (value < 0) return undefined;
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
