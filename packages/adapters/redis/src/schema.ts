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

import { damagedRow } from "@causalmesh/adapter-kit";
import type { Row } from "@causalmesh/core";

/** Raised with each change of the format; a store of another version is refused. */
export const SCHEMA_VERSION = "1";

export type Names = ReturnType<typeof namesUnder>;

/** A prefix has no colon, so that no name of one prefix can be a name of another. */
export function namesUnder(prefix: string) {
  const [index, going, flushed, registry, schema] = ["keys", "going", "flushed", "registry", "schema"].map((name) => `${prefix}:${name}`);
  return { rows: `${prefix}:row:`, index, going, flushed, registry, schema };
}

/** The fields of a row as apply.lua takes them. The bytes are a copy: a call that timed out may still be sending them. */
export function rowArguments({ key, value, timestamp, replica, counter, expiresAt }: Row): (string | Buffer)[] {
  const head = `${timestamp} ${replica} ${counter} ${expiresAt} ${value === null ? "deleted" : "value"}\n`;
  const bytes = Buffer.allocUnsafe(head.length + (value?.length ?? 0));
  bytes.write(head, "latin1");
  if (value !== null) bytes.set(value, head.length);
  return [key, value === null ? "deleted" : expiresAt === 0 ? "" : String(expiresAt), bytes];
}

const [SPACE, ZERO, NINE] = Buffer.from(" 09");
const VALUE = Buffer.from("value\n");
const DELETED = Buffer.from("deleted\n");

/** The row in the bytes, which it takes over. Throws STORE_INVALID for bytes that are no row. It goes byte by byte, as a pattern takes nine times as long. */
export function decodeRow(key: string, bytes: Buffer): Row {
  let at = 0;
  /** The number up to the next space. */
  const number = (digitsMax: number): number => {
    const start = at;
    let found = 0;
    for (; bytes[at] >= ZERO && bytes[at] <= NINE; at++) found = found * 10 + (bytes[at] - ZERO);
    if (at === start || at - start > digitsMax || bytes[at++] !== SPACE) throw damagedRow(key);
    return found;
  };
  const timestamp = number(16);
  const replica = number(10);
  const counter = number(16);
  const expiresAt = number(16);
  const word = bytes[at] === VALUE[0] ? VALUE : DELETED;
  for (let index = 0; index < word.length; index++) if (bytes[at++] !== word[index]) throw damagedRow(key);
  return { key, value: word === DELETED ? null : bytes.subarray(at), timestamp, replica, counter, expiresAt };
}
