// A DynamoDB table as the mesh's Store. schema.ts owns the form, journal.ts what is written, the kit's journal how a batch gets there whole.
//
// How long rows stay. A row that expires and a deletion have to win over older writes that come late, so they stay for
// TOMBSTONE_TTL_MS (core's limits) after the row expired or the deletion was flushed, by the flushing node's clock. From then on DynamoDB
// drops them (the table's time to live on `goneAt`), within some days, and a write that was older and takes longer to arrive would be kept.

import { Journal, lazily } from "@causalmesh/adapter-kit";
import type { Store } from "@causalmesh/core";
import { journalDatabase } from "./journal.js";
import type { DynamodbStoreOptions } from "./options.js";
import { readMany, readPage } from "./read.js";
import { VALUE_BYTES_MAX } from "./schema.js";
import { openTable, prepareTable } from "./table.js";

/** A store in a DynamoDB table, which is looked up, and made where that is allowed, at the first call. Throws OPTION_INVALID. */
export function dynamodbStore(options: DynamodbStoreOptions): Store {
  const table = openTable(options);
  const journal = new Journal(journalDatabase(table));
  const prepared = lazily(() =>
    table.run(async (signal) => {
      await prepareTable(table, options.createTable ?? true, signal);
      // Completes what was cut off.
      await journal.readRegistry();
    }),
  );
  const run = <Result>(work: () => Promise<Result>): Promise<Result> => table.run(() => prepared().then(work));
  return {
    abilities: { atomicApply: false, durable: true, shared: true, valueBytesMax: VALUE_BYTES_MAX },
    name: table.name,
    getMany: (keys) => run(() => readMany(table, keys)),
    apply: (rows, flushed, epoch) => run(() => journal.apply(rows, flushed, epoch)),
    readRegistry: () => run(() => journal.readRegistry()),
    swapRegistry: (expectedEpoch, next) => run(() => journal.swapRegistry(expectedEpoch, next)),
    scan: (prefix, cursor, limit) => run(() => readPage(table, prefix, cursor, limit)),
    close: async () => table.close(),
  };
}
