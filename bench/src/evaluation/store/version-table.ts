// The store of FaaSTCC: several versions of each key by timestamp, in partitions with clocks of their own. A version is good for all snapshots from its timestamp to its promise, up to which no other one
// can come between: that of a replaced one ends before the next, that of the newest grows with the partition's clock. Writes of several partitions are committed in two phases.

import type { ByteReader } from "@causalmesh/core/testing";
import { PUBLISH_INTERVAL_MS } from "../systems/system.js";
import { nothing, readList, readTexts, type Rpc, type Service, TEXT_BYTES_MAX, writeTexts } from "../wire/rpc.js";
import { type Timed, writeTimed } from "./timed.js";

export const READ_AT = 48;
export const PREPARE = 49;
export const COMMIT = 50;
/** Prepares and commits at once, where all keys are of one partition. */
export const COMMIT_ONE = 51;
export const SUBSCRIBE = 52;
/** From the store: the time up to which everything is known, and what has changed until then. */
export const STABLE = 53;
export const FILL = 54;

const PARTITIONS = 4;
/** Versions that were replaced are kept for workflows that have begun before. */
const RETENTION_MICROS = 2_000_000;

export function versionTable(): Service {
  const table = new VersionTable();
  setInterval(() => table.publish(), PUBLISH_INTERVAL_MS).unref();
  return (rpc, type, id, payload) => table.serve(rpc, type, id, payload);
}

/** Which partition has the key. */
export function partitionOf(key: string): number {
  let hash = 0;
  for (let at = 0; at < key.length; at++) hash = (hash * 31 + key.charCodeAt(at)) >>> 0;
  return hash % PARTITIONS;
}

class VersionTable {
  readonly #partitions = Array.from({ length: PARTITIONS }, () => new Partition());
  readonly #subscribers = new Set<Rpc>();

  serve(rpc: Rpc, type: number, id: number, payload: ByteReader): void {
    if (type === READ_AT) {
      const keys = readTexts(payload);
      const [low, high] = [payload.varint(), payload.varint()];
      const found = keys.map((key) => this.#partitions[partitionOf(key)].readAt(key, low, high));
      rpc.reply(id, (out) => found.forEach((version) => writeTimed(out, version)));
    } else if (type === PREPARE) {
      const timestamp = this.#partitions[payload.varint()].prepare(payload.varint(), payload.varint());
      rpc.reply(id, (out) => out.varint(timestamp));
    } else if (type === COMMIT) {
      this.#partitions[payload.varint()].commit(payload.varint(), payload.varint(), readWritten(payload));
      rpc.reply(id, nothing);
    } else if (type === COMMIT_ONE) {
      const timestamp = this.#partitions[payload.varint()].commitOne(payload.varint(), readWritten(payload));
      rpc.reply(id, (out) => out.varint(timestamp));
    } else if (type === SUBSCRIBE) {
      this.#subscribers.add(rpc);
      rpc.reply(id, nothing);
    } else if (type === FILL) {
      const keys = readTexts(payload);
      const value = payload.text(TEXT_BYTES_MAX);
      for (const key of keys) this.#partitions[partitionOf(key)].fill(key, value);
      rpc.reply(id, nothing);
    } else rpc.fail(id, `the store has no request of type ${type}`);
  }

  /** The promise of everything that has not changed grows to the time that all partitions have reached. */
  publish(): void {
    const stable = Math.min(...this.#partitions.map((partition) => partition.stable()));
    const keys = this.#partitions.flatMap((partition) => partition.takeChanged(stable));
    const versions = keys.map((key) => this.#partitions[partitionOf(key)].readAt(key, 0, stable));
    for (const subscriber of this.#subscribers) {
      subscriber.tell(STABLE, (out) => {
        out.varint(stable);
        writeTexts(out, keys);
        for (const version of versions) writeTimed(out, version);
      });
    }
  }
}

type Written = readonly (readonly [key: string, value: string])[];

function readWritten(payload: ByteReader): Written {
  return readList(payload, (reader) => [reader.text(TEXT_BYTES_MAX), reader.text(TEXT_BYTES_MAX)] as const);
}

/** Exported for its tests. */
export class Partition {
  readonly #versions = new Map<string, { readonly value: string; readonly timestamp: number }[]>();
  /** Timestamps that were proposed and are not committed, by workflow. */
  readonly #prepared = new Map<number, number>();
  readonly #nowMicros: () => number;
  #changed = new Set<string>();
  #clock = 1;

  constructor(nowMicros: () => number = () => Math.round((performance.timeOrigin + performance.now()) * 1000)) {
    this.#nowMicros = nowMicros;
  }

  fill(key: string, value: string): void {
    this.#versions.set(key, [{ value, timestamp: 1 }]);
  }

  /** No version with a timestamp up to this can be committed any more. */
  stable(): number {
    this.#clock = Math.max(this.#clock, this.#nowMicros());
    return Math.min(this.#clock, ...[...this.#prepared.values()].map((timestamp) => timestamp - 1));
  }

  /** The newest version that is good for some snapshot within the interval; undefined where there is none. */
  readAt(key: string, low: number, high: number): Timed | undefined {
    const versions = this.#versions.get(key) ?? [];
    const at = lastUpTo(versions, high);
    if (at < 0) return undefined;
    const next = versions[at + 1];
    const promise = next === undefined ? this.stable() : Math.min(next.timestamp - 1, this.stable());
    return promise < low ? undefined : { ...versions[at], promise };
  }

  prepare(workflow: number, low: number): number {
    this.#clock = Math.max(this.#clock + 1, low + 1, this.#nowMicros());
    this.#prepared.set(workflow, this.#clock);
    return this.#clock;
  }

  commit(workflow: number, timestamp: number, written: Written): void {
    this.#prepared.delete(workflow);
    this.#clock = Math.max(this.#clock, timestamp);
    for (const [key, value] of written) this.#put(key, value, timestamp);
  }

  commitOne(low: number, written: Written): number {
    this.#clock = Math.max(this.#clock + 1, low + 1, this.#nowMicros());
    for (const [key, value] of written) this.#put(key, value, this.#clock);
    return this.#clock;
  }

  #put(key: string, value: string, timestamp: number): void {
    const versions = this.#versions.get(key) ?? [];
    // Commits of two phases may come in another order than that of their timestamps.
    versions.splice(lastUpTo(versions, timestamp) + 1, 0, { value, timestamp });
    while (versions.length > 1 && versions[1].timestamp < timestamp - RETENTION_MICROS) versions.shift();
    this.#versions.set(key, versions);
    this.#changed.add(key);
  }

  /** Keys that have changed since they were last taken. Those that have a version later than the time given will be told of again when it has come. */
  takeChanged(stable: number): string[] {
    const keys = [...this.#changed];
    this.#changed = new Set(keys.filter((key) => this.#versions.get(key)!.at(-1)!.timestamp > stable));
    return keys;
  }
}

/** Where the last version up to this time stands; -1 where there is none. */
function lastUpTo(versions: readonly { readonly timestamp: number }[], time: number): number {
  let at = versions.length - 1;
  while (at >= 0 && versions[at].timestamp > time) at -= 1;
  return at;
}
