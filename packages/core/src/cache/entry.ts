// The layout of one entry in a chunk, in units of 8 bytes:
//
//   byte  0  meta: units (22 bits) | flags (6) | expires (1) | live (1) | uses (2)
//         4  value length (21 bits) | key length (11)
//         8  timestamp   16  counter   24  replica
//        28  key, value, room to spare; with `expires`, the last unit is the time of expiry
//
// `units` is the room that the entry has, so that the next entry is found from it whatever stands inside, and so that a value
// can grow again into the room that it had. Times of expiry are rare, so they cost 8 bytes only where there is one.

export const UNIT_BYTES = 8;
export const HEAD_BYTES = 28;

/** Indices in 32-bit words from the entry's first one. */
export const META_WORD = 0;
export const LENGTHS_WORD = 1;
export const REPLICA_WORD = 6;
/** Indices in 64-bit floats from the entry's first unit. */
export const TIMESTAMP_FLOAT = 1;
export const COUNTER_FLOAT = 2;

/** How often the entry was used since it was last looked at for eviction; three is as good as many. */
export const USES_MASK = 3;
export const LIVE = 4;
export const EXPIRES = 8;
export const FLAGS_SHIFT = 4;
export const FLAGS_MASK = 0x3f;
export const UNITS_SHIFT = 10;

const KEY_LENGTH_BITS = 11;
const KEY_LENGTH_MASK = (1 << KEY_LENGTH_BITS) - 1;

export function packLengths(keyLength: number, valueLength: number): number {
  return (valueLength << KEY_LENGTH_BITS) | keyLength;
}

export function keyLengthOf(lengths: number): number {
  return lengths & KEY_LENGTH_MASK;
}

export function valueLengthOf(lengths: number): number {
  return lengths >>> KEY_LENGTH_BITS;
}

/** Units that an entry needs. */
export function unitsFor(keyLength: number, valueLength: number, expires: boolean): number {
  return ((HEAD_BYTES + keyLength + valueLength + UNIT_BYTES - 1) >>> 3) + (expires ? 1 : 0);
}
