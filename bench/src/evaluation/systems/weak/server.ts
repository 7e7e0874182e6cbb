// A cache server without a promise, as they are usually built (DAX is one): it caches what was read or written through it, writes go through to the
// store, and the other servers are told to forget the key by a message that arrives later. It is careful where care is cheap: a value that was
// invalidated while it was being loaded is not kept.

import type { Row, Store } from "@causalmesh/core";
import type { ByteReader } from "@causalmesh/core/testing";
import { remoteStore } from "../../store/remote-store.js";
import { nothing, readTexts, Rpc, TEXT_BYTES_MAX, writeTexts, writeValue } from "../../wire/rpc.js";
import { Peers } from "../peers.js";
import { type CacheServer, PUBLISH_INTERVAL_MS, type ServerOptions } from "../system.js";
import { FORGET, READ, WRITE } from "./messages.js";

const decoder = new TextDecoder();

export async function startWeakServer({ addresses, index, store, transport }: ServerOptions): Promise<CacheServer> {
  const opened = await remoteStore(transport, store);
  const cache = new WeakCache(opened, index + 1);
  const peers = new Peers(transport, addresses);
  const others = addresses.map((_, other) => other).filter((other) => other !== index);
  const tell = (): void => {
    const keys = cache.takeOutdated();
    if (keys.length === 0) return;
    for (const other of others) peers.tell(other, FORGET, (out) => writeTexts(out, keys));
  };
  const timer = setInterval(tell, PUBLISH_INTERVAL_MS);
  const listener = await transport.listen(
    addresses[index],
    (connection) => new Rpc(connection, (rpc, type, id, payload) => serve(cache, rpc, type, id, payload)),
  );
  return {
    backlog: () => cache.outdated,
    close: async () => {
      clearInterval(timer);
      await listener.close();
      await peers.close();
      await opened.close();
    },
  };
}

function serve(cache: WeakCache, rpc: Rpc, type: number, id: number, payload: ByteReader): void {
  if (type === READ) {
    const keys = readTexts(payload);
    const answer = (values: readonly (string | undefined)[]): void => rpc.reply(id, (out) => values.forEach((value) => writeValue(out, value)));
    const cached = keys.map((key) => cache.get(key));
    if (!cached.includes(undefined)) answer(cached as string[]);
    else Promise.all(keys.map((key) => cache.load(key))).then(answer, (error: unknown) => rpc.fail(id, error));
  } else if (type === WRITE) {
    cache.write(payload.text(TEXT_BYTES_MAX), payload.text(TEXT_BYTES_MAX)).then(
      () => rpc.reply(id, nothing),
      (error: unknown) => rpc.fail(id, error),
    );
  } else if (type === FORGET) cache.forget(readTexts(payload));
}

class WeakCache {
  readonly #store: Store;
  readonly #replica: number;
  readonly #values = new Map<string, string>();
  readonly #loading = new Map<string, Promise<string | undefined>>();
  /** Keys that are to be loaded with the next request to the store: all misses of a tick are one. */
  #wanted: string[] = [];
  #fetched: Promise<(Row | undefined)[]> | undefined;
  #writes: Row[] = [];
  #written: Promise<void> | undefined;
  #outdated = new Set<string>();
  #counter = 0;
  #timestamp = 0;

  constructor(store: Store, replica: number) {
    this.#store = store;
    this.#replica = replica;
  }

  get outdated(): number {
    return this.#outdated.size;
  }

  get(key: string): string | undefined {
    return this.#values.get(key);
  }

  load(key: string): Promise<string | undefined> {
    const cached = this.#values.get(key);
    if (cached !== undefined) return Promise.resolve(cached);
    let loading = this.#loading.get(key);
    if (loading === undefined) {
      loading = this.#fetch(key, () => this.#loading.get(key) === loading);
      this.#loading.set(key, loading);
    }
    return loading;
  }

  async #fetch(key: string, isCurrent: () => boolean): Promise<string | undefined> {
    const at = this.#wanted.push(key) - 1;
    this.#fetched ??= Promise.resolve().then(() => {
      const keys = this.#wanted;
      this.#wanted = [];
      this.#fetched = undefined;
      return this.#store.getMany(keys);
    });
    const row = (await this.#fetched)[at];
    const value = row === undefined || row.value === null ? undefined : decoder.decode(row.value);
    if (isCurrent()) {
      this.#loading.delete(key);
      if (value !== undefined) this.#values.set(key, value);
    }
    return value;
  }

  async write(key: string, value: string): Promise<void> {
    // The store keeps the row with the later stamp; one clock per machine is as good as it gets without coordination.
    this.#timestamp = Math.max(this.#timestamp + 1, Date.now() * 1000);
    this.#counter += 1;
    this.#writes.push({ key, value: Buffer.from(value), timestamp: this.#timestamp, replica: this.#replica, counter: this.#counter, expiresAt: 0 });
    this.#written ??= Promise.resolve().then(() => {
      // A key at most once per batch: the last one stays.
      const rows = [...new Map(this.#writes.map((row) => [row.key, row])).values()];
      this.#writes = [];
      this.#written = undefined;
      return this.#store.apply(rows, []);
    });
    await this.#written;
    this.#loading.delete(key);
    this.#values.set(key, value);
    this.#outdated.add(key);
  }

  takeOutdated(): string[] {
    const keys = [...this.#outdated];
    this.#outdated = new Set();
    return keys;
  }

  /** Another server has written these keys. */
  forget(keys: readonly string[]): void {
    for (const key of keys) {
      this.#values.delete(key);
      this.#loading.delete(key);
    }
  }
}
