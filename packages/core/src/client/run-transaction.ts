// A transaction from its beginning to its end, and again where its snapshot is too old.

import { MeshError } from "../errors.js";
import { TRANSACTION_RETRIES_DEFAULT } from "../limits.js";
import type { CommitOptions, Transaction, TransactionOptions } from "../mesh.js";

/** A transaction that says why it was given up, if it was. */
export interface RunTransaction extends Transaction {
  readonly failure: MeshError | undefined;
}

/** What `session.transaction` does, for whatever begins transactions. `pause` waits before the attempt of this number. */
export async function runTransaction<Result>(
  begin: (options: CommitOptions) => RunTransaction,
  work: (transaction: Transaction) => Promise<Result>,
  { retries = TRANSACTION_RETRIES_DEFAULT, ...options }: TransactionOptions,
  pause: (attempt: number) => Promise<void>,
): Promise<Result> {
  if (!Number.isInteger(retries) || retries < 0) throw new MeshError("OPTION_INVALID", `retries is ${String(retries)}; give a whole number from 0`);
  for (let attempt = 0; ; attempt++) {
    const { signal } = options;
    if (signal?.aborted === true) throw new MeshError("ABORTED", "the transaction was aborted by its signal; nothing was written", { cause: signal.reason });
    const transaction = begin(options);
    try {
      const result = await work(transaction);
      // Whoever has caught the error has not made up for what it did not read.
      if (transaction.failure !== undefined) throw transaction.failure;
      if (transaction.isOpen) await transaction.commit();
      return result;
    } catch (error) {
      transaction.rollback();
      if (error !== transaction.failure || attempt >= retries) throw error;
    }
    await pause(attempt);
  }
}
