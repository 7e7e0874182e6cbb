// How the mesh stands in Redis. With the prefix `causalmesh`:
//
//   causalmesh:row:KEY    string      head and value of one key's newest write
//   causalmesh:keys       sorted set  all keys with score 0, whose order is the order of scans
//   causalmesh:going      sorted set  keys of deleted and expiring rows, by the time at which Redis drops the row
//   causalmesh:flushed    hash        replica id → counter
//   causalmesh:registry   hash        epoch, bytes (JSON), swap (the name of the last change)
//   causalmesh:schema     string      the version of all this
//
// The head of a row is a line of text that a person can read:
//
//   TIMESTAMP REPLICA COUNTER EXPIRESAT value⏎      or, for a deletion, with `deleted` and nothing behind it

import { MeshError, type Row } from "@causalmesh/core";

/** Raised with each change of the format; a store of another version is refused. */
export const SCHEMA_VERSION = "1";

export const PREFIX_DEFAULT = "causalmesh";

export interface Names {
  readonly rows: string;
  readonly index: string;
  readonly going: string;
  readonly flushed: string;
  readonly registry: string;
  readonly schema: string;
}

/** A prefix has no colon, so that no name of one prefix can be a name of another. Throws OPTION_INVALID. */
export function namesUnder(prefix: unknown): Names {
  if (typeof prefix !== "string" || !/^[\w.-]{1,100}$/.test(prefix))
    throw new MeshError("OPTION_INVALID", 'prefix must have 1 to 100 letters, digits, ".", "_" or "-", such as "shop"; it keeps meshes in one database apart');
  return {
    rows: `${prefix}:row:`,
    index: `${prefix}:keys`,
    going: `${prefix}:going`,
    flushed: `${prefix}:flushed`,
    registry: `${prefix}:registry`,
    schema: `${prefix}:schema`,
  };
}

/** The fields of a row as apply.lua takes them. The bytes are a copy: a call that timed out may still be sending them. */
export function rowArguments({ key, value, timestamp, replica, counter, expiresAt }: Row): (string | Buffer)[] {
  const head = `${timestamp} ${replica} ${counter} ${expiresAt} ${value === null ? "deleted" : "value"}\n`;
  const bytes = Buffer.allocUnsafe(head.length + (value?.length ?? 0));
  bytes.write(head, "latin1");
  if (value !== null) bytes.set(value, head.length);
  return [key, value === null ? "deleted" : expiresAt === 0 ? "" : String(expiresAt), bytes];
}

const HEAD_BYTES_MAX = 80;
const NEWLINE = 10;

/** The row in the bytes, which it takes over. Throws STORE_INVALID for bytes that are no row. */
export function decodeRow(key: string, bytes: Buffer): Row {
  const headBytes = bytes.subarray(0, HEAD_BYTES_MAX).indexOf(NEWLINE);
  const head = /^(\d{1,16}) (\d{1,10}) (\d{1,16}) (\d{1,16}) (value|deleted)$/.exec(bytes.toString("latin1", 0, Math.max(headBytes, 0)));
  if (head === null) throw damagedRow(key);
  const [, timestamp, replica, counter, expiresAt, kind] = head;
  const value = kind === "deleted" ? null : bytes.subarray(headBytes + 1);
  return { key, value, timestamp: Number(timestamp), replica: Number(replica), counter: Number(counter), expiresAt: Number(expiresAt) };
}

export function damagedRow(key: string): MeshError {
  return new MeshError("STORE_INVALID", `the row of ${JSON.stringify(key)} is damaged, or not of CausalMesh; restore the store from a copy`);
}
