// What the author of a store hands to the suite, and how a claim becomes a case: every claim gets an empty place of its own.

import type { Row, Store, StoreAbilities } from "@causalmesh/core";
import type { ConformanceCase } from "./case.js";

/** Somewhere to keep rows that nobody else uses: a folder, a schema, an object in memory. It begins empty. */
export interface StorePlace {
  /**
   * Opens a store on this place. The suite calls it again only after `close` where the abilities say `durable`, and while
   * another one is open only where they say `shared`.
   */
  open(): Promise<Store>;
  /** Removes the place and what is in it; every store on it has been closed by then. */
  remove(): Promise<void>;
}

export interface StoreSuiteSetup {
  /** What the store says about itself; cases that do not apply come with a reason in `skipped`. */
  readonly abilities: StoreAbilities;
  place(): Promise<StorePlace>;
  /** Repeats a run: the seed that a failure named. */
  readonly seed?: number;
}

/** What a claim about stores works with. */
export interface StoreBench {
  readonly store: Store;
  /** Another store on the same place, closed by the suite. Only where `shared`, or where `durable` and the others are closed. */
  open(): Promise<Store>;
  readonly abilities: StoreAbilities;
  readonly seed: number;
}

/** One sentence of the contract. */
export interface StoreClaim {
  readonly name: string;
  /** Why the claim says nothing about a store of these abilities. */
  skip?(abilities: StoreAbilities): string | undefined;
  check(bench: StoreBench): Promise<void>;
}

export function storeCase({ name, skip, check }: StoreClaim, setup: StoreSuiteSetup, seed: number): ConformanceCase {
  const skipped = skip?.(setup.abilities);
  return { name, ...(skipped === undefined ? {} : { skipped }), run: async () => await onOwnPlace(setup, seed, check) };
}

async function onOwnPlace({ abilities, place: makePlace }: StoreSuiteSetup, seed: number, check: StoreClaim["check"]): Promise<void> {
  const place = await makePlace();
  const opened: Store[] = [];
  const open = async (): Promise<Store> => {
    const store = await place.open();
    opened.push(store);
    return store;
  };
  try {
    await check({ store: await open(), open, abilities, seed });
  } finally {
    for (const store of opened) await store.close();
    await place.remove();
  }
}

export const whereDurable = ({ durable }: StoreAbilities): string | undefined => (durable ? undefined : "the store is not durable");
export const whereShared = ({ shared }: StoreAbilities): string | undefined => (shared ? undefined : "the store cannot be opened twice at once");

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A row with defaults for what the claim at hand does not look at. */
export function row(key: string, fields: Partial<Omit<Row, "key">> = {}): Row {
  return { key, value: bytesOf(`value of ${key.slice(0, 20)}`), timestamp: 100, replica: 1, counter: 1, expiresAt: 0, ...fields };
}

/** The row with nothing but the contract's fields and with plain bytes, so that two rows can be compared by what they say. */
export function plain(found: Row | undefined): Row | undefined {
  if (found === undefined) return undefined;
  const { key, value, timestamp, replica, counter, expiresAt } = found;
  return { key, value: value === null ? null : new Uint8Array(value), timestamp, replica, counter, expiresAt };
}

export async function readRow(store: Store, key: string): Promise<Row | undefined> {
  return plain((await store.getMany([key]))[0]);
}

/** Per replica, in order of replica ids: the contract promises no order. */
export async function readFlushed(store: Store): Promise<(readonly [number, number])[]> {
  const { flushed } = await store.readRegistry();
  return [...flushed].map(([replica, counter]) => [replica, counter] as const).sort(([a], [b]) => a - b);
}

/** Every row whose key starts with the prefix, page by page. */
export async function scanAll(store: Store, prefix: string, limit: number): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.scan(prefix, cursor, limit);
    if (page.rows.length > limit) throw new Error(`a page of at most ${limit} rows has ${page.rows.length}`);
    if (page.rows.length === 0 && page.cursor !== undefined) throw new Error("an empty page has a cursor: the scan would never end");
    rows.push(...page.rows.map((found) => plain(found)!));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return rows;
}
