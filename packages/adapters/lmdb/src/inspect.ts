// A look at a folder from outside the store: what is there, and whether it can be used. It makes and changes nothing: for tools that ask before nodes are started.

import { accessSync, constants, mkdtempSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { open } from "lmdb";
import { lmdbError } from "./errors.js";
import { checkIntact } from "./intact.js";
import { SCHEMA_VERSION } from "./schema.js";
import type { LmdbStoreOptions } from "./store.js";

const DATA = "data.mdb";
const LOCK = "lock.mdb";

/** What stands in a folder, and what this process may do there. */
export interface LmdbInspection {
  readonly name: string;
  /** The format of the store; undefined where there is none yet. */
  readonly version: number | undefined;
  /** The format that this version of the adapter makes and reads. */
  readonly versionExpected: number;
  /** Whether a process has opened it where it stands. A copy that was put there has no lock file yet, and opening it makes one, which belongs to whoever opened it. */
  readonly opened: boolean;
  /** The file or folder that this process may not write; undefined where it may. */
  readonly unwritable: string | undefined;
}

/** Looks at the folder of a store. Rejects with STORE_LOCKED, STORE_INVALID or STORE_UNAVAILABLE where it cannot look. */
export async function inspectLmdb({ path }: LmdbStoreOptions): Promise<LmdbInspection> {
  const name = `lmdb at ${path}`;
  try {
    const opened = statSync(join(path, LOCK), { throwIfNoEntry: false }) !== undefined;
    return { name, version: await versionIn(path, opened), opened, versionExpected: SCHEMA_VERSION, unwritable: unwritableOf(path) };
  } catch (error) {
    throw lmdbError(name, error);
  }
}

async function versionIn(path: string, opened: boolean): Promise<number | undefined> {
  // LMDB would make the file, also where it is asked to read only.
  const data = statSync(join(path, DATA), { throwIfNoEntry: false });
  if (data === undefined || data.size === 0) return undefined;
  checkIntact(path);
  if (opened) return await readVersion(path);
  // Nobody has it open, so the lock may stand elsewhere.
  const elsewhere = mkdtempSync(join(tmpdir(), "causalmesh-inspect-"));
  try {
    symlinkSync(resolve(path, DATA), join(elsewhere, DATA));
    return await readVersion(elsewhere);
  } finally {
    rmSync(elsewhere, { recursive: true, force: true });
  }
}

async function readVersion(path: string): Promise<number | undefined> {
  const root = open({ path, noSubdir: false, maxDbs: 4, readOnly: true });
  try {
    // undefined where there is no such part: then the file is no mesh's.
    const meta = root.openDB<Buffer, string>({ name: "meta", encoding: "binary" }) as ReturnType<typeof root.openDB<Buffer, string>> | undefined;
    const text = meta?.getBinary("schema")?.toString("utf8");
    return text === undefined ? undefined : Number(text);
  } finally {
    await root.close();
  }
}

/** Of a folder that is not there yet, the one in which it would be made. */
function unwritableOf(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return dirname(path) === path ? path : unwritableOf(dirname(path));
  const files = [path, ...[DATA, LOCK].map((file) => join(path, file)).filter((file) => statSync(file, { throwIfNoEntry: false }) !== undefined)];
  return files.find((file) => !isWritable(file));
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
