// One apply after another: as one transaction where it fits into one, and otherwise by way of the journal.

import { joined } from "@causalmesh/adapter-kit";
import { limits, MeshError, type FlushedCounters, type Row } from "@causalmesh/core";
import { changeHead, fenced, readHead, type Head } from "./head.js";
import { carryOut, complete, writeDown, type Batch } from "./journal.js";
import { encodeRow } from "./schema.js";
import type { Table } from "./table.js";
import { isTransaction, missing, putAll, transact } from "./write.js";

export class Flush {
  readonly #table: Table;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  /** The last one failed, and may be named in the head: the next one goes on with it where it stopped. */
  #failed = false;

  constructor(table: Table) {
    this.#table = table;
  }

  /** Encoded at once: what it is given is the caller's again when the promise settles, which may be before everything is sent. */
  batchOf(rows: readonly Row[], flushed: FlushedCounters, epoch: number | undefined): Batch {
    return { rows: rows.map((row) => encodeRow(this.#table.prefix, row)), flushed: flushed.map(([replica, counter]) => [replica, counter] as const), epoch };
  }

  /** After the one before it, so that a repeated apply finds what that did. */
  async apply(batch: Batch): Promise<void> {
    const deadline = performance.now() + limits.STORE_TIMEOUT_MS_DEFAULT;
    // The node has given up by then, and waits for its next call already: otherwise more and more would.
    const goOn = (): void => {
      if (this.#waiting > 0 && performance.now() > deadline)
        throw new MeshError("STORE_UNAVAILABLE", `${this.#table.name} takes a batch too slowly; give it more capacity`);
    };
    this.#waiting += 1;
    const before = this.#last.catch(() => undefined);
    this.#last = before.then(async () => {
      this.#waiting -= 1;
      await this.#apply(batch, goOn);
    });
    await this.#last;
  }

  async #apply({ rows, flushed, epoch }: Batch, goOn: () => void): Promise<void> {
    const table = this.#table;
    // No mesh's: there is nothing to count or to fence, and so no head that all who write would have to change.
    if (flushed.length === 0 && epoch === undefined) return await putAll(table, rows);
    if (this.#failed) await complete(table, await readHead(table), goOn);
    this.#failed = true;
    const left = missing(table, rows);
    const counted = (head: Head): Head => ({ ...fenced(table, head, epoch), flushed: joined(head.flushed, flushed) });
    if (left.length === 0) await changeHead(table, counted);
    else if (isTransaction(table, left)) await changeHead(table, counted, async (put) => await transact(table, left, put));
    else await carryOut(table, await writeDown(table, { rows: left, flushed, epoch }), { rows: left, flushed }, goOn);
    this.#failed = false;
    table.there.clear();
  }
}
