// One apply after another: as one transaction where it fits into one, and otherwise by way of the journal.

import { limits, MeshError, type FlushedCounters, type Row } from "@causalmesh/core";
import { changeHead, fence, joined } from "./head.js";
import { entryOf, strikeOut, writeDown, type Batch, type Entry } from "./journal.js";
import { encodeRow, type Item } from "./schema.js";
import type { Table } from "./table.js";
import { isTransaction, putAll, transact } from "./write.js";

interface TimedBatch extends Batch {
  /** When the node stops waiting for it. */
  readonly deadline: number;
}

export class Flush {
  readonly #table: Table;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  /** An apply that failed when it was to be written down, or was already: the next one goes on with it where it stopped. */
  #cutOff: Entry | undefined;
  /** Rows that are in the table since applies began to fail, by `stampOf`: who repeats an apply does not send them again. */
  readonly #there = new Set<string>();

  constructor(table: Table) {
    this.#table = table;
  }

  /** Encoded at once: what it is given is the caller's again when the promise settles, which may be before everything is sent. */
  batchOf(rows: readonly Row[], flushed: FlushedCounters, epoch: number | undefined): TimedBatch {
    const items = rows.map((row) => encodeRow(this.#table.prefix, row));
    const counters = flushed.map(([replica, counter]) => [replica, counter] as const);
    return { rows: items, flushed: counters, epoch, deadline: performance.now() + limits.STORE_TIMEOUT_MS_DEFAULT };
  }

  /** After the one before it, so that a repeated apply finds what that did. */
  async apply(batch: TimedBatch): Promise<void> {
    this.#waiting += 1;
    const done = this.#last
      .catch(() => undefined)
      .then(async () => {
        this.#waiting -= 1;
        await this.#apply(batch);
      });
    this.#last = done;
    await done;
  }

  async #apply({ rows, flushed, epoch, deadline }: TimedBatch): Promise<void> {
    // No mesh's: there is nothing to count or to fence, and so no head that all who write would have to change.
    if (flushed.length === 0 && epoch === undefined) return await putAll(this.#table, rows);
    if (this.#cutOff !== undefined) await this.#finish(this.#cutOff, deadline);
    const left = { rows: this.#missing(rows), flushed, epoch };
    if (!(isTransaction(this.#table, left.rows) && (await this.#atOnce(left)))) await this.#finish(entryOf(left), deadline);
    this.#there.clear();
  }

  async #atOnce({ rows, flushed, epoch }: Batch): Promise<boolean> {
    let isDone = false;
    await changeHead(
      this.#table,
      (head) => {
        fence(this.#table, head, epoch);
        return { ...head, flushed: joined(head.flushed, flushed) };
      },
      async (put) => (isDone = await transact(this.#table, rows, put)),
    );
    // Otherwise the head is not as it is taken for.
    if (!isDone) this.#table.server.head = undefined;
    return isDone;
  }

  async #finish(entry: Entry, deadline: number): Promise<void> {
    this.#cutOff = entry;
    try {
      if (!entry.isNamed) await writeDown(this.#table, entry);
    } catch (error) {
      if (error instanceof MeshError && error.code === "NODE_BEHIND") this.#cutOff = undefined;
      throw error;
    }
    entry.isNamed = true;
    await putAll(this.#table, this.#missing(entry.rows), (part) => {
      for (const row of part) this.#there.add(stampOf(row));
      // The node has given up by now, and waits for its next call already: otherwise more and more would.
      if (this.#waiting > 0 && performance.now() > deadline)
        throw new MeshError("STORE_UNAVAILABLE", `${this.#table.name} takes a batch too slowly; give it more capacity`);
    });
    await strikeOut(this.#table, entry.name, entry.flushed);
    this.#cutOff = undefined;
  }

  #missing(rows: readonly Item[]): Item[] {
    return rows.filter((row) => !this.#there.has(stampOf(row)));
  }
}

function stampOf({ sk, timestamp, replica }: Item): string {
  return [timestamp.N, replica.N, sk.S].join(" ");
}
