// LMDB in a temporary folder.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lmdbStore } from "@causalmesh/adapter-lmdb";
import type { Row } from "@causalmesh/core";
import { open } from "lmdb";
import type { BareClient, Database } from "./database.js";

const HEAD_BYTES = 12;

const parsed = (stored: Buffer | undefined): unknown => stored && (JSON.parse(stored.toString("utf8", HEAD_BYTES)) as unknown);

function bareClient(path: string): BareClient {
  // The adapter's settings: a transaction has reached the disk when it resolves.
  const root = open<Buffer, string>({ path, overlappingSync: false, eventTurnBatching: false, encoding: "binary" });
  const put = ({ key, value, timestamp, replica }: Row): void => {
    const stored = root.getBinary(key);
    if (stored !== undefined && stored.readDoubleLE(0) >= timestamp) return;
    const bytes = Buffer.allocUnsafe(HEAD_BYTES + value!.length);
    bytes.writeDoubleLE(timestamp, 0);
    bytes.writeUInt32LE(replica, 8);
    bytes.set(value!, HEAD_BYTES);
    void root.put(key, bytes);
  };
  return {
    clear: async () => await root.clearAsync(),
    writeMany: async (rows) => await root.transaction(() => rows.forEach(put)),
    write: async (row) => await root.transaction(() => put(row)),
    readMany: async (keys) => keys.map((key) => parsed(root.getBinary(key))),
    countMany: async (keys) => keys.filter((key) => root.getBinary(key) !== undefined).length,
    close: async () => await root.close(),
  };
}

export async function openLmdb(): Promise<Database> {
  const folder = mkdtempSync(join(tmpdir(), "bench-lmdb-"));
  let stores = 0;
  return {
    name: "lmdb",
    store: async () => lmdbStore({ path: join(folder, `mesh-${stores++}`) }),
    bare: async () => bareClient(join(folder, "bare")),
    stop: async () => rmSync(folder, { recursive: true, force: true }),
  };
}
