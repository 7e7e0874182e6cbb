// LMDB as the mesh's Store: durable, in a folder, shared by the processes of one machine.

import { mkdirSync } from "node:fs";
import { closedError, joined, otherFormat } from "@causalmesh/adapter-kit";
import { fencedError, limits, MeshError } from "@causalmesh/core";
import type { FlushedCounters, RegistryRecord, RegistryState, Row, ScanPage, Store, StoreAbilities } from "@causalmesh/core";
import { open, type Database, type RootDatabase } from "lmdb";
import { commitReason, lmdbError } from "./errors.js";
import { checkIntact } from "./intact.js";
import { checkRoom, ROOM_TO_OPEN_BYTES } from "./room.js";
import { noteDead, removeDead } from "./dead.js";
import { decodeRow, encodeKey, encodeRow, replaces, SCHEMA_VERSION } from "./schema.js";

export interface LmdbStoreOptions {
  /** A folder; it is made where it is missing. */
  readonly path: string;
}

/** Opens a store in a folder, which is made where it is missing. Throws OPTION_INVALID, STORE_LOCKED, STORE_FULL, STORE_INVALID or STORE_UNAVAILABLE. */
export function lmdbStore(options: LmdbStoreOptions): Store {
  const path: unknown = options?.path;
  if (typeof path !== "string" || path.length === 0)
    throw new MeshError("OPTION_INVALID", 'path is missing; give lmdbStore the path of a folder, such as { path: "./data" }');
  return new LmdbStore(path);
}

// The databases in the environment, and the entry of META that says that they are ours.
const NAMES = ["rows", "meta", "dead"];
const [ROWS, META, DEAD] = NAMES;
const SCHEMA = "schema";

/** Bytes beyond its rows that one apply may take: pages of the trees are written anew. */
const APPLY_ROOM_BYTES = 1024 * 1024;

class LmdbStore implements Store {
  readonly abilities: StoreAbilities = { atomicApply: true, durable: true, shared: true, valueBytesMax: limits.VALUE_BYTES_MAX };
  readonly name: string;
  readonly #path: string;
  readonly #root!: RootDatabase;
  readonly #rows: Database<Buffer, Buffer>;
  readonly #meta: Database<Buffer | string, string>;
  readonly #dead: Database<Buffer, Buffer>;
  #closing: Promise<void> | undefined;

  constructor(path: string) {
    this.name = `lmdb at ${path}`;
    this.#path = path;
    try {
      mkdirSync(path, { recursive: true });
      checkIntact(path);
      checkRoom(path, ROOM_TO_OPEN_BYTES);
      // Without overlapping syncs a transaction has reached the disk when its promise resolves. Without batches per turn no
      // promise is left that nobody watches when a commit fails.
      const root = open({ path, noSubdir: false, overlappingSync: false, eventTurnBatching: false, maxDbs: 4 });
      this.#root = root;
      this.#refuseForeign();
      this.#rows = root.openDB({ name: ROWS, keyEncoding: "binary", encoding: "binary" });
      this.#meta = root.openDB({ name: META, encoding: "binary" });
      this.#dead = root.openDB({ name: DEAD, keyEncoding: "binary", encoding: "binary" });
      this.#checkSchema();
    } catch (error) {
      void this.#root?.close();
      throw this.#failed(error, APPLY_ROOM_BYTES);
    }
  }

