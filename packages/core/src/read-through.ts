// Reading through to data that others write: rows of existing tables, another service. The mesh caches what the user's own loader
// returns, for a while. `docs/read-through.md` says what is promised of such values and what is not.

import { SEPARATOR } from "./client/keys.js";
import { jsonCodec } from "./client/codec.js";
import { parseDuration } from "./client/duration.js";
import { MeshError } from "./errors.js";
import { VALUE_BYTES_MAX } from "./limits.js";
import type { Codec, Duration } from "./mesh.js";
import { OWN_KEY } from "./protocol/own-keys.js";

export interface ReadThroughOptions {
  /** Keys that begin with it are loaded. Default: all keys. */
  readonly prefix?: string;
  /**
   * Returns a value for each key, in their order, and undefined for what is not there. Keys are those that users ask for, without a
   * namespace, each once; at most 256 at a time. A rejection fails the reads that wait for it, with STORE_UNAVAILABLE.
   */
  load(keys: readonly string[]): Promise<readonly unknown[]>;
  /** How long a node shows what it has loaded, absence included, before it loads again. Default one minute. */
  readonly ttl?: Duration;
  /** The mesh's codec, where that is not the default one. */
  readonly codec?: Codec;
}

/** What `readThrough` makes of its options, for `createMesh`, `startNode` and the configuration file. */
export interface Loader {
  readonly ttlMs: number;
  /** Whether a stored key is one of those that are loaded. */
  has(storedKey: string): boolean;
  /** The encoded values, undefined for what is not there. Rejects with STORE_UNAVAILABLE, VALUE_INVALID or VALUE_TOO_LARGE. */
  load(storedKeys: readonly string[]): Promise<(Uint8Array | undefined)[]>;
}

const TTL_DEFAULT = "1m";
/** A value has to be there still when the reads that waited for it are answered. */
const TTL_MS_MIN = 100;

/** Makes the mesh load keys from elsewhere that it has no value for. Throws OPTION_INVALID. */
export function readThrough(options: ReadThroughOptions): Loader {
  const { prefix = "", ttl = TTL_DEFAULT, codec = jsonCodec } = options;
  if (typeof options.load !== "function") throw new MeshError("OPTION_INVALID", "readThrough needs load, a function from keys to a promise of their values");
  if (typeof prefix !== "string") throw new MeshError("OPTION_INVALID", "the prefix of readThrough is a string");
  const ttlMs = Math.max(TTL_MS_MIN, parseDuration(ttl, "ttl"));
  return {
    ttlMs,
    has: (storedKey) => !storedKey.startsWith(OWN_KEY) && plainKey(storedKey).startsWith(prefix),
    load: async (storedKeys) => {
      const values = await called(() => options.load(storedKeys.map(plainKey)));
      if (!Array.isArray(values) || values.length !== storedKeys.length)
        throw new MeshError("VALUE_INVALID", `the loader of readThrough has to return one value per key, ${storedKeys.length} in an array`);
      return values.map((value: unknown, index) => (value === undefined ? undefined : encoded(codec, value, storedKeys[index])));
    },
  };
}

/** A key as its user gave it. */
function plainKey(storedKey: string): string {
  return storedKey.slice(storedKey.indexOf(SEPARATOR) + 1);
}

async function called(load: () => Promise<readonly unknown[]>): Promise<unknown> {
  try {
    return await load();
  } catch (cause) {
    throw new MeshError("STORE_UNAVAILABLE", `the loader of readThrough failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

function encoded(codec: Codec, value: unknown, storedKey: string): Uint8Array {
  const bytes = codec.encode(value);
  if (bytes.length <= VALUE_BYTES_MAX) return bytes;
  throw new MeshError(
    "VALUE_TOO_LARGE",
    `what was loaded for ${JSON.stringify(plainKey(storedKey))} takes ${bytes.length} bytes; at most ${VALUE_BYTES_MAX} are kept`,
  );
}
