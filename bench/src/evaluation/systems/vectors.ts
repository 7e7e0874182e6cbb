// Version vectors of the published protocols: one counter per cache server. A write's vector names it and holds what it follows.

import type { ByteReader, ByteWriter } from "@causalmesh/core/testing";
import { Aborted } from "./system.js";

export type Vector = readonly number[];

export function zero(servers: number): number[] {
  return new Array<number>(servers).fill(0);
}

/** Whether `a` has all that `b` has. Counters that are not there count as 0. */
export function covers(a: Vector, b: Vector): boolean {
  for (let index = 0; index < b.length; index++) if ((a[index] ?? 0) < b[index]) return false;
  return true;
}

export function isSame(a: Vector, b: Vector): boolean {
  return covers(a, b) && covers(b, a);
}

export function joinInto(target: number[], other: Vector): void {
  for (let index = 0; index < other.length; index++) {
    if (other[index] > (target[index] ?? 0)) target[index] = other[index];
    else target[index] ??= 0;
  }
}

export function joined(a: Vector, b: Vector): Vector {
  if (covers(a, b)) return a;
  const both = [...a];
  joinInto(both, b);
  return both;
}

export function isZero(vector: Vector): boolean {
  return vector.every((counter) => counter === 0);
}

export function writeVector(out: ByteWriter, vector: Vector): void {
  out.varint(vector.length);
  for (const counter of vector) out.varint(counter);
}

export function readVector(payload: ByteReader): number[] {
  const vector = new Array<number>(payload.varint());
  for (let index = 0; index < vector.length; index++) vector[index] = payload.varint();
  return vector;
}

/** Keys and vectors: dependencies, and what was read. */
export type VectorMap = Map<string, Vector>;

export function addTo(map: VectorMap, key: string, vector: Vector): void {
  const known = map.get(key);
  map.set(key, known === undefined ? vector : joined(known, vector));
}

/** What parallel branches of one transaction have read. Throws Aborted where they have read different versions of a key. */
export function joinReads(read: VectorMap, other: VectorMap): void {
  for (const [key, vector] of other) {
    const known = read.get(key);
    if (known === undefined) read.set(key, vector);
    else if (!isSame(known, vector)) throw new Aborted("branches have read different versions");
  }
}

const KEY_BYTES_MAX = 1024;

export function writeVectorMap(out: ByteWriter, map: ReadonlyMap<string, Vector>): void {
  out.varint(map.size);
  for (const [key, vector] of map) {
    out.text(key);
    writeVector(out, vector);
  }
}

export function readVectorMap(payload: ByteReader): VectorMap {
  const map: VectorMap = new Map();
  for (let left = payload.varint(); left > 0; left--) {
    const key = payload.text(KEY_BYTES_MAX);
    map.set(key, readVector(payload));
  }
  return map;
}

/**
 * Of two concurrent values one is kept, the same everywhere. It is compared as it stands: no clock takes part in the published protocols.
 */
export function laterValue(a: string, b: string): string {
  return a > b ? a : b;
}
