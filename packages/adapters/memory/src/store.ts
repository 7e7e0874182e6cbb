// A store in the memory of this process: for tests, for benches, and as the oracle that other stores are compared with. It is
// as simple as the contract allows. Every method does its work before it returns its promise, so each call is atomic.

import { copyRow, joined, wins } from "@causalmesh/adapter-kit";
import { fencedError, MeshError } from "@causalmesh/core";
import type { FlushedCounters, RegistryRecord, RegistryState, Row, ScanPage, Store, StoreAbilities } from "@causalmesh/core";
import { KeyIndex } from "./key-index.js";

const ABILITIES: StoreAbilities = { atomicApply: true, durable: false, shared: false, valueBytesMax: 2 ** 31 - 1 };

/** An empty store. Nodes of one process share it by sharing the object; it ends with the process. */
export function memoryStore(): Store {
  return new MemoryStore();
}

class MemoryStore implements Store {
  readonly abilities = ABILITIES;
  readonly name = "memory";
  readonly #rows = new Map<string, Row>();
  readonly #keys = new KeyIndex();
  #flushed: FlushedCounters = [];
  #registry: RegistryRecord | undefined;
  #closed = false;

  async getMany(keys: readonly string[]): Promise<(Row | undefined)[]> {
    this.#checkOpen();
    return keys.map((key) => {
      const row = this.#rows.get(key);
      return row === undefined ? undefined : copyRow(row);
    });
  }

  async apply(rows: readonly Row[], flushed: FlushedCounters, epoch = Infinity): Promise<void> {
    this.#checkOpen();
    if (this.#registry !== undefined && this.#registry.epoch > epoch) throw fencedError(this.name, this.#registry.epoch);
    for (const row of rows) {
      const present = this.#rows.get(row.key);
      if (present === undefined) this.#keys.add(row.key);
      else if (!wins(row, present)) continue;
      this.#rows.set(row.key, copyRow(row));
    }
    this.#flushed = joined(this.#flushed, flushed);
  }

  async readRegistry(): Promise<RegistryState> {
    this.#checkOpen();
    const registry = this.#registry === undefined ? undefined : copyRegistry(this.#registry);
    return { registry, flushed: [...this.#flushed].sort(([a], [b]) => a - b) };
  }

  async swapRegistry(expectedEpoch: number, next: RegistryRecord): Promise<boolean> {
    this.#checkOpen();
    if ((this.#registry?.epoch ?? 0) !== expectedEpoch) return false;
    this.#registry = copyRegistry(next);
    return true;
  }

  async scan(prefix: string, cursor: string | undefined, limit: number): Promise<ScanPage> {
    this.#checkOpen();
    // One key more than asked for tells whether there is another page.
    const keys = this.#keys.page(prefix, cursor, limit + 1);
    const rows = keys.slice(0, limit).map((key) => copyRow(this.#rows.get(key)!));
    return { rows, cursor: keys.length > limit ? keys[limit - 1] : undefined };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#rows.clear();
  }

  #checkOpen(): void {
    if (this.#closed) throw new MeshError("CLOSED", "the memory store has been closed, and what it held is gone: make a new one");
  }
}

function copyRegistry({ epoch, bytes }: RegistryRecord): RegistryRecord {
  return { epoch, bytes: new Uint8Array(bytes) };
}
