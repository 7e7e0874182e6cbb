// What the store of HydroCache keeps of a key: its newest version, and of the writes that it has taken in what some cache may still lack.

import type { ByteReader, ByteWriter } from "@causalmesh/core/testing";
import { covers, joined, laterValue, readVector, type Vector, type VectorMap, writeVector } from "../systems/vectors.js";
import { rankOf, readVersion, type Version, writeVersion } from "../systems/versions.js";
import { readList } from "../wire/rpc.js";

export interface StoredVersion extends Version {
  /** The vectors of the writes that it has taken in, its own included, without those that every cache shows. */
  readonly writes: readonly Vector[];
}

/** Nearly all versions of a store that was just filled: they share it. */
const NO_WRITES: readonly Vector[] = [];

/** What a key is filled with: it comes before every write. */
export function beginning(key: string, value: string): StoredVersion {
  return { key, value, vector: [], dependencies: new Map(), writes: NO_WRITES };
}

/**
 * A key's next version, after a write to it. A later write names what its workflow has read and no more, so what the earlier one depends on stays, whether or not that
 * is overwritten, until it is among what every cache shows. Of concurrent writes one value is kept.
 */
export function takenIn(known: StoredVersion, write: Version, shown: Vector): StoredVersion {
  if (covers(known.vector, write.vector)) return known;
  const lacked = (vector: Vector): boolean => !covers(shown, vector);
  const writes = [...known.writes.filter(lacked), write.vector];
  const dependencies: VectorMap = new Map();
  for (const [key, vector] of [...known.dependencies, ...write.dependencies]) {
    if (lacked(vector)) dependencies.set(key, joined(vector, dependencies.get(key) ?? []));
  }
  if (covers(write.vector, known.vector)) return { ...write, dependencies, writes };
  const [a, b] = [rankOf(known), rankOf(write)];
  const value = a === b ? laterValue(known.value, write.value) : a > b ? known.value : write.value;
  return { key: write.key, value, vector: joined(known.vector, write.vector), dependencies, rank: Math.max(a, b), writes };
}

/** The later of two versions that a key has had in the store: each has all that the one before it had. */
export function laterOf<Kept extends Version>(a: Kept | undefined, b: Kept): Kept {
  return a !== undefined && covers(a.vector, b.vector) ? a : b;
}

export function writeStored(out: ByteWriter, version: StoredVersion): void {
  writeVersion(out, version);
  out.varint(version.writes.length);
  for (const vector of version.writes) writeVector(out, vector);
}

export function readStored(payload: ByteReader): StoredVersion {
  const version = readVersion(payload);
  const writes = readList(payload, readVector);
  return { ...version, writes: writes.length === 0 ? NO_WRITES : writes };
}
