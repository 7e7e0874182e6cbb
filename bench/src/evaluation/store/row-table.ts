// The store as most systems use it: one row per key, the later one wins. With a delay it stands for a database that is elsewhere.

import { memoryStore } from "@causalmesh/adapter-memory";
import { MeshError } from "@causalmesh/core";
import type { ByteReader } from "@causalmesh/core/testing";
import type { Rpc, Service } from "../wire/rpc.js";
import { APPLY_ROWS, GET_ROWS, READ_REGISTRY, readCounters, readRows, SWAP_REGISTRY, writeCounters, writeFound } from "./rows.js";
import { readTexts } from "../wire/rpc.js";

const REGISTRY_BYTES_MAX = 1 << 20;

export function rowTable(delayMs: number): Service {
  const store = memoryStore();
  const delayed = (answer: () => void): void => void (delayMs > 0 ? setTimeout(answer, delayMs) : answer());
  const get = async (rpc: Rpc, id: number, keys: readonly string[]): Promise<void> => {
    const rows = await store.getMany(keys);
    delayed(() => rpc.reply(id, (out) => writeFound(out, rows)));
  };
  const apply = async (rpc: Rpc, id: number, payload: ByteReader): Promise<void> => {
    const rows = readRows(payload);
    const flushed = readCounters(payload);
    const epoch = payload.varint();
    await store.apply(rows, flushed, epoch === 0 ? undefined : epoch);
    delayed(() => rpc.reply(id, () => undefined));
  };
  const readRegistry = async (rpc: Rpc, id: number): Promise<void> => {
    const { registry, flushed } = await store.readRegistry();
    rpc.reply(id, (out) => {
      out.varint(registry?.epoch ?? 0);
      out.blob(registry?.bytes ?? new Uint8Array(0));
      writeCounters(out, flushed);
    });
  };
  const swapRegistry = async (rpc: Rpc, id: number, payload: ByteReader): Promise<void> => {
    const expected = payload.varint();
    const next = { epoch: payload.varint(), bytes: payload.blob(REGISTRY_BYTES_MAX) };
    const swapped = await store.swapRegistry(expected, next);
    rpc.reply(id, (out) => out.u8(swapped ? 1 : 0));
  };
  const serve = (rpc: Rpc, type: number, id: number, payload: ByteReader): Promise<void> => {
    if (type === GET_ROWS) return get(rpc, id, readTexts(payload));
    if (type === APPLY_ROWS) return apply(rpc, id, payload);
    if (type === READ_REGISTRY) return readRegistry(rpc, id);
    if (type === SWAP_REGISTRY) return swapRegistry(rpc, id, payload);
    return Promise.reject(new Error(`the store has no request of type ${type}`));
  };
  return (rpc, type, id, payload) =>
    void serve(rpc, type, id, payload).catch((error: unknown) => rpc.fail(id, error instanceof MeshError ? error.code : error));
}
