// Keys and values as users give them, made into the changes of a write. Everything about them is checked here, before anything is sent.

import { MeshError } from "../errors.js";
import { KEYS_PER_REQUEST_MAX, VALUE_BYTES_MAX, WRITE_BYTES_MAX } from "../limits.js";
import type { Codec, Duration } from "../mesh.js";
import type { Change } from "./call.js";
import { parseDuration } from "./duration.js";
import { storedKey } from "./keys.js";

/** Whose keys and values they are. */
export interface Place {
  readonly namespace: string | undefined;
  readonly codec: Codec;
}

/** Throws KEY_INVALID, VALUE_INVALID, VALUE_TOO_LARGE or TTL_INVALID. */
export function changeOf({ namespace, codec }: Place, key: unknown, value: unknown, ttl: Duration | undefined): Change {
  const stored = storedKey(namespace, key);
  const bytes = codec.encode(value);
  if (!(bytes instanceof Uint8Array)) throw new MeshError("VALUE_INVALID", "the mesh's codec returned no Uint8Array from encode");
  if (bytes.length > VALUE_BYTES_MAX) {
    throw new MeshError(
      "VALUE_TOO_LARGE",
      `the value of ${JSON.stringify(key)} has ${bytes.length} bytes; at most ${VALUE_BYTES_MAX} are allowed: store large objects elsewhere and their address here`,
    );
  }
  return { key: stored, value: bytes, ttlMs: ttl === undefined ? 0 : ttlMs(ttl), expiresAt: 0 };
}

/** The changes of pairs of key and value; of a key that stands twice the later value counts. Throws as `changeOf` does. */
export function changesOf(place: Place, entries: unknown, ttl: Duration | undefined): Change[] {
  if (typeof (entries as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator] !== "function") throw noPairs();
  const changes = new Map<string, Change>();
  for (const entry of entries as Iterable<unknown>) {
    if (!Array.isArray(entry)) throw noPairs();
    const change = changeOf(place, entry[0], entry[1], ttl);
    changes.set(change.key, change);
  }
  return [...changes.values()];
}

function noPairs(): MeshError {
  return new MeshError("KEY_INVALID", "setMany takes pairs of key and value, such as an array of them or a Map");
}

/** The stored keys of a list of keys, which `caller` was given. Throws KEY_INVALID. */
export function storedKeys(namespace: string | undefined, keys: unknown, caller: string): string[] {
  if (!Array.isArray(keys)) throw new MeshError("KEY_INVALID", `${caller} takes an array of keys`);
  checkCount(keys.length);
  return keys.map((key) => storedKey(namespace, key));
}

export function deletion(key: string): Change {
  return { key, value: null, ttlMs: 0, expiresAt: 0 };
}

export function checkCount(count: number): void {
  if (count > KEYS_PER_REQUEST_MAX)
    throw new MeshError("KEY_INVALID", `${count} keys in one call; at most ${KEYS_PER_REQUEST_MAX} are allowed: use several calls`);
}

export function checkSize(changes: readonly Change[]): void {
  if (changes.length === 1) return;
  let bytes = 0;
  for (const { key, value } of changes) bytes += key.length + (value?.length ?? 0);
  if (bytes > WRITE_BYTES_MAX)
    throw new MeshError("VALUE_TOO_LARGE", `the values of one write take ${bytes} bytes; at most ${WRITE_BYTES_MAX} are allowed: use several writes`);
}

function ttlMs(ttl: Duration): number {
  return Math.max(1, Math.round(parseDuration(ttl, "ttl")));
}
