// Versions of keys with vectors and dependencies, as two of the published protocols have them, and how they stand on the wire.

import type { ByteReader, ByteWriter } from "@causalmesh/core/testing";
import { TEXT_BYTES_MAX } from "../wire/rpc.js";
import { readVector, readVectorMap, type Vector, writeVector, writeVectorMap } from "./vectors.js";

/** A write with all that it follows. */
export interface Version {
  readonly key: string;
  readonly value: string;
  readonly vector: Vector;
  readonly dependencies: ReadonlyMap<string, Vector>;
  /** Of a version that concurrent ones were merged into: the rank of the value that was kept. */
  readonly rank?: number;
}

/** Grows along causality, so that of concurrent values the one of the greater rank is nothing that the other had overwritten. */
export function rankOf({ vector, rank }: Version): number {
  return rank ?? vector.reduce((sum, counter) => sum + counter, 0);
}

export function writeVersion(out: ByteWriter, version: Version): void {
  const { key, value, vector, dependencies } = version;
  out.text(key);
  out.text(value);
  writeVector(out, vector);
  writeVectorMap(out, dependencies);
  out.varint(rankOf(version));
}

/** Nearly all versions of a store that was just filled follow nothing: they share these. */
const NOTHING: ReadonlyMap<string, Vector> = new Map();
const BEGINNING: Vector = [];

export function readVersion(payload: ByteReader): Version {
  const key = payload.text(TEXT_BYTES_MAX);
  const value = payload.text(TEXT_BYTES_MAX);
  const vector = readVector(payload);
  const dependencies = readVectorMap(payload);
  const rank = payload.varint();
  return { key, value, vector: vector.length === 0 ? BEGINNING : vector, dependencies: dependencies.size === 0 ? NOTHING : dependencies, rank };
}
