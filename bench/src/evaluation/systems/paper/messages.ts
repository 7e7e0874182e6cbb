// The requests of the CausalMesh of the paper.

import type { ByteReader, ByteWriter } from "@causalmesh/core/testing";
import { readVectorMap, type VectorMap, writeVectorMap } from "../vectors.js";
import { readVersion, type Version, writeVersion } from "../versions.js";

export const READ = 16;
export const WRITE = 17;
/** To the successor: a write on its first trip round the ring. */
export const FIRST_TRIP = 18;
/** To the successor: the name of a write on its second trip. */
export const SECOND_TRIP = 19;

/** Transactions only: whether what parallel branches have read is of one snapshot. */
export const VALIDATE = 21;

/** What the store holds at first, before anything is measured. */
export const FILL = 20;

/** What a session of the paper carries: what it has read, by key, and its own writes with all that they follow. */
export interface PaperContext {
  readonly dependencies: VectorMap;
  readonly local: Map<string, Version>;
  /** Of a transaction that begins again: what stood in its way, which is made readable wherever it reads. */
  readonly floor: VectorMap;
}

export function writeContext(out: ByteWriter, { dependencies, local, floor }: PaperContext): void {
  writeVectorMap(out, dependencies);
  out.varint(local.size);
  for (const version of local.values()) writeVersion(out, version);
  writeVectorMap(out, floor);
}

export function readContext(payload: ByteReader): PaperContext {
  const dependencies = readVectorMap(payload);
  const local = new Map<string, Version>();
  for (let left = payload.varint(); left > 0; left--) {
    const version = readVersion(payload);
    local.set(version.key, version);
  }
  return { dependencies, local, floor: readVectorMap(payload) };
}
