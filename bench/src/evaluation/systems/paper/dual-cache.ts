// The dual cache of the paper: pending versions (its I-cache), which are kept until somebody asks for them, and what can be read (its C-cache), which is a causal
// cut. Nothing is ever dropped from the pending versions but by being moved.

import { covers, joined, laterValue, type Vector, type VectorMap } from "../vectors.js";
import type { Version } from "../versions.js";

export interface Readable {
  readonly value: string;
  readonly vector: Vector;
}

/** Versions of a key that are kept for snapshots; the last is the newest. */
const VERSIONS_MAX = 8;

export class DualCache {
  readonly #pending = new Map<string, Version[]>();
  readonly #readable = new Map<string, Readable[]>();
  readonly #versionsMax: number;
  readonly #initial: Readable;
  #pendingCount = 0;

  constructor(servers: number, keepsVersions: boolean) {
    this.#versionsMax = keepsVersions ? VERSIONS_MAX : 1;
    this.#initial = { value: "", vector: new Array<number>(servers).fill(0) };
  }

  get pending(): number {
    return this.#pendingCount;
  }

  /** What the store holds at first. */
  fill(key: string, value: string): void {
    this.#readable.set(key, [{ value, vector: this.#initial.vector }]);
  }

  /** Keeps a version until it is asked for; one that is there already or readable is not kept twice. */
  keep(version: Version): void {
    if (this.#isReadable(version.key, version.vector)) return;
    const kept = this.#pending.get(version.key);
    if (kept === undefined) this.#pending.set(version.key, [version]);
    else if (kept.some(({ vector }) => covers(vector, version.vector) && covers(version.vector, vector))) return;
    else kept.push(version);
    this.#pendingCount += 1;
  }

  #isReadable(key: string, vector: Vector): boolean {
    const newest = this.#readable.get(key)?.at(-1);
    return newest !== undefined && covers(newest.vector, vector);
  }

  /** Makes all of these readable, and first what they follow in turn. */
  integrate(dependencies: ReadonlyMap<string, Vector>): void {
    const moved = new Map<string, Readable>();
    const todo = [dependencies];
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      for (const [key, vector] of next)
        for (const version of this.#take(key, vector)) {
          moved.set(key, merged(moved.get(key), version));
          todo.push(version.dependencies);
        }
    }
    for (const [key, version] of moved) this.#show(key, version);
  }

  /** Takes the pending versions of the key up to the vector. */
  #take(key: string, vector: Vector): Version[] {
    const kept = this.#pending.get(key);
    if (kept === undefined) return [];
    const taken = kept.filter((version) => covers(vector, version.vector));
    if (taken.length === 0) return [];
    if (taken.length === kept.length) this.#pending.delete(key);
    else
      this.#pending.set(
        key,
        kept.filter((version) => !taken.includes(version)),
      );
    this.#pendingCount -= taken.length;
    return taken;
  }

  #show(key: string, version: Readable): void {
    const versions = this.#readable.get(key);
    if (versions === undefined) {
      this.#readable.set(key, [version]);
      return;
    }
    const newest = versions.at(-1);
    const next = merged(newest, version);
    if (next === newest) return;
    versions.push(next);
    if (versions.length > this.#versionsMax) versions.shift();
  }

  newest(key: string): Readable | undefined {
    return this.#readable.get(key)?.at(-1);
  }

  newestOf(keys: readonly string[]): VectorMap {
    return new Map(keys.map((key) => [key, this.newest(key)?.vector ?? this.#initial.vector]));
  }

  /**
   * For a transaction: the newest version that is neither older than the past of what was read nor follows something newer than a version that was read.
   * Undefined where none of those that are kept fits.
   */
  fitting(key: string, read: VectorMap): Readable | undefined {
    const versions = this.#readable.get(key) ?? [];
    const before = read.get(key);
    if (before !== undefined) return versions.find(({ vector }) => covers(vector, before) && covers(before, vector));
    let past: Vector = this.#initial.vector;
    for (const vector of read.values()) past = joined(past, vector);
    for (let at = versions.length - 1; at >= 0; at--) {
      // What stands behind it in the past of the reads makes it too old, and all before it.
      const isTooOld = at + 1 < versions.length && covers(past, versions[at + 1].vector);
      if (isTooOld) return undefined;
      if (!this.#followsNewer(versions[at].vector, read)) return versions[at];
    }
    return undefined;
  }

  /** Whether nothing that was read follows something newer than what was read. */
  isSnapshot(read: VectorMap): boolean {
    return ![...read.values()].some((vector) => this.#followsNewer(vector, read));
  }

  /** Whether a version of something that was read, newer than what was read, is in the past that the vector describes; or may be, as far as is known here. */
  #followsNewer(vector: Vector, read: VectorMap): boolean {
    for (const [key, seen] of read) {
      const versions = this.#readable.get(key) ?? [];
      const newer = versions.filter((version) => !covers(seen, version.vector));
      if (newer.some((version) => covers(vector, version.vector))) return true;
      if (newer.length === versions.length && newer.length > 0) return true;
    }
    return false;
  }
}

/** The dominating one of two, or both in one: the clock joins, and one value is kept. */
export function merged(a: Readable | undefined, b: Readable): Readable {
  if (a === undefined) return { value: b.value, vector: b.vector };
  if (covers(a.vector, b.vector)) return a;
  if (covers(b.vector, a.vector)) return { value: b.value, vector: b.vector };
  return { value: laterValue(a.value, b.value), vector: joined(a.vector, b.vector) };
}
