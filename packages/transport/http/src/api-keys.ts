// API keys: who may do what in which namespaces. Keys are kept as their SHA-256 alone, and compared in a time that does not depend on
// where they differ.

import { MeshError, parseDuration, type Duration } from "@causalmesh/core";
import { API_KEY_BYTES_MAX, API_KEY_BYTES_MIN, API_KEYS_AGE_MS_DEFAULT } from "./limits.js";
import { Problem } from "./problem.js";

/** `write` includes `read`; `admin` includes both, and may see the mesh's status. */
export type Role = "read" | "write" | "admin";

/** One API key, in plain or as the SHA-256 of it. */
export interface ApiKey {
  /** For messages and logs; never the key. */
  readonly name: string;
  /** The key itself, at least 16 bytes, such as from `openssl rand -hex 32`. Give this or `sha256`. */
  readonly key?: string;
  /** 64 hexadecimal digits: `printf %s "$KEY" | sha256sum`. */
  readonly sha256?: string;
  readonly role: Role;
  /** The namespaces that the key reaches, or "*" for all. */
  readonly namespaces: readonly string[] | "*";
}

/** A list, or what returns the current one; it is asked again when the last answer is older than `apiKeysMaxAge`. */
export type ApiKeySource = readonly ApiKey[] | (() => readonly ApiKey[] | Promise<readonly ApiKey[]>);

/** Who asks. */
export interface Caller {
  readonly name: string;
  readonly role: Role;
  readonly namespaces: ReadonlySet<string> | "*";
}

const ROLES: readonly Role[] = ["read", "write", "admin"];
/** Whoever asks where no keys are wanted. */
export const ANYONE: Caller = { name: "anyone", role: "admin", namespaces: "*" };

export function mayReach({ namespaces }: Caller, namespace: string | undefined): boolean {
  return namespaces === "*" || (namespace !== undefined && namespaces.has(namespace));
}

/** Throws FORBIDDEN where the caller's role is too small. */
export function checkRole(caller: Caller, role: Role): void {
  if (ROLES.indexOf(caller.role) >= ROLES.indexOf(role)) return;
  throw new Problem("FORBIDDEN", `the API key "${caller.name}" has the role ${caller.role}; this takes ${role}`);
}

/** Throws FORBIDDEN where the namespace is another tenant's. */
export function checkNamespaceOf(caller: Caller, namespace: string): void {
  if (mayReach(caller, namespace)) return;
  throw new Problem("FORBIDDEN", `the API key "${caller.name}" does not reach the namespace ${JSON.stringify(namespace)}`);
}

interface Entry {
  readonly digest: Uint8Array;
  readonly caller: Caller;
}

export interface KeyringOptions {
  readonly source: ApiKeySource;
  readonly maxAge: Duration | undefined;
  /** Told when the source fails; the keys of before stay. */
  readonly onError: (error: unknown) => void;
}

export class Keyring {
  readonly #source: ApiKeySource;
  readonly #maxAgeMs: number;
  readonly #onError: (error: unknown) => void;
  #entries: readonly Entry[] = [];
  #loadedAt = 0;
  #loading: Promise<void> | undefined;

  private constructor({ source, maxAge, onError }: KeyringOptions) {
    this.#source = source;
    this.#maxAgeMs = maxAge === undefined ? API_KEYS_AGE_MS_DEFAULT : parseDuration(maxAge, "apiKeysMaxAge");
    this.#onError = onError;
  }

  /** Rejects with OPTION_INVALID, or with what the source fails with. */
  static async open(options: KeyringOptions): Promise<Keyring> {
    const keyring = new Keyring(options);
    await keyring.reload();
    return keyring;
  }

  /** Asks the source now. Rejects where it fails or returns what are no keys; those of before stay then. */
  async reload(): Promise<void> {
    const source = this.#source;
    const keys = typeof source === "function" ? await source() : source;
    this.#entries = await entriesOf(keys);
    this.#loadedAt = Date.now();
  }

