// Base64url without padding, in its one canonical form: a text that differs in any character is another text or none. The platform's own
// decoders accept several spellings of the same bytes.

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const VALUES = new Int8Array(128).fill(-1);
for (let index = 0; index < ALPHABET.length; index++) VALUES[ALPHABET.charCodeAt(index)] = index;

export function encodeBase64url(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const count = Math.min(3, bytes.length - at);
    const word = (bytes[at] << 16) | ((count > 1 ? bytes[at + 1] : 0) << 8) | (count > 2 ? bytes[at + 2] : 0);
    text += ALPHABET[word >> 18] + ALPHABET[(word >> 12) & 63];
    if (count > 1) text += ALPHABET[(word >> 6) & 63];
    if (count > 2) text += ALPHABET[word & 63];
  }
  return text;
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
