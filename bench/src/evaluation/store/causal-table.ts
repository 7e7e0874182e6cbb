// The store of HydroCache: each key has its newest version, with its vector and what it depends on. It publishes which keys have changed, and caches say when they show that.

import type { ByteReader } from "@causalmesh/core/testing";
import { PUBLISH_INTERVAL_MS } from "../systems/system.js";
import { joinInto, writeVector } from "../systems/vectors.js";
import { readVersion, type Version } from "../systems/versions.js";
import { nothing, readList, readTexts, type Rpc, type Service, TEXT_BYTES_MAX, writeTexts } from "../wire/rpc.js";
import { beginning, type StoredVersion, takenIn, writeStored } from "./causal-version.js";

export const PUT_VERSIONS = 32;
export const GET_VERSIONS = 33;
export const SUBSCRIBE = 34;
/** From the store: these keys have changed, and these are all writes that it had by then. Answered when the cache shows them. */
export const CHANGED = 35;
/** Sets keys to a value that comes before every write. */
export const FILL_VERSIONS = 36;

export function causalTable(): Service {
  const table = new CausalTable();
  setInterval(() => void table.publish(), PUBLISH_INTERVAL_MS).unref();
  return table.serve;
}

export class CausalTable {
  readonly #versions = new Map<string, StoredVersion>();
  readonly #caches = new Set<Rpc>();
  #changed = new Set<string>();
  /** All writes that it has. Each server sends its own in order, so a vector names them. */
  readonly #written: number[] = [];
  /** All writes that every cache shows. */
  readonly #shown: number[] = [];

  readonly serve: Service = (rpc, type, id, payload) => {
    if (type === PUT_VERSIONS) {
      for (const version of readList(payload, readVersion)) this.#put(version);
      rpc.reply(id, nothing);
    } else if (type === GET_VERSIONS) {
      const found = readTexts(payload).map((key) => this.#versions.get(key));
      rpc.reply(id, (out) => {
        const known = found.filter((version) => version !== undefined);
        out.varint(known.length);
        for (const version of known) writeStored(out, version);
      });
    } else if (type === SUBSCRIBE) {
      this.#caches.add(rpc);
      rpc.reply(id, nothing);
    } else if (type === FILL_VERSIONS) {
      this.#fill(payload);
      rpc.reply(id, nothing);
    } else rpc.fail(id, `the store has no request of type ${type}`);
  };

  #fill(payload: ByteReader): void {
    const keys = readTexts(payload);
    const value = payload.text(TEXT_BYTES_MAX);
    for (const key of keys) this.#versions.set(key, beginning(key, value));
  }

  #put(version: Version): void {
    const { key } = version;
    this.#versions.set(key, takenIn(this.#versions.get(key) ?? beginning(key, ""), version, this.#shown));
    joinInto(this.#written, version.vector);
    this.#changed.add(key);
  }

  /** Tells all caches what has changed. Resolves when they show it. */
  async publish(): Promise<void> {
    if (this.#changed.size === 0) return;
    const keys = [...this.#changed];
    const written = [...this.#written];
    this.#changed = new Set();
    await Promise.all([...this.#caches].map((cache) => this.#tell(cache, keys, written)));
    joinInto(this.#shown, written);
  }

  async #tell(cache: Rpc, keys: readonly string[], written: readonly number[]): Promise<void> {
    const told = cache.call(
      CHANGED,
      (out) => {
        writeTexts(out, keys);
        writeVector(out, written);
      },
      nothing,
    );
    // A cache that is gone shows nothing any more.
    await told.catch(() => this.#caches.delete(cache));
  }
}
