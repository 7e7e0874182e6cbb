// Whether a data file can be given to LMDB, looked up in its first pages: LMDB maps the file into memory without a look, so a
// file that is something else, or was cut short, would end the process by a signal instead of an error.
//
// What is read here is LMDB's format 2: two meta pages, of which the one with the greater transaction is in force. In each, behind 24
// bytes of page head: magic u32, version u32, address u64, map size u64, two trees of 48 bytes (the first of which begins with the size
// of a page, and each of which ends with its root page, or -1), last page u64, transaction u64.

import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";

const MAGIC = 0xbe_ef_c0_de;
const VERSION = 2;
const META_BYTES = 160;
const MAGIC_AT = 24;
const VERSION_AT = 28;
const PAGE_BYTES_AT = 48;
const ROOTS_AT = [88, 136];
const TRANSACTION_AT = 152;
const NO_PAGE = 0xff_ff_ff_ff_ff_ff_ff_ffn;

/** Throws MDB_INVALID for a file in `folder` that LMDB must not open. A missing or empty one is fine. */
export function checkIntact(folder: string): void {
  const path = join(folder, "data.mdb");
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0) return;
  const file = openSync(path, "r");
  try {
    const first = readMeta(file, 0);
    const second = readMeta(file, first.readUInt32LE(PAGE_BYTES_AT));
    const current = second.readBigUInt64LE(TRANSACTION_AT) > first.readBigUInt64LE(TRANSACTION_AT) ? second : first;
    // Looked up after the pages that name the roots: another process may be making the file longer, and it writes the roots after the rest.
    const pages = BigInt(Math.floor(fstatSync(file).size / first.readUInt32LE(PAGE_BYTES_AT)));
    for (const at of ROOTS_AT) {
      const root = current.readBigUInt64LE(at);
      if (root !== NO_PAGE && root >= pages) throw new Error("MDB_INVALID: data.mdb was cut short");
    }
  } finally {
    closeSync(file);
  }
}

function readMeta(file: number, at: number): Buffer {
  const meta = Buffer.alloc(META_BYTES);
  const read = readSync(file, meta, 0, META_BYTES, at);
  if (read < META_BYTES || meta.readUInt32LE(MAGIC_AT) !== MAGIC || (meta.readUInt32LE(VERSION_AT) & 0xff) !== VERSION) {
    throw new Error("MDB_INVALID: data.mdb is not of this version of LMDB");
  }
  return meta;
}
