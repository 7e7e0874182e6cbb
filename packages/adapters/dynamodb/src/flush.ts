// One apply after another: as one transaction where it fits into one, and otherwise by way of the journal.

import { limits, MeshError, type FlushedCounters, type Row } from "@causalmesh/core";
import { entryOf, strikeOut, writeDown, type Entry } from "./journal.js";
import { encodeCounter, encodeRow, type Item } from "./schema.js";
import type { Table } from "./table.js";
import { isTransaction, putAll, transact } from "./write.js";

export interface Batch {
  readonly items: readonly Item[];
  readonly epoch: number | undefined;
  /** When the node stops waiting for it. */
  readonly deadline: number;
}

export class Flush {
  readonly #table: Table;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  /** An apply that failed when it was to be written down, or was already: the next one goes on with it where it stopped. */
  #cutOff: Entry | undefined;
  /** What is in the table since applies began to fail, by `stampOf`: who repeats an apply does not send it again. */
  readonly #there = new Set<string>();

  constructor(table: Table) {
    this.#table = table;
  }

  /** Encoded at once: the bytes are the caller's again when the promise settles, which may be before everything is sent. */
  batchOf(rows: readonly Row[], flushed: FlushedCounters, epoch: number | undefined): Batch {
    const { prefix } = this.#table;
    const items = [...rows.map((row) => encodeRow(prefix, row)), ...flushed.map(([replica, counter]) => encodeCounter(prefix, replica, counter))];
    return { items, epoch, deadline: performance.now() + limits.STORE_TIMEOUT_MS_DEFAULT };
  }

  /** After the one before it, so that a repeated apply finds what that did. */
  async apply(batch: Batch): Promise<void> {
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

  async #apply({ items, epoch, deadline }: Batch): Promise<void> {
    if (this.#cutOff !== undefined) await this.#finish(this.#cutOff, deadline);
    const left = items.filter((item) => !this.#there.has(stampOf(item)));
    if (!(isTransaction(this.#table, left) && (await transact(this.#table, left, epoch)))) await this.#finish(entryOf(left, epoch), deadline);
    this.#there.clear();
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
    const left = entry.parts.flat().filter((item) => !this.#there.has(stampOf(item)));
    await putAll(this.#table, left, (part) => {
      for (const item of part) this.#there.add(stampOf(item));
      // The node has given up by now, and waits for its next call already: otherwise more and more would.
      if (this.#waiting > 0 && performance.now() > deadline)
        throw new MeshError("STORE_UNAVAILABLE", `${this.#table.name} takes a batch too slowly; give it more capacity`);
    });
    await strikeOut(this.#table, entry.name);
    this.#cutOff = undefined;
  }
}

function stampOf({ sk, timestamp, replica, counter }: Item): string {
  return [sk.S, timestamp?.N, replica?.N, counter.N].join(" ");
}
