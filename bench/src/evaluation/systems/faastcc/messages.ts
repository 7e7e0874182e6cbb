// The requests of FaaSTCC's cache servers, and what its workflows carry.

import type { ByteReader, ByteWriter } from "@causalmesh/core/testing";
import { readWrites, writeWrites } from "../hydrocache/messages.js";

export const READ = 16;
export const COMMIT = 17;
export const LOAD = 18;

/** The snapshots of which everything read so far can be: from `low` to `high`. */
export interface FaasContext {
  low: number;
  high: number;
  /** Writes that wait for the end. */
  readonly writes: Map<string, string>;
}

/** Before the first read any snapshot will do. */
export const ANY_HIGH = Number.MAX_SAFE_INTEGER;

export function writeFaasContext(out: ByteWriter, { low, high, writes }: FaasContext): void {
  out.varint(low);
  out.varint(high);
  writeWrites(out, writes);
}

export function readFaasContext(payload: ByteReader): FaasContext {
  return { low: payload.varint(), high: payload.varint(), writes: readWrites(payload) };
}
