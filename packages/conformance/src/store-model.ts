// The contract as a model: a map, in as few lines as it can be said. Random operations run against it and the store, and the
// answers are compared.

import type { FlushedCounters, RegistryRecord, Row, Store } from "@causalmesh/core";
import { assertEqual } from "./case.js";
import { withSeed, type SeededRandom } from "./seeded-random.js";
import { HOSTILE_KEYS, LONGEST_KEYS } from "./store-keys.js";
import { bytesOf, plain, readFlushed, scanAll, type StoreBench, type StoreClaim } from "./store-setup.js";

const STEPS = 250;

/** Whether `next` replaces `present`: the greater (timestamp, replica). */
export function replaces(next: Row, present: Row): boolean {
  return next.timestamp > present.timestamp || (next.timestamp === present.timestamp && next.replica > present.replica);
}

/** By UTF-8 bytes, which is the order of scans. */
export function compareKeys(a: string, b: string): number {
  const [left, right] = [bytesOf(a), bytesOf(b)];
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    if (left[index] !== right[index]) return left[index] - right[index];
  }
  return left.length - right.length;
}

/** What a store should hold. */
export class StoreModel {
  readonly rows = new Map<string, Row>();
  readonly flushed = new Map<number, number>();
  registry: RegistryRecord | undefined;

  apply(rows: readonly Row[], flushed: FlushedCounters): void {
    for (const next of rows) {
      const present = this.rows.get(next.key);
      if (present === undefined || replaces(next, present)) this.rows.set(next.key, next);
    }
    for (const [replica, counter] of flushed) this.flushed.set(replica, Math.max(counter, this.flushed.get(replica) ?? 0));
  }

  swapRegistry(expectedEpoch: number, next: RegistryRecord): boolean {
    if ((this.registry?.epoch ?? 0) !== expectedEpoch) return false;
    this.registry = next;
    return true;
  }

  /** The rows in order whose keys start with the prefix. */
  scan(prefix: string): Row[] {
    const keys = [...this.rows.keys()].filter((key) => key.startsWith(prefix));
    return keys.sort(compareKeys).map((key) => this.rows.get(key)!);
  }
}

export const MODEL_CLAIMS: readonly StoreClaim[] = [
  {
    name: `random: ${STEPS} operations answer as the model of the contract does`,
    check: async (bench) => await withSeed(bench.seed, async (random) => await new RandomRun(bench, random).run()),
  },
];

class RandomRun {
  readonly #model = new StoreModel();
  readonly #random: SeededRandom;
  readonly #bench: StoreBench;
  readonly #keys: readonly string[];
  #store: Store;
  #counter = 0;

  constructor(bench: StoreBench, random: SeededRandom) {
    this.#bench = bench;
    this.#random = random;
    this.#store = bench.store;
    // Few keys, so that writes meet.
    this.#keys = random.shuffled([...HOSTILE_KEYS, ...LONGEST_KEYS]).slice(0, 24);
  }

  async run(): Promise<void> {
    for (let step = 0; step < STEPS; step++) await this.#step(this.#random.below(100));
    assertEqual(await scanAll(this.#store, "", 7), this.#model.scan(""), "all rows at the end");
    await this.#registry();
  }

  async #step(dice: number): Promise<void> {
    if (dice < 45) await this.#apply();
    else if (dice < 65) await this.#getMany();
    else if (dice < 85) await this.#scan();
    else if (dice < 92) await this.#swap();
    else if (dice < 98) await this.#registry();
    else await this.#reopen();
  }

  async #apply(): Promise<void> {
    const keys = this.#random.shuffled(this.#keys).slice(0, this.#random.below(6));
    const rows = keys.map((key) => this.#row(key));
    const flushed = Array.from({ length: this.#random.below(3) }, (_, index) => [index * 7 + 1, 1 + this.#random.below(200)] as const);
    await this.#store.apply(rows, flushed);
    this.#model.apply(rows, flushed);
  }

  #row(key: string): Row {
    const random = this.#random;
    const value = random.below(5) === 0 ? null : Uint8Array.from({ length: random.below(40) }, () => random.below(256));
    const expiresAt = random.below(4) === 0 ? 4_000_000_000_000 + random.below(1000) : 0;
    return { key, value, timestamp: 1 + random.below(60), replica: 1 + random.below(3), counter: ++this.#counter, expiresAt };
  }

  async #getMany(): Promise<void> {
    const keys = Array.from({ length: this.#random.below(8) }, () => this.#random.pick(this.#keys));
    const wanted = keys.map((key) => this.#model.rows.get(key));
    assertEqual((await this.#store.getMany(keys)).map(plain), wanted, `the rows of ${JSON.stringify(keys)}`);
  }

  async #scan(): Promise<void> {
    const key = Array.from(this.#random.pick(this.#keys));
    const prefix = key.slice(0, this.#random.below(key.length + 1)).join("");
    const limit = 1 + this.#random.below(10);
    assertEqual(await scanAll(this.#store, prefix, limit), this.#model.scan(prefix), `the scan of ${JSON.stringify(prefix)} by ${limit}`);
  }

  async #swap(): Promise<void> {
    const expected = Math.max(0, (this.#model.registry?.epoch ?? 0) + this.#random.pick([0, 0, 0, 1, -1]));
    const next = { epoch: expected + 1, bytes: bytesOf(`{"draw":${this.#random.next()}}`) };
    assertEqual(await this.#store.swapRegistry(expected, next), this.#model.swapRegistry(expected, next), `whether the swap from epoch ${expected} took place`);
  }

  async #registry(): Promise<void> {
    const { registry } = await this.#store.readRegistry();
    const found = registry === undefined ? undefined : { epoch: registry.epoch, bytes: new Uint8Array(registry.bytes) };
    assertEqual(found, this.#model.registry, "the registry");
    const wanted = [...this.#model.flushed].sort(([a], [b]) => a - b);
    assertEqual(await readFlushed(this.#store), wanted, "the flushed counters");
  }

  async #reopen(): Promise<void> {
    if (!this.#store.abilities.durable) return;
    await this.#store.close();
    this.#store = await this.#bench.open();
  }
}
