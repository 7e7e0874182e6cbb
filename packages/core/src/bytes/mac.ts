// Message authentication: the one piece of cryptography that the core needs, from a library.

import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";

/** HMAC-SHA-256 over the parts one after the other: 32 bytes. */
export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const mac = hmac.create(sha256, key);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

/** What the library's class can do, more than its type tells. */
interface Keyed {
  _cloneInto(to?: Keyed): Keyed;
  update(bytes: Uint8Array): Keyed;
  digestInto(to: Uint8Array): void;
}

/** HMAC-SHA-256 under one key. Preparing a key takes as long as a short message: here it is done once. */
export class Mac {
  readonly #keyed: Keyed;
  readonly #digest = new Uint8Array(32);
  #spare: Keyed | undefined;

  constructor(key: Uint8Array) {
    this.#keyed = hmac.create(sha256, key) as unknown as Keyed;
  }

  /** 32 bytes, which the next call overwrites. */
  of(bytes: Uint8Array): Uint8Array {
    this.#spare = this.#keyed._cloneInto(this.#spare);
    this.#spare.update(bytes).digestInto(this.#digest);
    return this.#digest;
  }
}

/** Compares in a time that does not depend on where the bytes differ. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let index = 0; index < a.length; index++) difference |= a[index] ^ b[index];
  return difference === 0;
}
