// A database as the store benches see it: the mesh's adapter for it, and its client library alone, doing the same work.

import type { Row, Store } from "@causalmesh/core";

/** The client library without a mesh: the same rows, keyed and conditional, in the same batches. */
export interface BareClient {
  /** Empties the table. */
  clear(): Promise<void>;
  /** Writes a batch whole, each row unless there is a newer one. */
  writeMany(rows: readonly Row[]): Promise<void>;
  /** Writes one row by a statement or transaction of its own. */
  write(row: Row): Promise<void>;
  /** The values of these keys in the order asked, as a program needs them: out of their JSON. */
  readMany(keys: readonly string[]): Promise<unknown[]>;
  /** How many of these keys there are, of what came nothing is looked at. */
  countMany(keys: readonly string[]): Promise<number>;
  close(): Promise<void>;
}

export interface Database {
  readonly name: string;
  /** Of the operations that others get, where it is slow; by default all of them. */
  readonly share?: number;
  /** An empty store, apart from those opened before. */
  store(): Promise<Store>;
  bare(): Promise<BareClient>;
  stop(): Promise<void>;
}

export interface OpenDatabase {
  readonly name: string;
  open(): Promise<Database>;
}

const encoder = new TextEncoder();

export function rowAt(key: string, value: string, counter: number): Row {
  return { key, value: encoder.encode(JSON.stringify(value)), timestamp: counter, replica: 1, counter, expiresAt: 0 };
}
