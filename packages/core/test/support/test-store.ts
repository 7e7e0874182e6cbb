// A store in memory with switches: it can be away, be slow, and fail after it has done what it was asked. The tests look into it
// to see what has really arrived.

import { fencedError, MeshError } from "../../src/errors.js";
import { formMesh } from "../../src/embedded/start-node.js";
import type { FlushedCounters, RegistryRecord, RegistryState, Row, ScanPage, Store, StoreAbilities } from "../../src/store.js";

const ABILITIES: StoreAbilities = { atomicApply: true, durable: true, shared: true, valueBytesMax: 1024 * 1024 };

/** What several TestStores share, as processes share a database. */
export class TestContent {
  readonly rows = new Map<string, Row>();
  readonly flushed = new Map<number, number>();
  registry: RegistryRecord | undefined;
}

export class TestStore implements Store {
  readonly abilities = ABILITIES;
  readonly name = "the test's store";
  readonly content: TestContent;
  /** Every call fails with STORE_UNAVAILABLE. */
  away = false;
  /** Calls of `apply` wait for this. */
  applyGate: Promise<void> = Promise.resolve();
  /** Calls of `getMany` wait for this. */
  readGate: Promise<void> = Promise.resolve();
  /** Sees each `apply` before it changes anything. */
  onApply: (rows: readonly Row[], flushed: FlushedCounters) => void = () => undefined;
  getManyCalls: (readonly string[])[] = [];

  constructor(content: TestContent = new TestContent()) {
    this.content = content;
  }

  value(key: string): unknown {
    const row = this.content.rows.get(key);
    return row === undefined || row.value === null ? undefined : JSON.parse(new TextDecoder().decode(row.value));
  }

  /** A row as the mesh before this one would have left it (`storeWithPast`). */
  put(key: string, value: unknown, row: Partial<Row> = {}): void {
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    this.content.rows.set(key, { key, value: bytes, timestamp: 1, replica: 1, counter: 1, expiresAt: 0, ...row });
  }

  async getMany(keys: readonly string[]): Promise<(Row | undefined)[]> {
    this.#check();
    this.getManyCalls.push([...keys]);
    await this.readGate;
    this.#check();
    return keys.map((key) => this.content.rows.get(key));
  }

  async apply(rows: readonly Row[], flushed: FlushedCounters, epoch = Infinity): Promise<void> {
    this.#check();
    await this.applyGate;
    this.#check();
    const current = this.content.registry?.epoch ?? 0;
    if (current > epoch) throw fencedError(this.name, current);
    this.onApply(rows, flushed);
    for (const row of rows) {
      const before = this.content.rows.get(row.key);
      const wins = before === undefined || row.timestamp > before.timestamp || (row.timestamp === before.timestamp && row.replica > before.replica);
      if (wins) this.content.rows.set(row.key, { ...row, value: row.value === null ? null : row.value.slice() });
    }
    for (const [replica, counter] of flushed) this.content.flushed.set(replica, Math.max(counter, this.content.flushed.get(replica) ?? 0));
  }

  async readRegistry(): Promise<RegistryState> {
    this.#check();
    return { registry: this.content.registry, flushed: [...this.content.flushed] };
  }

  async swapRegistry(expectedEpoch: number, next: RegistryRecord): Promise<boolean> {
    this.#check();
    if ((this.content.registry?.epoch ?? 0) !== expectedEpoch) return false;
    this.content.registry = next;
    return true;
  }

  async scan(): Promise<ScanPage> {
    return { rows: [...this.content.rows.values()], cursor: undefined };
  }

  async close(): Promise<void> {}

  #check(): void {
    if (this.away) throw new MeshError("STORE_UNAVAILABLE", `${this.name} is away`);
  }
}

/** A store on which another mesh, of one node, has run and ended: `put` adds rows of its. */
export async function storeWithPast(): Promise<TestStore> {
  const store = new TestStore();
  await formMesh(store, ["the node before"]);
  store.content.flushed.set(1, 1_000_000);
  return store;
}
