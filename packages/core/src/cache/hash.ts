// The hash of a key, over its bytes as they stand in a frame. Four bytes at a time, because a byte at a time would cost more
// than the rest of a hit. This file owns the mixing; which of the bits mean what is key-index.ts's matter.

/**
 * Mixes the bytes into 32 bits (signed, so that the number stays a small integer of the engine and is never allocated).
 *
 * `seed` and `multiplier` (odd) are secret. The multiplier stands after a shift: the one difference that passes a
 * multiplication unchanged, the top bit, is spread before it, so that no pair of parts is known to cancel out without
 * knowing the multiplier. A public mixing of parts under a secret start, as in MurmurHash3, has such pairs.
 */
export function hashBytes(bytes: Uint8Array, start: number, length: number, seed: number, multiplier: number): number {
  const end = start + length;
  const wholeEnd = end - (length & 3);
  let hash = seed ^ length;
  let at = start;
  while (at < wholeEnd) {
    const part = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    hash = join(hash, part, multiplier);
    at += 4;
  }
  if (at < end) {
    let part = 0;
    do part = (part << 8) | bytes[at++];
    while (at < end);
    hash = join(hash, part, multiplier);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function join(hash: number, part: number, multiplier: number): number {
  let mixed = Math.imul(part, 0xcc9e2d51);
  mixed = Math.imul(mixed ^ (mixed >>> 15), multiplier);
  const turned = (hash << 13) | (hash >>> 19);
  return Math.imul(turned ^ mixed, 0x9e3779b1);
}

/** Two secrets out of one: the start and the odd multiplier for `hashBytes`. */
export function hashSecrets(seed: number): { readonly seed: number; readonly multiplier: number } {
  const scramble = (x: number): number => {
    let mixed = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return mixed ^ (mixed >>> 15);
  };
  const high = Math.floor(seed / 2 ** 32) | 0;
  const first = scramble((seed | 0) + 0x6a09e667 + scramble(high + 0x3c6ef372));
  return { seed: first, multiplier: scramble(first + 0x3c6ef373) | 1 };
}
