// The store of HydroCache: each key has its newest version, with its vector and what it depends on; concurrent versions are merged. It publishes which keys have changed.

import type { ByteReader } from "@causalmesh/core/testing";
import { PUBLISH_INTERVAL_MS } from "../systems/system.js";
import { covers, joined, laterValue, type Vector, type VectorMap } from "../systems/vectors.js";
import { rankOf, readVersion, type Version, writeVersion } from "../systems/versions.js";
import { nothing, readList, readTexts, type Rpc, type Service, TEXT_BYTES_MAX, writeTexts } from "../wire/rpc.js";

export const PUT_VERSIONS = 32;
export const GET_VERSIONS = 33;
export const SUBSCRIBE = 34;
/** From the store: these keys have changed. */
export const CHANGED = 35;
/** Sets keys to a value that comes before every write. */
export const FILL_VERSIONS = 36;

export function causalTable(): Service {
  const table = new CausalTable();
  setInterval(() => table.publish(), PUBLISH_INTERVAL_MS).unref();
  return (rpc, type, id, payload) => table.serve(rpc, type, id, payload);
}

class CausalTable {
  readonly #versions = new Map<string, Version>();
  readonly #subscribers = new Set<Rpc>();
  #changed = new Set<string>();

  serve(rpc: Rpc, type: number, id: number, payload: ByteReader): void {
    if (type === PUT_VERSIONS) {
      for (const version of readList(payload, readVersion)) this.#put(version);
      rpc.reply(id, nothing);
    } else if (type === GET_VERSIONS) {
      const found = readTexts(payload).map((key) => this.#versions.get(key));
      rpc.reply(id, (out) => {
        const known = found.filter((version) => version !== undefined);
        out.varint(known.length);
        for (const version of known) writeVersion(out, version);
      });
    } else if (type === SUBSCRIBE) {
      this.#subscribers.add(rpc);
      rpc.reply(id, nothing);
    } else if (type === FILL_VERSIONS) {
      const keys = readTexts(payload);
      const value = payload.text(TEXT_BYTES_MAX);
      const beginning = { value, vector: [], dependencies: new Map<string, Vector>() };
      for (const key of keys) this.#versions.set(key, { key, ...beginning });
      rpc.reply(id, nothing);
    } else rpc.fail(id, `the store has no request of type ${type}`);
  }

  #put(version: Version): void {
    this.#versions.set(version.key, mergedVersion(this.#versions.get(version.key), version));
    this.#changed.add(version.key);
  }

  publish(): void {
    if (this.#changed.size === 0) return;
    const keys = [...this.#changed];
    this.#changed = new Set();
    for (const subscriber of this.#subscribers) subscriber.tell(CHANGED, (out) => writeTexts(out, keys));
  }
}

/** The dominating version with its dependencies alone; of concurrent ones the join, which depends on what both do. */
export function mergedVersion(known: Version | undefined, version: Version): Version {
  if (known === undefined || covers(version.vector, known.vector)) return version;
  if (covers(known.vector, version.vector)) return known;
  const dependencies: VectorMap = new Map(known.dependencies);
  for (const [key, vector] of version.dependencies) {
    const other = dependencies.get(key);
    dependencies.set(key, other === undefined ? vector : joined(other, vector));
  }
  const [a, b] = [rankOf(known), rankOf(version)];
  const value = a === b ? laterValue(known.value, version.value) : a > b ? known.value : version.value;
  return { key: version.key, value, vector: joined(known.vector, version.vector), dependencies, rank: Math.max(a, b) };
}
