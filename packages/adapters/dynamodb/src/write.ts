// Writing rows. Each is a conditional write of its own, since the table shows no several ones at once that this adapter could rely on:
//   - rows of different writes one after another, in the order given, and the counters last: whatever is in the table when every
//     node ends is without gaps;
//   - rows of one write (one dot) at once, as nothing orders them among themselves;
//   - all of it after it was written down (journal.ts), so that what is cut off is completed by whoever opens the store next.
//
// A flush of many rows may take longer than a node waits for it. The node then repeats it, so rows that are known to be in the table
// are not sent again: each attempt goes on where the one before it stopped.

import { PutItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { fencedError, limits, type FlushedCounters, type Row } from "@causalmesh/core";
import { isConditionFailed } from "./errors.js";
import { readCutOff, strikeOut, writeDown, type Entry } from "./journal.js";
import type { Rows } from "./read.js";
import { readEpoch, readState } from "./registry.js";
import { encodeRow, metaKey, number, rowKey } from "./schema.js";

/** Rows of one write that are under way at a time. */
const WRITES_IN_FLIGHT_MAX = 16;
/** Keys of which the stamp in the table is remembered: those of two flushes. */
const KNOWN_KEYS_MAX = 2 * limits.FLUSH_ROWS_MAX;

const WINS = "attribute_not_exists(pk) OR #timestamp < :timestamp OR (#timestamp = :timestamp AND #replica < :replica)";

type Stamp = Pick<Row, "timestamp" | "replica">;

export class Writer {
  /** Per key, a stamp that the table has or has surpassed. */
  readonly #known = new Map<string, Stamp>();
  #last: Promise<void> = Promise.resolve();
  /** What was written down and is not struck out yet: an apply that failed waits for the one that repeats it. */
  readonly #entries = new Set<Entry>();

  /** One call after another, so that a repeated call finds what the one before it did. */
  async apply(rows: Rows, changes: readonly Row[], flushed: FlushedCounters, epoch?: number): Promise<void> {
    const before = this.#last;
    const done = (async () => {
      await before.catch(() => undefined);
      const current = epoch === undefined ? 0 : await readEpoch(rows);
      if (epoch !== undefined && current > epoch) throw fencedError(rows.name, current);
      const unknown = changes.filter((row) => !this.#isKnown(row));
      if (unknown.length > 0) this.#entries.add(await writeDown(rows, { rows: unknown, flushed, epoch }));
      await this.#write(rows, unknown, flushed);
    })();
    this.#last = done;
    await done;
  }

  /**
   * Completes what was cut off when its store ended. Rows that the counters have reached since are left alone: somebody else flushed them,
   * and what has followed may be gone again, such as a deletion. So is a batch of an earlier epoch, which no store takes any more.
   */
  async complete(rows: Rows): Promise<void> {
    const cutOffs = await readCutOff(rows);
    if (cutOffs.length === 0) return;
    const { registry, flushed } = await readState(rows);
    const reached = new Map(flushed);
    for (const cutOff of cutOffs) {
      if (cutOff.epoch !== undefined && (registry?.epoch ?? 0) > cutOff.epoch) {
        await strikeOut(rows, cutOff);
        continue;
      }
      this.#entries.add(cutOff);
      const missing = cutOff.rows.filter(({ replica, counter }) => counter > (reached.get(replica) ?? 0));
      await this.#write(rows, missing, cutOff.flushed);
    }
  }

  async #write(rows: Rows, changes: readonly Row[], flushed: FlushedCounters): Promise<void> {
    for (const write of writesOf(changes)) await this.#putAll(rows, write);
    await Promise.all(flushed.map(([replica, counter]) => raise(rows, replica, counter)));
    this.#strikeOut(rows, new Map(flushed));
  }

  /**
   * Every apply up to these counters is in the table, those that failed and were repeated included. Nobody waits for it: what is not
   * struck out is completed once more, which changes nothing.
   */
  #strikeOut(rows: Rows, reached: ReadonlyMap<number, number>): void {
    for (const entry of this.#entries) {
      if (!entry.flushed.every(([replica, counter]) => counter <= (reached.get(replica) ?? 0))) continue;
      this.#entries.delete(entry);
      void strikeOut(rows, entry).catch(() => void this.#entries.add(entry));
    }
  }

  async #putAll(rows: Rows, write: readonly Row[]): Promise<void> {
    for (let at = 0; at < write.length; at += WRITES_IN_FLIGHT_MAX)
      await Promise.all(write.slice(at, at + WRITES_IN_FLIGHT_MAX).map((row) => this.#put(rows, row)));
  }

  async #put({ caller, table, prefix, shards }: Rows, row: Row): Promise<void> {
    const command = new PutItemCommand({
      TableName: table,
      Item: { ...rowKey(prefix, row.key, shards), ...encodeRow(row, Date.now()) },
      ConditionExpression: WINS,
      ExpressionAttributeNames: { "#timestamp": "timestamp", "#replica": "replica" },
      ExpressionAttributeValues: { ":timestamp": number(row.timestamp), ":replica": number(row.replica) },
    });
    await unlessConditionFails(caller.send(command));
    this.#remember(row);
  }

  #isKnown({ key, timestamp, replica }: Row): boolean {
    const known = this.#known.get(key);
    return known !== undefined && (known.timestamp > timestamp || (known.timestamp === timestamp && known.replica >= replica));
  }

  #remember({ key, timestamp, replica }: Row): void {
    // Away and in again: the map is in the order of writing, and the oldest go first.
    this.#known.delete(key);
    this.#known.set(key, { timestamp, replica });
    if (this.#known.size <= KNOWN_KEYS_MAX) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }
}

/** The rows by write, in the order given. */
function* writesOf(rows: readonly Row[]): Generator<Row[]> {
  let write: Row[] = [];
  for (const row of rows) {
    if (write.length > 0 && (row.replica !== write[0].replica || row.counter !== write[0].counter)) {
      yield write;
      write = [];
    }
    write.push(row);
  }
  if (write.length > 0) yield write;
}

async function raise({ caller, table, prefix }: Rows, replica: number, counter: number): Promise<void> {
  const command = new UpdateItemCommand({
    TableName: table,
    Key: metaKey(prefix, `flushed#${replica}`),
    UpdateExpression: "SET #counter = :counter",
    ConditionExpression: "attribute_not_exists(#counter) OR #counter < :counter",
    ExpressionAttributeNames: { "#counter": "counter" },
    ExpressionAttributeValues: { ":counter": number(counter) },
  });
  await unlessConditionFails(caller.send(command));
}

/** A condition that does not hold means that what stands there wins. */
async function unlessConditionFails(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isConditionFailed(error)) throw error;
  }
}
