// LMDB as the mesh's Store: durable, in a folder, shared by the processes of one machine.

import { mkdirSync } from "node:fs";
import { open, type Database, type RootDatabase } from "lmdb";
import {
  MeshError,
  type FlushedCounters,
  type RegistryRecord,
  type RegistryState,
  type Row,
  type ScanPage,
  type Store,
  type StoreAbilities,
} from "@causalmesh/core";
import { storeError } from "./errors.js";
import { decodeRow, encodeKey, encodeRow, SCHEMA_VERSION, storedWins } from "./schema.js";

export interface LmdbStoreOptions {
  /** A folder; it is made where it is missing. */
  readonly path: string;
}

const ABILITIES: StoreAbilities = { atomicApply: true, durable: true, shared: true, valueBytesMax: 1024 * 1024 };

interface Registry extends RegistryRecord {
  readonly bytes: Uint8Array;
}

/** Opens a store in a folder. Throws OPTION_INVALID, STORE_LOCKED, STORE_FULL or STORE_INVALID. */
export function lmdbStore({ path }: LmdbStoreOptions): Store {
  if (typeof path !== "string" || path.length === 0)
    throw new MeshError("OPTION_INVALID", 'path is missing; give lmdbStore the path of a folder, such as { path: "./data" }');
  return new LmdbStore(path);
}

class LmdbStore implements Store {
  readonly abilities = ABILITIES;
  readonly name: string;
  readonly #root: RootDatabase;
  readonly #rows: Database<Buffer, Buffer>;
  readonly #meta: Database<Buffer | string, string>;
  #closed = false;

  constructor(path: string) {
    this.name = `lmdb at ${path}`;
    try {
      mkdirSync(path, { recursive: true });
      // Without overlapping syncs a transaction has reached the disk when its promise resolves.
      this.#root = open({ path, noSubdir: false, overlappingSync: false, maxDbs: 4 });
      this.#rows = this.#root.openDB({ name: "rows", keyEncoding: "binary", encoding: "binary" });
      this.#meta = this.#root.openDB({ name: "meta", encoding: "binary" });
      this.#checkSchema(path);
    } catch (error) {
      throw storeError(this.name, error);
    }
  }

  #checkSchema(path: string): void {
    const found = this.#root.transactionSync(() => {
      const version = this.#text("schema");
      if (version === undefined) void this.#meta.put("schema", Buffer.from(String(SCHEMA_VERSION)));
      return version;
    });
    if (found === undefined || found === String(SCHEMA_VERSION)) return;
    void this.#root.close();
    throw new MeshError(
      "STORE_INVALID",
      `the store in ${path} has format ${found}, this version reads format ${SCHEMA_VERSION}; use the version of CausalMesh that wrote it`,
    );
  }

  #text(name: string): string | undefined {
    return this.#meta.getBinary(name)?.toString("utf8");
  }

  async getMany(keys: readonly string[]): Promise<(Row | undefined)[]> {
    return this.#reading(() =>
      keys.map((key) => {
        const bytes = this.#rows.getBinary(encodeKey(key));
        return bytes === undefined ? undefined : decodeRow(key, bytes);
      }),
    );
  }

  async apply(rows: readonly Row[], flushed: FlushedCounters): Promise<void> {
    await this.#writing(() => {
      for (const row of rows) {
        const key = encodeKey(row.key);
        const stored = this.#rows.getBinary(key);
        if (stored === undefined || !storedWins(stored, row)) void this.#rows.put(key, encodeRow(row));
      }
      if (flushed.length > 0) this.#raiseFlushed(flushed);
    });
  }

  #raiseFlushed(flushed: FlushedCounters): void {
    const counters = new Map(this.#flushed());
    for (const [replica, counter] of flushed) counters.set(replica, Math.max(counter, counters.get(replica) ?? 0));
    void this.#meta.put("flushed", Buffer.from(JSON.stringify([...counters])));
  }

  #flushed(): FlushedCounters {
    return JSON.parse(this.#text("flushed") ?? "[]") as FlushedCounters;
  }

  async readRegistry(): Promise<RegistryState> {
    // Both from one moment: the read transaction is the same.
    return this.#reading(() => ({ registry: this.#registry(), flushed: this.#flushed() }));
  }

  #registry(): Registry | undefined {
    const bytes = this.#meta.getBinary("registry");
    return bytes === undefined ? undefined : { epoch: bytes.readDoubleLE(0), bytes: bytes.subarray(8) };
  }

  async swapRegistry(expectedEpoch: number, next: RegistryRecord): Promise<boolean> {
    const bytes = Buffer.concat([Buffer.alloc(8), next.bytes]);
    bytes.writeDoubleLE(next.epoch, 0);
    return await this.#writing(() => {
      if ((this.#registry()?.epoch ?? 0) !== expectedEpoch) return false;
      void this.#meta.put("registry", bytes);
      return true;
    });
  }

  async scan(prefix: string, cursor: string | undefined, limit: number): Promise<ScanPage> {
    return this.#reading(() => {
      const first = encodeKey(prefix);
      // The next key that there can be after another one is that one with a zero byte.
      const start = cursor === undefined ? first : Buffer.concat([encodeKey(cursor), Buffer.from([0])]);
      const rows: Row[] = [];
      let more = false;
      for (const { key, value } of this.#rows.getRange(start.length === 0 ? {} : { start })) {
        if (!key.subarray(0, first.length).equals(first)) break;
        more = rows.length === limit;
        if (more) break;
        rows.push(decodeRow(key.toString("utf8"), Buffer.from(value)));
      }
      return { rows, cursor: more ? rows[rows.length - 1].key : undefined };
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#root.close();
  }

  #reading<Result>(read: () => Result): Result {
    this.#checkOpen();
    try {
      // A read transaction may be older than what another process has written meanwhile.
      this.#rows.resetReadTxn();
      return read();
    } catch (error) {
      throw storeError(this.name, error);
    }
  }

  async #writing<Result>(write: () => Result): Promise<Result> {
    this.#checkOpen();
    try {
      return await this.#root.transaction(write);
    } catch (error) {
      throw storeError(this.name, error);
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new MeshError("CLOSED", `${this.name} was closed; open it again`);
  }
}
