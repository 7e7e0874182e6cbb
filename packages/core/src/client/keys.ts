// Keys as users give them, and as the store knows them: with the namespace in front.

import { encodeUtf8, isWellFormed } from "../bytes/utf8.js";
import { inputText, MeshError } from "../errors.js";
import { KEY_BYTES_MAX } from "../limits.js";
import { OWN_KEY } from "../protocol/own-keys.js";

/** Stands between namespace and key; a namespace cannot contain it, so no two pairs of them make the same key. */
export const SEPARATOR = "\u001f";
const NAMESPACE = /^[\w.:/-]{1,128}$/;

/** A namespace. Throws OPTION_INVALID. Called where options come in. */
export function checkNamespace(namespace: unknown): string {
  if (typeof namespace === "string" && NAMESPACE.test(namespace)) return namespace;
  throw new MeshError("OPTION_INVALID", `namespace is ${inputText(namespace)}; give 1 to 128 letters, digits or any of . _ : / -`);
}

/**
 * The key under which a user's key is kept. Throws KEY_INVALID; called where keys come in. Without a namespace, keys that look like those of one
 * are refused: they would be read by both.
 */
export function storedKey(namespace: string | undefined, key: unknown): string {
  if (typeof key !== "string") throw new MeshError("KEY_INVALID", `a key is a string, not ${key === null ? "null" : typeof key}`);
  if (key.length === 0) throw new MeshError("KEY_INVALID", "a key has at least one character");
  if (!isWellFormed(key))
    throw new MeshError("KEY_INVALID", `the key ${JSON.stringify(key)} has half of a surrogate pair; encode binary keys, for instance in base64`);
  if (namespace === undefined && key.includes(SEPARATOR)) {
    throw new MeshError("KEY_INVALID", "the key contains the character U+001F, which separates namespaces from keys; leave it out");
  }
  if (namespace === undefined && key.startsWith(OWN_KEY))
    throw new MeshError("KEY_INVALID", "the key begins with the character U+0000, as the mesh's own keys do; leave it out");
  const stored = namespace === undefined ? key : namespace + SEPARATOR + key;
  // A code unit takes three bytes at most, so most keys need no count.
  if (stored.length * 3 > KEY_BYTES_MAX) {
    const bytes = encodeUtf8(stored).length;
    if (bytes > KEY_BYTES_MAX)
      throw new MeshError(
        "KEY_INVALID",
        `the key ${JSON.stringify(key.slice(0, 40))}… takes ${bytes} bytes with its namespace; at most ${KEY_BYTES_MAX} are allowed: use a hash of it`,
      );
  }
  return stored;
}

/** The key as its user gave it. */
export function userKey(namespace: string | undefined, stored: string): string {
  return namespace === undefined ? stored : stored.slice(namespace.length + SEPARATOR.length);
}

/** The namespace of a key as the store knows it; undefined for one outside of namespaces. */
export function namespaceOf(stored: string): string | undefined {
  const at = stored.indexOf(SEPARATOR);
  return at < 0 ? undefined : stored.slice(0, at);
}