  /** Who presents this `Authorization` header. Throws UNAUTHENTICATED. */
  async caller(authorization: string | null): Promise<Caller> {
    if (authorization === null) throw unauthenticated("give an API key: Authorization: Bearer KEY", "");
    const key = /^Bearer +([\w\-.~+/]+=*) *$/i.exec(authorization)?.[1];
    if (key === undefined || key.length > API_KEY_BYTES_MAX) throw unauthenticated("the Authorization header is not of the form Bearer KEY", "invalid_request");
    await this.#refresh();
    const caller = find(this.#entries, await sha256(key));
    if (caller === undefined) throw unauthenticated("the API key is not known: it is wrong, or no longer in use", "invalid_token");
    return caller;
  }

  async #refresh(): Promise<void> {
    if (typeof this.#source !== "function" || Date.now() - this.#loadedAt < this.#maxAgeMs) return;
    this.#loading ??= this.reload()
      .catch((error: unknown) => {
        this.#loadedAt = Date.now();
        this.#onError(error);
      })
      .finally(() => (this.#loading = undefined));
    await this.#loading;
  }
}

function unauthenticated(detail: string, error: string): Problem {
  const challenge = `Bearer realm="causalmesh"${error === "" ? "" : `, error="${error}"`}`;
  return new Problem("UNAUTHENTICATED", detail, { "www-authenticate": challenge });
}

/** Looks at every key, and at every byte of each, whatever it finds. */
function find(entries: readonly Entry[], digest: Uint8Array): Caller | undefined {
  let found: Caller | undefined;
  for (const entry of entries) {
    let difference = 0;
    for (let index = 0; index < digest.length; index++) difference |= digest[index] ^ entry.digest[index];
    if (difference === 0) found = entry.caller;
  }
  return found;
}

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

async function entriesOf(keys: unknown): Promise<Entry[]> {
  if (!Array.isArray(keys))
    throw new MeshError("OPTION_INVALID", "apiKeys is no list; give { name, key, role, namespaces } objects, or a function that returns them");
  const entries = await Promise.all(keys.map((key) => entryOf(key as Partial<ApiKey>)));
  const names = new Set(entries.map(({ caller }) => caller.name));
  if (names.size < entries.length)
    throw new MeshError("OPTION_INVALID", "two API keys have the same name; a key that is being replaced needs a name of its own");
  return entries;
}

/** Checks one key from outside: an option, a file. */
async function entryOf(apiKey: Partial<ApiKey>): Promise<Entry> {
  const { name, role, namespaces } = apiKey ?? {};
  if (typeof name !== "string" || name === "") throw new MeshError("OPTION_INVALID", "an API key has no name");
  const wrong = (what: string): MeshError => new MeshError("OPTION_INVALID", `the API key "${name}" ${what}`);
  if (!ROLES.includes(role as Role)) throw wrong(`has the role ${String(role)}; it is one of ${ROLES.join(", ")}`);
  const isList = Array.isArray(namespaces) && namespaces.every((namespace) => typeof namespace === "string" && namespace !== "");
  if (namespaces !== "*" && !isList) throw wrong('has no namespaces; give a list of names, or "*" for all');
  const reached = namespaces === "*" ? namespaces : new Set(namespaces);
  return { digest: await digestOf(apiKey, wrong), caller: { name, role: role!, namespaces: reached } };
}

async function digestOf({ key, sha256: hash }: Partial<ApiKey>, wrong: (what: string) => MeshError): Promise<Uint8Array> {
  if ((key === undefined) === (hash === undefined)) throw wrong("needs either key or sha256");
  if (hash !== undefined) {
    if (typeof hash !== "string" || !/^[\da-f]{64}$/i.test(hash)) throw wrong("has a sha256 that is not 64 hexadecimal digits");
    return Uint8Array.from(hash.match(/../g)!, (digits) => Number.parseInt(digits, 16));
  }
  if (typeof key !== "string" || !/^[\w\-.~+/]+=*$/.test(key))
    throw wrong("has a key with characters that a header cannot carry; use letters, digits and any of - . _ ~ + /");
  if (key.length < API_KEY_BYTES_MIN || key.length > API_KEY_BYTES_MAX)
    throw wrong(`has ${key.length} characters; give ${API_KEY_BYTES_MIN} to ${API_KEY_BYTES_MAX}, such as from: openssl rand -hex 32`);
  return await sha256(key);
}