  /**
   * Throws STORE_INVALID for the database of another program, before anything is written into it. An empty one is taken; so is one with
   * our names alone, which is what a process leaves that ended while it made the store.
   */
  #refuseForeign(): void {
    const root = this.#root;
    // One name more than ours is enough to meet one that is not ours; a foreign database may have millions.
    const isOurs = Array.from(root.getKeys({ limit: NAMES.length + 1 }), String).every((name) => NAMES.includes(name));
    if (isOurs) return;
    // To open a database that is not there would make it.
    const [meta] = root.getKeys({ start: META, limit: 1 });
    if (meta === META && root.openDB({ name: META, encoding: "binary" }).getBinary(SCHEMA) !== undefined) return;
    throw new MeshError("STORE_INVALID", `${this.name}: the database there belongs to another program; choose another folder`);
  }

  #checkSchema(): void {
    const found = this.#root.transactionSync(() => {
      const version = this.#meta.getBinary(SCHEMA)?.toString();
      if (version === undefined) void this.#meta.put(SCHEMA, Buffer.from(String(SCHEMA_VERSION)));
      return version ?? String(SCHEMA_VERSION);
    });
    if (found !== String(SCHEMA_VERSION)) throw otherFormat(this.name, found, SCHEMA_VERSION);
  }

  async getMany(keys: readonly string[]): Promise<(Row | undefined)[]> {
    return this.#reading(() =>
      keys.map((key) => {
        const bytes = this.#rows.getBinary(encodeKey(key));
        return bytes === undefined ? undefined : decodeRow(key, bytes);
      }),
    );
  }

  async apply(rows: readonly Row[], flushed: FlushedCounters, epoch = Infinity): Promise<void> {
    const bytes = rows.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
    await this.#writing(bytes, () => {
      // All that may fail comes first: what the callback has written when it throws would be committed.
      const current = this.#registry()?.epoch ?? 0;
      if (current > epoch) throw fencedError(this.name, current);
      const winners = rows.filter((row) => {
        const stored = this.#rows.getBinary(encodeKey(row.key));
        return stored === undefined || replaces(row, stored);
      });
      const writes = winners.map((row) => [row, encodeRow(row)] as const);
      const counters = joined(this.#flushed(), flushed);
      const now = Date.now();
      for (const [row, stored] of writes) {
        void this.#rows.put(encodeKey(row.key), stored);
        noteDead(this.#dead, row, stored, now);
      }
      removeDead(this.#dead, this.#rows, now);
      void this.#meta.put("flushed", Buffer.from(JSON.stringify(counters)));
    });
  }

  #flushed(): FlushedCounters {
    return JSON.parse(String(this.#meta.getBinary("flushed") ?? "[]")) as FlushedCounters;
  }

  async readRegistry(): Promise<RegistryState> {
    // Both from one moment: the read transaction is the same.
    return this.#reading(() => ({ registry: this.#registry(), flushed: this.#flushed() }));
  }

  #registry(): RegistryRecord | undefined {
    const bytes = this.#meta.getBinary("registry");
    return bytes === undefined ? undefined : { epoch: bytes.readDoubleLE(0), bytes: bytes.subarray(8) };
  }

  async swapRegistry(expectedEpoch: number, next: RegistryRecord): Promise<boolean> {
    const bytes = Buffer.concat([Buffer.alloc(8), next.bytes]);
    bytes.writeDoubleLE(next.epoch, 0);
    return await this.#writing(bytes.length, () => {
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
      // One row more than asked for tells whether there is another page.
      const range = this.#rows.getRange({ ...(start.length === 0 ? {} : { start }), limit: limit + 1 });
      const rows: Row[] = [];
      for (const { key, value } of range) if (key.subarray(0, first.length).equals(first)) rows.push(decodeRow(key.toString("utf8"), Buffer.from(value)));
      return { rows: rows.slice(0, limit), cursor: rows.length > limit ? rows[limit - 1].key : undefined };
    });
  }

  async close(): Promise<void> {
    await (this.#closing ??= this.#root.close());
  }

  #reading<Result>(read: () => Result): Result {
    if (this.#closing !== undefined) throw closedError(this.name);
    try {
      // A read transaction may be older than what another process has written meanwhile.
      this.#rows.resetReadTxn();
      return read();
    } catch (error) {
      throw lmdbError(this.name, error);
    }
  }

  /** `bytes` is about what the callback writes. */
  async #writing<Result>(bytes: number, write: () => Result): Promise<Result> {
    if (this.#closing !== undefined) throw closedError(this.name);
    try {
      return await this.#root.transaction(write);
    } catch (error) {
      throw this.#failed(await commitReason(error), 2 * bytes + APPLY_ROOM_BYTES);
    }
  }

  /** To LMDB a full disk is an input or output error. So the file system is asked for so many more bytes where LMDB says nothing better. */
  #failed(error: unknown, bytes: number): MeshError {
    const failure = lmdbError(this.name, error);
    if (failure.code !== "STORE_UNAVAILABLE") return failure;
    try {
      checkRoom(this.#path, bytes);
      return failure;
    } catch (cause) {
      const better = lmdbError(this.name, cause);
      return better.code === "STORE_UNAVAILABLE" ? failure : better;
    }
  }
}
