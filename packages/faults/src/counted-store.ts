// A store that counts what it is asked for, and is otherwise the one behind it.

import type { Store } from "@causalmesh/core";

export interface CountedStore extends Store {
  /** How often each key was asked for. */
  readonly loads: ReadonlyMap<string, number>;
  /** How often a part of the store was read through. */
  readonly scans: number;
}

export function counted(store: Store): CountedStore {
  const loads = new Map<string, number>();
  let scans = 0;
  return {
    abilities: store.abilities,
    name: store.name,
    loads,
    get scans() {
      return scans;
    },
    getMany: async (keys) => {
      for (const key of keys) loads.set(key, (loads.get(key) ?? 0) + 1);
      return await store.getMany(keys);
    },
    apply: (rows, flushed, epoch) => store.apply(rows, flushed, epoch),
    readRegistry: () => store.readRegistry(),
    swapRegistry: (expectedEpoch, next) => store.swapRegistry(expectedEpoch, next),
    scan: async (prefix, cursor, limit) => {
      scans += 1;
      return await store.scan(prefix, cursor, limit);
    },
    close: () => store.close(),
  };
}
