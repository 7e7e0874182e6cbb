// Keys as the client takes them: what a URL cannot say is told here; the rest is the server's to judge.

import { MeshError } from "@causalmesh/core";

/** The key. Throws KEY_INVALID. */
export function checkKey(key: unknown): string {
  if (typeof key !== "string") throw new MeshError("KEY_INVALID", `a key is a string, not ${key === null ? "null" : typeof key}`);
  if (key === "") throw new MeshError("KEY_INVALID", "a key has at least one character");
  if (key === "." || key === "..") throw new MeshError("KEY_INVALID", `the key ${JSON.stringify(key)} cannot be named over HTTP, where it means a folder`);
  // `isWellFormed` of ES2024 is not everywhere; half a surrogate pair has no UTF-8.
  try {
    encodeURIComponent(key);
  } catch (error) {
    throw new MeshError("KEY_INVALID", `the key ${JSON.stringify(key)} has half of a surrogate pair; encode binary keys, for instance in base64`, {
      cause: error,
    });
  }
  return key;
}

/** Throws KEY_INVALID for what is no list of keys. */
export function checkKeys(keys: unknown, caller: string): void {
  if (!Array.isArray(keys)) throw new MeshError("KEY_INVALID", `${caller} takes an array of keys`);
  for (const key of keys) checkKey(key);
}

/** Pairs of key and value. Throws KEY_INVALID. */
export function checkPairs(entries: unknown): (readonly [key: string, value: unknown])[] {
  if (typeof (entries as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator] !== "function") throw noPairs();
  return Array.from(entries as Iterable<unknown>, (entry) => {
    if (!Array.isArray(entry)) throw noPairs();
    return [checkKey(entry[0]), entry[1] as unknown] as const;
  });
}

function noPairs(): MeshError {
  return new MeshError("KEY_INVALID", "setMany takes pairs of key and value, such as an array of them or a Map");
}
