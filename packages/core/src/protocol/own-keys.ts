// The mesh's own keys: they begin with U+0000, as no key of a user does, and the next character says what they are for.
//
//   "\u0000t" id   stands for a transaction's commit, in the store too; "\u0000r" id in the ring alone (commits.ts)
//   "\u0000c" …    a counter, or a share of one; "\u0000s" … a set (merging/keys.ts)

/** How they begin: as text, and as a byte. */
export const OWN_KEY = "\u0000";
export const OWN_KEY_MARK = 0;

export const COMMIT_IN_STORE = "\u0000t";
export const COMMIT_IN_RING = "\u0000r";
export const COUNTER = "\u0000c";
export const SET = "\u0000s";

const IN_STORE = COMMIT_IN_STORE.charCodeAt(1);
const IN_RING = COMMIT_IN_RING.charCodeAt(1);

/** Whether the key at this place stands for a commit. What follows a key of one byte is not the key's. */
export function isCommitAt(bytes: Uint8Array, keyAt: number, keyLength: number): boolean {
  return bytes[keyAt] === OWN_KEY_MARK && keyLength > 1 && (bytes[keyAt + 1] === IN_STORE || bytes[keyAt + 1] === IN_RING);
}

export function isCommit(key: string): boolean {
  return key.startsWith(COMMIT_IN_STORE) || key.startsWith(COMMIT_IN_RING);
}

/** Whether the key at this place stays in the ring: neither the cache nor the store has it. */
export function staysInRing(bytes: Uint8Array, keyAt: number, keyLength: number): boolean {
  return bytes[keyAt] === OWN_KEY_MARK && keyLength > 1 && bytes[keyAt + 1] === IN_RING;
}

/** Whether a key is that of a value that merges. */
export function isMerging(key: string): boolean {
  return key.startsWith(COUNTER) || key.startsWith(SET);
}
