// What a HydroCache server shows: one version of each cached key, all together a causal cut, exposed in steps that are counted. Versions that were
// replaced are kept for a while, so that workflows that have read of a cut go on reading of it.

import { laterOf, type StoredVersion } from "../../store/causal-version.js";
import { covers, isSame, type Vector, type VectorMap } from "../vectors.js";

interface Entry {
  readonly version: StoredVersion;
  /** The writes that it has taken in and the entry before it had not. */
  readonly news: readonly Vector[];
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
  /** Every write up to this vector is shown. What is shown may follow more than that: a cut is closed by what its versions name, key by key, and a vector names whatever else its servers wrote. */
  complete: Vector = [];

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Grows with each change. */
  get number(): number {
    return this.#number;
  }

  newest(key: string): StoredVersion | undefined {
    return this.#entries.get(key)?.version;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Shows these versions, all at once. Together with what is shown they have to be closed. */
  expose(versions: Iterable<StoredVersion>): void {
    this.#number += 1;
    for (const version of versions) this.#put(version);
    this.#forgetOld();
  }

  #put(version: StoredVersion): void {
    const { key } = version;
    const entry = this.#entries.get(key);
    const shown = entry?.version;
    if (laterOf(shown, version) === shown) return;
    const news = shown === undefined ? version.writes : version.writes.filter((write) => !covers(shown.vector, write));
    this.#entries.set(key, { version, news, since: this.#number, until: Infinity });
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
  at(key: string, cut: number): StoredVersion | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.since <= cut) return entry?.version;
    return this.#replaced.get(key)?.find(({ since, until }) => since <= cut && cut < until)?.version;
  }

  /** The version with this vector, if it is shown or was a while ago. */
  withVector(key: string, vector: Vector): StoredVersion | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    return [entry, ...(this.#replaced.get(key) ?? [])].find(({ version }) => isSame(version.vector, vector))?.version;
  }

  /** Whether something that was read has a newer version in the past that the vector describes; or may have, as far as is known here. */
  followsNewer(vector: Vector, read: VectorMap): boolean {
    for (const [key, seen] of read) if (this.#isAmongNewer(vector, key, seen)) return true;
    return false;
  }

  /** Whether the vector follows a write to the key that the version `seen` has not. Such writes are looked at one by one, for most of them were never shown here by themselves. */
  #isAmongNewer(vector: Vector, key: string, seen: Vector): boolean {
    const newest = this.#entries.get(key);
    if (newest === undefined) return false;
    const replaced = this.#replaced.get(key) ?? [];
    for (let entry: Entry | undefined = newest, left = replaced.length; entry !== undefined; entry = replaced[--left]) {
      if (covers(seen, entry.version.vector)) return false;
      if (entry.news.some((write) => covers(vector, write) && !covers(seen, write))) return true;
    }
    // What is kept does not reach back to what was read.
    return true;
  }
}
