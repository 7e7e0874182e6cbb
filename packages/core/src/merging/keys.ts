// Values to which concurrent changes all count: counters and sets. A write of the mesh replaces what was there, and of two that are concurrent one
// wins; so such a value stands under several keys, one for each node that changes it. What a node has added under its own key is its share, which
// only that node writes, so that nothing is ever lost there; the value is what all shares make together, and merging two states of it is to take the
// newer one of each share. To the ring, the store and a replay a share is a key like any other.
//
//   "\u0000c" key              names the counter of a user's key; "\u0000s" key a set
//   "\u0000c" share ":" key    a share of it, as it is written
//
// Shares are numbered 0, 1, 2 …; the view says which member has which (protocol/view.ts).

const MARK_LENGTH = 2;
/** What the number of a share and its ":" take at most. */
export const SHARE_BYTES_MAX = 5;

/** The key of a share of the value with this name. */
export function shareKey(name: string, share: number): string {
  return `${name.slice(0, MARK_LENGTH)}${share}:${name.slice(MARK_LENGTH)}`;
}

/** The keys of all shares that there may be. */
export function shareKeys(name: string, shares: number): string[] {
  return Array.from({ length: shares }, (_, share) => shareKey(name, share));
}

/** The user's key of the value of which this is a share. */
export function userKeyOf(key: string): string {
  return key.slice(key.indexOf(":") + 1);
}

/** The name of the value of which this is a share. */
export function nameOf(key: string): string {
  return key.slice(0, MARK_LENGTH) + userKeyOf(key);
}
