// An unstorage driver on a mesh.

import { ClearableKeys, MeshError, type Durability, type Duration, type Mesh, type WriteOptions } from "@causalmesh/core";
import type { Driver, StorageValue, TransactionOptions } from "unstorage";

/** Options of `meshDriver`. */
export interface MeshDriverOptions {
  readonly mesh: Mesh;
  /** Items are kept under it, apart from the mesh's other keys. Default "unstorage". */
  readonly prefix?: string;
  /** Default: the mesh's. */
  readonly durability?: Durability;
  /** The time to live of items, where `setItem` gives none. Default: none. */
  readonly ttl?: Duration;
}

/**
 * A driver for `createStorage({ driver })`. Within `mesh.run` its calls are made with the ambient session, and may run in parallel; outside they
 * share one session. `setItem(key, value, { ttl })` takes seconds, as other drivers do. `clear()` clears all items of the driver. `getKeys`
 * rejects with OPTION_INVALID: which keys there are is nothing that a cache knows.
 */
export function meshDriver({ mesh, prefix = "unstorage", durability, ttl }: MeshDriverOptions): Driver<MeshDriverOptions, Mesh> {
  if (typeof mesh?.session !== "function") throw new MeshError("OPTION_INVALID", "the mesh is missing: meshDriver({ mesh })");
  const keys = new ClearableKeys(mesh, prefix);
  const write = (options?: TransactionOptions): WriteOptions => {
    const seconds = (options as { readonly ttl?: number } | undefined)?.ttl;
    const lifetime = seconds === undefined ? ttl : seconds * 1000;
    return { ...(durability === undefined ? {} : { durability }), ...(lifetime === undefined ? {} : { ttl: lifetime }) };
  };
  const get = async (key: string): Promise<unknown> => (await keys.getMany([key]))[0] ?? null;
  const set = async (key: string, value: unknown, options: TransactionOptions): Promise<void> => await keys.setMany([[key, value]], write(options));
  return {
    name: "causalmesh",
    flags: { ttl: true },
    options: { mesh, prefix, durability, ttl },
    getInstance: () => mesh,
    hasItem: async (key) => (await keys.getMany([key]))[0] !== undefined,
    getItem: async (key) => (await get(key)) as StorageValue,
    getItems: async (items) => {
      const values = await keys.getMany(items.map(({ key }) => key));
      return items.map(({ key }, index) => ({ key, value: (values[index] ?? null) as StorageValue }));
    },
    getItemRaw: get,
    setItem: set,
    setItemRaw: set,
    removeItem: async (key) => void (await keys.deleteMany([key], write())),
    getKeys: () =>
      Promise.reject(
        new MeshError(
          "OPTION_INVALID",
          "getKeys would need a list of keys, which a cache does not have: keep the keys that you need in an item, or give items to be cleared together a driver with a prefix of its own",
        ),
      ),
    // unstorage asks for this with whole mounts only.
    clear: async () => await keys.clear(write()),
  };
}
