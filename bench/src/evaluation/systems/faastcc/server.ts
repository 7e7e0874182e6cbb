// A cache server of FaaSTCC: the newest version of each key that it knows, with its timestamp and promise. The store tells it what has changed and how far time has come, which makes the
// promises of everything else grow. What does not fit a workflow's interval is read from the store within it.

import type { ByteReader } from "@causalmesh/core/testing";
import { COMMIT as STORE_COMMIT, COMMIT_ONE, partitionOf, PREPARE, READ_AT, STABLE, SUBSCRIBE } from "../../store/version-table.js";
import { readTimed, type Timed, writeTimed } from "../../store/timed.js";
import { dial, nothing, readTexts, Rpc, writeTexts } from "../../wire/rpc.js";
import { readWrites, writeWrites } from "../hydrocache/messages.js";
import type { CacheServer, ServerOptions } from "../system.js";
import { ANY_HIGH, COMMIT, LOAD, READ } from "./messages.js";

export async function startFaasServer({ addresses, index, store, transport }: ServerOptions): Promise<CacheServer> {
  const cache = new TimedCache();
  const opened = await dial(transport, store, (_rpc, type, _id, payload) => {
    if (type !== STABLE) return;
    const stable = payload.varint();
    cache.grow(
      stable,
      readTexts(payload).map((key) => [key, readTimed(payload)]),
    );
  });
  await opened.call(SUBSCRIBE, nothing, nothing);
  const server = new FaasServer(cache, opened, index);
  const listener = await transport.listen(
    addresses[index],
    (connection) => new Rpc(connection, (rpc, type, id, payload) => server.serve(rpc, type, id, payload)),
  );
  return {
    // Nobody knows here what has changed in the store since it last said so.
    backlog: () => 0,
    close: async () => {
      await listener.close();
      opened.close();
    },
  };
}

export class TimedCache {
  readonly #versions = new Map<string, Timed>();
  /** Up to this time, what is cached is known to be the newest. */
  #stable = 0;

  /** What fits the interval; undefined where the cached version does not, or there is none. */
  fitting(key: string, low: number, high: number): Timed | undefined {
    const version = this.#versions.get(key);
    if (version === undefined || version.timestamp > high) return undefined;
    const promise = Math.max(version.promise, this.#stable);
    return promise < low ? undefined : { ...version, promise };
  }

  /** Keeps the newest that the store has shown. */
  keep(key: string, version: Timed): void {
    const known = this.#versions.get(key);
    if (known === undefined || known.timestamp < version.timestamp) this.#versions.set(key, version);
    else if (known.timestamp === version.timestamp && known.promise < version.promise) this.#versions.set(key, version);
  }

  /** The store has told of all changes up to this time. */
  grow(stable: number, changed: readonly (readonly [key: string, version: Timed | undefined])[]): void {
    for (const [key, version] of changed) {
      // The newest up to the stable time; a later one has been told of too, and comes with its own promise.
      if (version === undefined) this.#versions.delete(key);
      else this.#versions.set(key, version);
    }
    this.#stable = stable;
  }
}

class FaasServer {
  readonly #cache: TimedCache;
  readonly #store: Rpc;
  readonly #index: number;
  #workflows = 0;

  constructor(cache: TimedCache, store: Rpc, index: number) {
    this.#cache = cache;
    this.#store = store;
    this.#index = index;
  }

  serve(rpc: Rpc, type: number, id: number, payload: ByteReader): void {
    const failed = (error: unknown): void => rpc.fail(id, error);
    if (type === READ) {
      const keys = readTexts(payload);
      const [low, high] = [payload.varint(), payload.varint()];
      const answer = (versions: readonly (Timed | undefined)[]): void => rpc.reply(id, (out) => versions.forEach((version) => writeTimed(out, version)));
      const cached = this.#cached(keys, low, high);
      if (cached !== undefined) answer(cached);
      else this.#read(keys, low, high).then(answer, failed);
    } else if (type === COMMIT) {
      this.#commit(payload.varint(), readWrites(payload)).then(() => rpc.reply(id, nothing), failed);
    } else if (type === LOAD) this.#load(readTexts(payload)).then(() => rpc.reply(id, nothing), failed);
  }

  /** All of them from the cache: each narrows the interval for the next. */
  #cached(keys: readonly string[], low: number, high: number): Timed[] | undefined {
    const found: Timed[] = [];
    let [from, to] = [low, high];
    for (const key of keys) {
      const version = this.#cache.fitting(key, from, to);
      if (version === undefined) return undefined;
      from = Math.max(from, version.timestamp);
      to = Math.min(to, version.promise);
      found.push(version);
    }
    return found;
  }

  /** Some from the store, one after the other where each narrows the interval. */
  async #read(keys: readonly string[], low: number, high: number): Promise<(Timed | undefined)[]> {
    const found: (Timed | undefined)[] = [];
    let [from, to] = [low, high];
    for (const key of keys) {
      const version = this.#cache.fitting(key, from, to) ?? (await this.#fetch([key], from, to))[0];
      found.push(version);
      if (version === undefined) break;
      from = Math.max(from, version.timestamp);
      to = Math.min(to, version.promise);
    }
    while (found.length < keys.length) found.push(undefined);
    return found;
  }

  async #fetch(keys: readonly string[], low: number, high: number): Promise<(Timed | undefined)[]> {
    return await this.#store.call(
      READ_AT,
      (out) => {
        writeTexts(out, keys);
        out.varint(low);
        out.varint(high);
      },
      (payload) => keys.map(() => readTimed(payload)),
    );
  }

  async #load(keys: readonly string[]): Promise<void> {
    const versions = await this.#fetch(keys, 0, ANY_HIGH);
    versions.forEach((version, index) => version !== undefined && this.#cache.keep(keys[index], version));
  }

  /** All writes get one timestamp, later than everything read. */
  async #commit(low: number, writes: ReadonlyMap<string, string>): Promise<void> {
    const byPartition = new Map<number, Map<string, string>>();
    for (const [key, value] of writes) {
      const partition = partitionOf(key);
      byPartition.set(partition, (byPartition.get(partition) ?? new Map<string, string>()).set(key, value));
    }
    const partitions = [...byPartition];
    if (partitions.length === 1) {
      await this.#store.call(
        COMMIT_ONE,
        (out) => {
          out.varint(partitions[0][0]);
          out.varint(low);
          writeWrites(out, partitions[0][1]);
        },
        (payload) => payload.varint(),
      );
      return;
    }
    const workflow = ++this.#workflows * 1_000 + this.#index;
    const proposed = await Promise.all(
      partitions.map(([partition]) =>
        this.#store.call(
          PREPARE,
          (out) => {
            out.varint(partition);
            out.varint(workflow);
            out.varint(low);
          },
          (payload) => payload.varint(),
        ),
      ),
    );
    const timestamp = Math.max(...proposed);
    await Promise.all(
      partitions.map(([partition, written]) =>
        this.#store.call(
          STORE_COMMIT,
          (out) => {
            out.varint(partition);
            out.varint(workflow);
            out.varint(timestamp);
            writeWrites(out, written);
          },
          nothing,
        ),
      ),
    );
  }
}
