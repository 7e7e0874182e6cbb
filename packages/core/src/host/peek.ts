// What `Host.peek` answers where it has no entry to show; no entry has these places. Apart from the host, so that a client that has
// no node in its process loads none of one.

export const MISSED = -1;
export const NO_ENTRY = 0;
