// The requests of HydroCache, and what its workflows carry.

import type { ByteReader, ByteWriter } from "@causalmesh/core/testing";
import { readList, readTexts, readValue, TEXT_BYTES_MAX, writeTexts, writeValue } from "../../wire/rpc.js";
import { readVector, readVectorMap, type Vector, type VectorMap, writeVector, writeVectorMap } from "../vectors.js";

/** Both kinds: the writes of a workflow, at its end; and loading keys. */
export const FLUSH = 16;
export const LOAD = 17;
/** Conservative. To the coordinator: prepare a snapshot on all servers of a workflow. */
export const PREPARE = 20;
/** From the coordinator to each server: pin the versions of these keys; and: fetch these from others. */
export const PIN = 21;
export const PULL = 22;
/** From server to server: pinned versions. */
export const READ_PINNED = 23;
/** From a function: a read of the pinned snapshot. */
export const READ = 24;
/** The workflow has ended. */
export const CLEAN = 25;
/** Optimistic. From a function: the versions of its keys that fit what the workflow has read. */
export const FIT = 30;
/** From server to server: the versions that a cut of before showed. */
export const FETCH = 31;

/** What a server answers of one key. */
export interface Read {
  readonly value: string | undefined;
  readonly vector: Vector;
}

export function writeRead(out: ByteWriter, { value, vector }: Read): void {
  writeValue(out, value);
  if (value !== undefined) writeVector(out, vector);
}

export function readRead(payload: ByteReader): Read {
  const value = readValue(payload);
  return { value, vector: value === undefined ? [] : readVector(payload) };
}

/** A server of whose cut a workflow has read. */
export interface Source {
  readonly server: number;
  readonly cut: number;
  /** Of all that was read there. */
  readonly vector: Vector;
}

export function writeSources(out: ByteWriter, sources: readonly Source[]): void {
  out.varint(sources.length);
  for (const { server, cut, vector } of sources) {
    out.varint(server);
    out.varint(cut);
    writeVector(out, vector);
  }
}

export function readSources(payload: ByteReader): Source[] {
  return readList(payload, (reader) => ({ server: reader.varint(), cut: reader.varint(), vector: readVector(reader) }));
}

export interface HydroContext {
  /** Of a conservative workflow: its number and the servers where it has a snapshot. */
  readonly id: number;
  readonly participants: readonly number[];
  /** Of an optimistic one. */
  sources: readonly Source[];
  readonly read: VectorMap;
  /** Writes that wait for the end. */
  readonly writes: Map<string, string>;
}

export function writeHydroContext(out: ByteWriter, { id, participants, sources, read, writes }: HydroContext): void {
  out.varint(id);
  out.varint(participants.length);
  for (const server of participants) out.varint(server);
  writeSources(out, sources);
  writeVectorMap(out, read);
  writeWrites(out, writes);
}

export function readHydroContext(payload: ByteReader): HydroContext {
  return {
    id: payload.varint(),
    participants: readList(payload, (reader) => reader.varint()),
    sources: readSources(payload),
    read: readVectorMap(payload),
    writes: readWrites(payload),
  };
}

export function writeWrites(out: ByteWriter, writes: ReadonlyMap<string, string>): void {
  out.varint(writes.size);
  for (const [key, value] of writes) {
    out.text(key);
    out.text(value);
  }
}

export function readWrites(payload: ByteReader): Map<string, string> {
  return new Map(readList(payload, (reader): [string, string] => [reader.text(TEXT_BYTES_MAX), reader.text(TEXT_BYTES_MAX)]));
}

/** Keys by server. */
export type KeysByServer = ReadonlyMap<number, readonly string[]>;

export function writeKeysByServer(out: ByteWriter, keys: KeysByServer): void {
  out.varint(keys.size);
  for (const [server, of] of keys) {
    out.varint(server);
    writeTexts(out, of);
  }
}

export function readKeysByServer(payload: ByteReader): Map<number, string[]> {
  return new Map(readList(payload, (reader): [number, string[]] => [reader.varint(), readTexts(reader)]));
}
