// The store's process as the Store of a mesh, and for caches that need nothing but its rows.

import { fencedError, type FlushedCounters, MeshError, type RegistryRecord, type RegistryState, type Row, type Store, type Transport } from "@causalmesh/core";
import { dial, nothing, type Rpc, writeTexts } from "../wire/rpc.js";
import { APPLY_ROWS, GET_ROWS, READ_REGISTRY, readCounters, readFound, SWAP_REGISTRY, writeCounters, writeRows } from "./rows.js";

const REGISTRY_BYTES_MAX = 1 << 20;

export async function remoteStore(transport: Transport, address: string): Promise<Store> {
  return new RemoteStore(await dial(transport, address), address);
}

class RemoteStore implements Store {
  readonly abilities = { atomicApply: true, durable: false, shared: true, valueBytesMax: 2 ** 24 };
  readonly name: string;
  readonly #rpc: Rpc;

  constructor(rpc: Rpc, address: string) {
    this.#rpc = rpc;
    this.name = `the evaluation's store at ${address}`;
  }

  getMany(keys: readonly string[]): Promise<(Row | undefined)[]> {
    return this.#rpc.call(GET_ROWS, (out) => writeTexts(out, keys), readFound);
  }

  async apply(rows: readonly Row[], flushed: FlushedCounters, epoch = 0): Promise<void> {
    const write = this.#rpc.call(
      APPLY_ROWS,
      (out) => {
        writeRows(out, rows);
        writeCounters(out, flushed);
        out.varint(epoch);
      },
      nothing,
    );
    try {
      await write;
    } catch (error) {
      throw (error as Error).message === "NODE_BEHIND" ? fencedError(this.name, epoch + 1) : unavailable(this.name, error);
    }
  }

  readRegistry(): Promise<RegistryState> {
    return this.#rpc.call(READ_REGISTRY, nothing, (payload) => {
      const epoch = payload.varint();
      const bytes = payload.blob(REGISTRY_BYTES_MAX);
      return { registry: epoch === 0 ? undefined : { epoch, bytes }, flushed: readCounters(payload) };
    });
  }

  swapRegistry(expectedEpoch: number, { epoch, bytes }: RegistryRecord): Promise<boolean> {
    return this.#rpc.call(
      SWAP_REGISTRY,
      (out) => {
        out.varint(expectedEpoch);
        out.varint(epoch);
        out.blob(bytes);
      },
      (payload) => payload.u8() === 1,
    );
  }

  scan(): Promise<never> {
    return Promise.reject(new MeshError("OPTION_INVALID", `${this.name} has no scans; nothing that is measured here makes one`));
  }

  async close(): Promise<void> {
    this.#rpc.close();
  }
}

function unavailable(name: string, cause: unknown): MeshError {
  return new MeshError("STORE_UNAVAILABLE", `${name} did not answer; see whether its process runs`, { cause, retryable: true });
}
