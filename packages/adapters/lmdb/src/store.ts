// LMDB as the mesh's Store: durable, in a folder, shared by the processes of one machine.

import { mkdirSync } from "node:fs";
import { open, type Database, type RootDatabase } from "lmdb";
import {
  fencedError,
  MeshError,
  type FlushedCounters,
  type RegistryRecord,
  type RegistryState,
  type Row,
  type ScanPage,
  type Store,
  type StoreAbilities,
} from "@causalmesh/core";
import { commitReason, isVague, storeError } from "./errors.js";
import { checkIntact } from "./intact.js";
import { checkRoom, dataBytes, ROOM_TO_OPEN_BYTES } from "./room.js";
import { DeadRows } from "./dead.js";
import { decodeRow, encodeKey, encodeRow, SCHEMA_VERSION, storedWins } from "./schema.js";

export interface LmdbStoreOptions {
  /** A folder; it is made where it is missing. */
  readonly path: string;
}

const ABILITIES: StoreAbilities = { atomicApply: true, durable: true, shared: true, valueBytesMax: 1024 * 1024 };

/** Opens a store in a folder, which is made where it is missing. Throws OPTION_INVALID, STORE_LOCKED, STORE_FULL, STORE_INVALID or STORE_UNAVAILABLE. */
export function lmdbStore(options: LmdbStoreOptions): Store {
  const path: unknown = options?.path;
  if (typeof path !== "string" || path.length === 0)
    throw new MeshError("OPTION_INVALID", 'path is missing; give lmdbStore the path of a folder, such as { path: "./data" }');
  return new LmdbStore(path);
}

// The databases in the environment, and the entry of META that says that they are ours.
const ROWS = "rows";
const META = "meta";
const DEAD = "dead";
const NAMES = [ROWS, META, DEAD];
const SCHEMA = "schema";

/** Bytes beyond its rows that one apply may take: pages of the trees are written anew. */
const APPLY_ROOM_BYTES = 1024 * 1024;

class LmdbStore implements Store {
  readonly abilities = ABILITIES;
  readonly name: string;
  readonly #path: string;
  readonly #root: RootDatabase;
  readonly #rows: Database<Buffer, Buffer>;
  readonly #meta: Database<Buffer | string, string>;
  readonly #dead: DeadRows;
  #closing: Promise<void> | undefined;

  constructor(path: string) {
    this.name = `lmdb at ${path}`;
    this.#path = path;
    let root: RootDatabase | undefined;
    try {
      mkdirSync(path, { recursive: true });
      checkIntact(path);
      checkRoom(path, ROOM_TO_OPEN_BYTES);
      // Without overlapping syncs a transaction has reached the disk when its promise resolves. Without batches per turn no
      // promise is left that nobody watches when a commit fails.
      root = open({ path, noSubdir: false, overlappingSync: false, eventTurnBatching: false, maxDbs: 4 });
      this.#root = root;
      this.#refuseForeign(path);
      this.#rows = root.openDB({ name: ROWS, keyEncoding: "binary", encoding: "binary" });
      this.#meta = root.openDB({ name: META, encoding: "binary" });
      this.#dead = new DeadRows(this.#rows, root.openDB({ name: DEAD, keyEncoding: "binary", encoding: "binary" }));
      this.#checkSchema(path);
    } catch (error) {
      void root?.close();
      throw storeError(this.name, isVague(error) ? this.#explained(error, APPLY_ROOM_BYTES) : error);
    }
  }

  /**
   * Throws STORE_INVALID for the database of another program, before anything is written into it. An empty one is taken; so is one with
   * our names alone, which is what a process leaves that ended while it made the store.
   */
  #refuseForeign(path: string): void {
    const root = this.#root;
    // One name more than ours is enough to meet one that is not ours; a foreign database may have millions.
    const first = Array.from(root.getKeys({ limit: NAMES.length + 1 }), String);
    if (first.every((name) => NAMES.includes(name))) return;
    // To open a database that is not there would make it.
    const [meta] = root.getKeys({ start: META, limit: 1 });
    if (meta === META && root.openDB({ name: META, encoding: "binary" }).getBinary(SCHEMA) !== undefined) return;
    throw new MeshError(
      "STORE_INVALID",
      `the database in ${path} belongs to another program: it has entries and is no store of CausalMesh; choose another folder`,
    );
  }

  #checkSchema(path: string): void {
    const found = this.#root.transactionSync(() => {
      const version = this.#text(SCHEMA);
      if (version === undefined) void this.#meta.put(SCHEMA, Buffer.from(String(SCHEMA_VERSION)));
      return version;
    });
    if (found === undefined || found === String(SCHEMA_VERSION)) return;
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

  async apply(rows: readonly Row[], flushed: FlushedCounters, epoch = Infinity): Promise<void> {
    const bytes = rows.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
    await this.#writing(bytes, () => {
      // All that may fail comes first: what the callback has written when it throws would be committed.
      const current = this.#registry()?.epoch ?? 0;
      if (current > epoch) throw fencedError(this.name, current);
      const winners = this.#winners(rows);
      const writes = winners.map((row) => [encodeKey(row.key), encodeRow(row)] as const);
      const counters = flushed.length > 0 ? this.#raised(flushed) : undefined;
      for (const [key, row] of writes) void this.#rows.put(key, row);
      const now = Date.now();
      winners.forEach((row, index) => this.#dead.note(row, writes[index][1], now));
      this.#dead.remove(now);
      if (counters !== undefined) void this.#meta.put("flushed", counters);
    });
  }

  /** The rows that replace what is stored; asked inside the transaction that writes them, which no other process can enter. */
  #winners(rows: readonly Row[]): Row[] {
    return rows.filter((row) => {
      const stored = this.#rows.getBinary(encodeKey(row.key));
      return stored === undefined || !storedWins(stored, row);
    });
  }

  #raised(flushed: FlushedCounters): Buffer {
    const counters = new Map(this.#flushed());
    for (const [replica, counter] of flushed) counters.set(replica, Math.max(counter, counters.get(replica) ?? 0));
    return Buffer.from(JSON.stringify([...counters]));
  }

  #flushed(): FlushedCounters {
    const text = this.#text("flushed") ?? "[]";
    try {
      return JSON.parse(text) as FlushedCounters;
    } catch (cause) {
      throw new MeshError("STORE_INVALID", `${this.name}: the flushed counters are damaged; restore the store from a copy`, { cause });
    }
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
    await (this.#closing ??= this.#root.close());
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

  /** `bytes` is about what the callback writes. */
  async #writing<Result>(bytes: number, write: () => Result): Promise<Result> {
    this.#checkOpen();
    try {
      return await this.#root.transaction(write);
    } catch (error) {
      const reason = await commitReason(error);
      throw storeError(this.name, isVague(reason) ? this.#explained(reason, 2 * bytes + APPLY_ROOM_BYTES) : reason);
    }
  }

  /** What the file system says to so many more bytes, or the error itself where it takes them. */
  #explained(error: unknown, bytes: number): unknown {
    try {
      checkRoom(this.#path, bytes, dataBytes(this.#path));
      return error;
    } catch (better) {
      return better;
    }
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new MeshError("CLOSED", `${this.name} was closed; open it again`);
  }
}
