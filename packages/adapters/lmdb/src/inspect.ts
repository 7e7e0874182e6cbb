// A look at a folder from outside the store: what is there, and whether it can be used. It makes and changes nothing: for tools that ask before nodes are started.

import { accessSync, constants, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { MeshError } from "@causalmesh/core";
import { open } from "lmdb";
import { storeError } from "./errors.js";
import { checkIntact } from "./intact.js";
import { SCHEMA_VERSION } from "./schema.js";
import type { LmdbStoreOptions } from "./store.js";

/** What stands in a folder, and what this process may do there. */
export interface LmdbInspection {
  readonly name: string;
  /** The format of the store; undefined where there is none yet. */
  readonly version: number | undefined;
  /** The format that this version of the adapter makes and reads. */
  readonly versionExpected: number;
  /** The file or folder that this process may not write; undefined where it may. */
  readonly unwritable: string | undefined;
}

/** Looks at the folder of a store. Rejects with STORE_LOCKED, STORE_INVALID or STORE_UNAVAILABLE where it cannot look. */
export async function inspectLmdb({ path }: LmdbStoreOptions): Promise<LmdbInspection> {
  const name = `lmdb at ${path}`;
  try {
    return { name, version: await versionIn(path), versionExpected: SCHEMA_VERSION, unwritable: unwritableOf(path) };
  } catch (error) {
    throw error instanceof MeshError ? error : storeError(name, error);
  }
}

async function versionIn(path: string): Promise<number | undefined> {
  // LMDB would make the file, also where it is asked to read only.
  const data = statSync(join(path, "data.mdb"), { throwIfNoEntry: false });
  if (data === undefined || data.size === 0) return undefined;
  checkIntact(path);
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
  const files = [path, ...["data.mdb", "lock.mdb"].map((file) => join(path, file)).filter((file) => statSync(file, { throwIfNoEntry: false }) !== undefined)];
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
