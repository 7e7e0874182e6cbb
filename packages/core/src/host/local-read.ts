// Reads of hits around the wire: a session whose node is in the same process looks into the cache itself.

import { ABSENT, INCOMPLETE, LOADED, TOMBSTONE } from "../cache/cache.js";
import { encodeUtf8Into } from "../bytes/utf8.js";
import { KEY_BYTES_MAX } from "../limits.js";
import { covers, type Vector } from "../protocol/vector.js";
import type { Host } from "./host.js";
import { MISSED, NO_ENTRY } from "./peek.js";

/** Where the key is encoded: three bytes per code unit are enough for any. */
const KEY = new Uint8Array(KEY_BYTES_MAX * 3);

/**
 * Looks up a hit without a request, for a session in the same process: its place in the cache, NO_ENTRY where there is no value, or
 * MISSED where the node has to be asked (the key is not in memory, or the session has seen more than is applied here). The session
 * is at `appliedVector` then.
 */
export function readLocally(host: Host, key: string, visible: Vector, time: number): number {
  const { node } = host;
  const { cache } = node;
  const applied = node.appliedVector();
  if (visible !== applied && !covers(applied, visible)) return MISSED;
  const length = encodeUtf8Into(key, KEY, 0);
  const at = cache.find(KEY, 0, length);
  if (at === 0) return MISSED;
  const flags = cache.flags(at);
  if ((flags & (INCOMPLETE | LOADED)) !== 0) return MISSED;
  host.reads += 1;
  host.hits += 1;
  cache.touch(at);
  if ((flags & (TOMBSTONE | ABSENT)) !== 0) return NO_ENTRY;
  const expiresAt = cache.expiresAt(at);
  if (expiresAt !== 0) {
    host.beginStep();
    if (time > node.clock.latest) return MISSED;
    if (expiresAt <= node.clock.nowMs()) {
      // What was judged expired must stay so for this session elsewhere: its time is the node's from now on.
      node.clock.next();
      return NO_ENTRY;
    }
  }
  return at;
}
