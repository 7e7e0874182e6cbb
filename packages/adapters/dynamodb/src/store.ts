// A DynamoDB table as the mesh's Store. schema.ts owns the form, write.ts what one request writes, journal.ts batches of several.
//
// How long rows stay. A row that expires and a deletion have to win over older writes that come late, so they stay for
// TOMBSTONE_TTL_MS (core's limits) after the row expired or the deletion was flushed, by the flushing node's clock. From then on DynamoDB
// drops them (the table's time to live on `goneAt`), within some days, and a write that was older and takes longer to arrive would be kept.

import { lazily } from "@causalmesh/adapter-kit";
import type { FlushedCounters, RegistryRecord, RegistryState, Row, ScanPage, Store } from "@causalmesh/core";
import { dynamodbError } from "./errors.js";
import { Flush } from "./flush.js";
import type { DynamodbStoreOptions } from "./options.js";
import { readMany, readPage } from "./read.js";
import { readState, swapState } from "./registry.js";
import { VALUE_BYTES_MAX } from "./schema.js";
import { openTable, prepareTable, type Table } from "./table.js";

/** A store in a DynamoDB table, which is looked up, and made where that is allowed, at the first call. Throws OPTION_INVALID. */
export function dynamodbStore(options: DynamodbStoreOptions): Store {
  const { table, calls, close } = openTable(options);
  const flush = new Flush(table);
  const prepared = lazily(async () => {
    await calls.run(async (signal) => await prepareTable(table, options.createTable ?? true, signal), Infinity);
    // Completes what was cut off.
    await readState(table);
  });
  const run = async <Result>(work: (table: Table) => Promise<Result>): Promise<Result> => {
    try {
      return await calls.run(async () => {
        await prepared();
        return await work(table);
      }, Infinity);
    } catch (error) {
      throw dynamodbError(table.name, error);
    }
  };
  return {
    abilities: { atomicApply: false, durable: true, shared: true, valueBytesMax: VALUE_BYTES_MAX },
    name: table.name,
    getMany: async (keys: readonly string[]): Promise<(Row | undefined)[]> => await run(async () => await readMany(table, keys)),
    apply: async (rows: readonly Row[], flushed: FlushedCounters, epoch?: number): Promise<void> => {
      const batch = flush.batchOf(rows, flushed, epoch);
      await run(async () => await flush.apply(batch));
    },
    readRegistry: async (): Promise<RegistryState> => await run(readState),
    swapRegistry: async (expectedEpoch: number, { epoch, bytes }: RegistryRecord): Promise<boolean> => {
      const next = { epoch, bytes: new Uint8Array(bytes) };
      return await run(async () => await swapState(table, expectedEpoch, next));
    },
    scan: async (prefix: string, cursor: string | undefined, limit: number): Promise<ScanPage> =>
      await run(async () => await readPage(table, prefix, cursor, limit)),
    close: async (): Promise<void> => close(),
  };
}
