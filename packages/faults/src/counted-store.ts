// A store that counts the keys it is asked for, and is otherwise the one behind it.

import type { Store } from "@causalmesh/core";

export interface CountedStore extends Store {
  /** How often each key was asked for. */
  readonly loads: ReadonlyMap<string, number>;
}

export function counted(store: Store): CountedStore {
  const loads = new Map<string, number>();
  return {
    abilities: store.abilities,
    name: store.name,
    loads,
    getMany: async (keys) => {
      for (const key of keys) loads.set(key, (loads.get(key) ?? 0) + 1);
      return await store.getMany(keys);
    },
    apply: (rows, flushed, epoch) => store.apply(rows, flushed, epoch),
    readRegistry: () => store.readRegistry(),
    swapRegistry: (expectedEpoch, next) => store.swapRegistry(expectedEpoch, next),
    scan: (prefix, cursor, limit) => store.scan(prefix, cursor, limit),
    close: () => store.close(),
  };
}
