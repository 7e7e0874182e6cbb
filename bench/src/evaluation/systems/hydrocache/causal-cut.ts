// What a HydroCache server shows: one version of each cached key, all together a causal cut, exposed in steps that are counted. Versions that were
// replaced are kept for a while, so that workflows that have read of a cut go on reading of it.

import { mergedVersion } from "../../store/causal-table.js";
import { covers, type Vector, type VectorMap } from "../vectors.js";
import type { Version } from "../versions.js";

interface Entry {
  readonly version: Version;
  /** The cut with which it was exposed, and the one with which it was replaced. */
  readonly since: number;
  until: number;
}

/** As long as a workflow may take from its first read to its last. */
const RETENTION_MS = 2_000;

export class CausalCut {
  #number = 0;
  readonly #entries = new Map<string, Entry>();
  readonly #replaced = new Map<string, Entry[]>();
  /** Replaced entries in their order. */
  readonly #ageing: { readonly key: string; readonly atMs: number }[] = [];
  readonly #nowMs: () => number;
  /** The join of everything shown. */
  readonly vector: number[] = [];

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Grows with each change. */
  get number(): number {
    return this.#number;
  }

  newest(key: string): Version | undefined {
    return this.#entries.get(key)?.version;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Shows these versions, all at once. Together with what is shown they have to be closed. */
  expose(versions: Iterable<Version>): void {
    this.#number += 1;
    for (const version of versions) this.#put(version);
    this.#forgetOld();
  }

  #put(version: Version): void {
    const { key } = version;
    const entry = this.#entries.get(key);
    const merged = mergedVersion(entry?.version, version);
    if (merged === entry?.version) return;
    merged.vector.forEach((counter, index) => (this.vector[index] = Math.max(this.vector[index] ?? 0, counter)));
    this.#entries.set(key, { version: merged, since: this.#number, until: Infinity });
    if (entry === undefined) return;
    entry.until = this.#number;
    const kept = this.#replaced.get(key);
    if (kept === undefined) this.#replaced.set(key, [entry]);
    else kept.push(entry);
    this.#ageing.push({ key, atMs: this.#nowMs() });
  }

  #forgetOld(): void {
    const before = this.#nowMs() - RETENTION_MS;
    let count = 0;
    while (count < this.#ageing.length && this.#ageing[count].atMs < before) {
      const { key } = this.#ageing[count++];
      const kept = this.#replaced.get(key)!;
      kept.shift();
      if (kept.length === 0) this.#replaced.delete(key);
    }
    this.#ageing.splice(0, count);
  }

  /** The version that a cut of before showed; undefined where it is gone. */
  at(key: string, cut: number): Version | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.since <= cut) return entry?.version;
    return this.#replaced.get(key)?.find(({ since, until }) => since <= cut && cut < until)?.version;
  }

  /** Whether something that was read has a newer version in the past that the vector describes; or may have, as far as is known here. */
  followsNewer(vector: Vector, read: VectorMap): boolean {
    for (const [key, seen] of read) {
      const entry = this.#entries.get(key);
      if (entry === undefined || covers(seen, entry.version.vector)) continue;
      const known = [entry, ...(this.#replaced.get(key) ?? [])].map(({ version }) => version.vector);
      const newer = known.filter((one) => !covers(seen, one));
      if (newer.some((one) => covers(vector, one)) || newer.length === known.length) return true;
    }
    return false;
  }
}
