// A Keyv store on a mesh: what Keyv has made of a value is a value of the mesh, and its times to live are the mesh's.

import { EventEmitter } from "node:events";
import { ClearableKeys, type Durability, type Mesh, type WriteOptions } from "@causalmesh/core";
import type { KeyvStoreAdapter, StoredData } from "keyv";

/** Options of `keyvStore`. */
export interface KeyvStoreOptions {
  /** Keys are kept under it, apart from the mesh's other keys. Default "keyv". */
  readonly prefix?: string;
  /** Default: the mesh's. */
  readonly durability?: Durability;
}

/**
 * A store for `new Keyv({ store })`, one for each Keyv. Within `mesh.run` its calls are made with the ambient session, and may run in parallel;
 * outside they share one session. `clear` clears the Keyv's namespace, at every node for whoever follows it. There is no iterator: which keys there are
 * is nothing that a cache knows. `disconnect` leaves the mesh open.
 */
export function keyvStore(mesh: Mesh, options: KeyvStoreOptions = {}): KeyvStoreAdapter {
  return new MeshStore(mesh, options);
}

class MeshStore extends EventEmitter implements KeyvStoreAdapter {
  readonly opts: KeyvStoreOptions & { dialect: string };
  /** Keyv sets it. Keys come with it, for `clear` it is needed apart. */
  namespace: string | undefined;
  readonly #mesh: Mesh;
  readonly #keys = new Map<string, ClearableKeys>();

  constructor(mesh: Mesh, options: KeyvStoreOptions) {
    super();
    this.#mesh = mesh;
    this.opts = { dialect: "causalmesh", ...options };
  }

  get #clearable(): ClearableKeys {
    const prefix = `${this.opts.prefix ?? "keyv"}/${encodeURIComponent(this.namespace ?? "")}`;
    let keys = this.#keys.get(prefix);
    if (keys === undefined) this.#keys.set(prefix, (keys = new ClearableKeys(this.#mesh, prefix)));
    return keys;
  }

  #write(ttl?: number): WriteOptions {
    const { durability } = this.opts;
    return { ...(durability === undefined ? {} : { durability }), ...(ttl === undefined || ttl <= 0 ? {} : { ttl }) };
  }

  async get<Value>(key: string): Promise<StoredData<Value> | undefined> {
    const [value] = await this.#clearable.getMany([key]);
    return value as StoredData<Value> | undefined;
  }

  async getMany<Value>(keys: string[]): Promise<StoredData<Value | undefined>[]> {
    return (await this.#clearable.getMany(keys)) as StoredData<Value | undefined>[];
  }

  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    await this.#clearable.setMany([[key, value]], this.#write(ttl));
    return true;
  }

  async setMany(entries: { key: string; value: unknown; ttl?: number }[]): Promise<void> {
    // One write for each time to live, which is that of the whole write.
    for (const ttl of new Set(entries.map((entry) => entry.ttl))) {
      const group = entries.filter((entry) => entry.ttl === ttl);
      await this.#clearable.setMany(
        group.map(({ key, value }) => [key, value]),
        this.#write(ttl),
      );
    }
  }

  async delete(key: string): Promise<boolean> {
    return await this.deleteMany([key]);
  }

  async deleteMany(keys: string[]): Promise<boolean> {
    return (await this.#clearable.deleteMany(keys, this.#write())).some(Boolean);
  }

  async has(key: string): Promise<boolean> {
    const [isThere] = await this.hasMany([key]);
    return isThere;
  }

  async hasMany(keys: string[]): Promise<boolean[]> {
    return (await this.#clearable.getMany(keys)).map((value) => value !== undefined);
  }

  async clear(): Promise<void> {
    await this.#clearable.clear(this.#write());
  }

  async disconnect(): Promise<void> {}
}
