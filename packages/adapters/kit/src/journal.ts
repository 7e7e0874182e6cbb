// How a store keeps its promises on a database that writes no whole batch at once (`atomicApply` is false): a batch goes together with the head where
// it can, and is otherwise written down first, so that one that was cut off can be completed by somebody else.
//
// Rows are written in any order, as a batch as given has none: it holds the newest write of each key, so that an early row may follow what comes later. What
// must not be seen is part of a batch, and that is kept from those who would take it for the whole:
//   - another node of the mesh judges a row by its dot: it shows what the row follows as well, which is in its log until this batch is
//     flushed, or says that it is behind;
//   - a mesh that begins later begins with the registry, and whoever reads or swaps that completes first what the head names;
//   - a process that ends in the middle leaves the batch under its name in the head, and so for the next one to complete.
// Nothing is lost by completing a batch twice, or while it is still under way elsewhere, since rows keep winners and counters only rise.
//
// The rows of a batch stand on sheets under its name; only when all of them are there, the name goes into the head's `applies`, under the fence of
// its epoch. From then on it will be done, whatever happens. So no batch begins under an epoch that is over, and no epoch ends before the batches
// that have begun under it are done.

import { randomUUID } from "node:crypto";
import { fencedError, limits, MeshError, type FlushedCounters, type RegistryRecord, type RegistryState, type Row, type Store } from "@causalmesh/core";
import pMap from "p-map";
import { joined } from "./counters.js";
import type { Head, JournalDatabase } from "./journal-database.js";
import { withRetries } from "./retries.js";
import { copyRow, partsOf } from "./rows.js";

interface Batch {
  readonly rows: readonly Row[];
  readonly flushed: FlushedCounters;
}

/** Where there is none yet. */
const NO_HEAD: Head = { version: 0, epoch: 0, view: undefined, applies: [], flushed: [] };

type OnPut = (rows: readonly Row[]) => void;

/** Somebody else has changed the head since it was read. */
class OvertakenError extends MeshError {}

const tryAgain = async <Result>(work: () => Promise<Result>): Promise<Result> => await withRetries(work, (error) => error instanceof OvertakenError);

/**
 * What a store writes and what it tells of the registry, with the promises of `Store`. One for each store; those of several stores, in any processes,
 * share a database. Rejects with what the database rejects with, with NODE_BEHIND, or with STORE_UNAVAILABLE where others are always faster.
 */
export class Journal implements Pick<Store, "apply" | "readRegistry" | "swapRegistry"> {
  readonly #database: JournalDatabase;
  /** As it was last written here. */
  #head: Head | undefined;
  #applies = 0;
  #last: Promise<void> = Promise.resolve();
  /** The last batch failed, and may be named in the head: the next one goes on with it where it stopped. */
  #failed = false;
  /** Rows that are there since a batch last succeeded, by `stampOf`: who repeats one does not send them again. */
  readonly #there = new Set<string>();

  constructor(database: JournalDatabase) {
    this.#database = database;
  }

  /** After the one before it, so that a repeated apply finds what that did. */
  async apply(rows: readonly Row[], flushed: FlushedCounters, epoch?: number): Promise<void> {
    const apply = ++this.#applies;
    const deadline = performance.now() + limits.STORE_TIMEOUT_MS_DEFAULT;
    const onPut = (part: readonly Row[]): void => {
      for (const row of part) this.#there.add(stampOf(row));
      // The node has given up by then, and waits for its next call already: otherwise more and more would.
      if (this.#applies > apply && performance.now() > deadline)
        throw new MeshError("STORE_UNAVAILABLE", `${this.#database.name} takes a batch too slowly; give it more capacity`);
    };
    // What it is given is the caller's again when the promise settles, which may be before everything is sent.
    const batch = { rows: rows.map(copyRow), flushed: joined([], flushed) };
    const done = this.#last.then(async () => await this.#flush(batch, epoch, onPut));
    this.#last = done.catch(() => undefined);
    await done;
  }

  async #flush({ rows, flushed }: Batch, epoch: number | undefined, onPut: OnPut): Promise<void> {
    // No mesh's: there is nothing to count or to fence, and so no head that all who write would have to change.
    if (flushed.length === 0 && epoch === undefined) return await this.#putRows(rows);
    if (this.#failed) await this.#complete(await this.#readHead(), onPut);
    this.#failed = true;
    const left = this.#missing(rows);
    if (this.#goWithHead(left)) await this.#change((head) => ({ ...this.#fenced(head, epoch), flushed: joined(head.flushed, flushed) }), left);
    else await this.#carryOut(await this.#writeDown({ rows: left, flushed }, epoch), { rows: left, flushed }, onPut);
    this.#failed = false;
    this.#there.clear();
  }

  #goWithHead(rows: readonly Row[]): boolean {
    const bounds = this.#database.writeBounds;
    return rows.length === 0 || (bounds.headWithRows && partsOf(rows, bounds).length === 1);
  }

  /** Those that are not there yet, in any order, several writes at a time. When one fails, or `onPut` throws, no other one begins. */
  async #putRows(rows: readonly Row[], onPut?: OnPut): Promise<void> {
    const bounds = this.#database.writeBounds;
    const left = this.#missing(rows);
    if (left.length === 0) return;
    const putPart = async (part: readonly Row[]): Promise<void> => {
      await this.#database.write(part);
      onPut?.(part);
    };
    await pMap(partsOf(left, bounds), putPart, { concurrency: bounds.inFlightMax });
  }

  #missing(rows: readonly Row[]): readonly Row[] {
    return this.#there.size === 0 ? rows : rows.filter((row) => !this.#there.has(stampOf(row)));
  }

  /** Gives its name. Throws NODE_BEHIND where its epoch is over; nothing of it will be written then. */
  async #writeDown({ rows, flushed }: Batch, epoch: number | undefined): Promise<string> {
    const parts = partsOf(rows, this.#database.sheetBounds);
    const name = `${randomUUID()}#${parts.length}`;
    await Promise.all(sheetsOf(name).map(async (sheet, index) => await this.#database.writeSheet(sheet, { flushed, rows: parts[index] })));
    await this.#change((head) => ({ ...this.#fenced(head, epoch), applies: [...new Set([...head.applies, name])] }));
    return name;
  }

  /** Writes the rows of what has been written down, then strikes it out with its counters. */
  async #carryOut(name: string, { rows, flushed }: Batch, onPut?: OnPut): Promise<void> {
    await this.#putRows(rows, onPut);
    await this.#change((head) => ({ ...head, applies: head.applies.filter((other) => other !== name), flushed: joined(head.flushed, flushed) }));
    this.#remove(sheetsOf(name));
  }

  /**
   * Completes what is under way. Rows that the counters have reached since are left alone: somebody else flushed them, and what has followed
   * may be gone again, such as a deletion. A batch whose name is there without its sheets was done before.
   */
  async #complete({ applies, flushed }: Head, onPut?: OnPut): Promise<void> {
    const reached = new Map(flushed);
    for (const name of applies) {
      const names = sheetsOf(name);
      const found = await this.#database.readSheets(names);
      const sheets = found.length < names.length ? [] : found;
      const left = sheets.flatMap(({ rows = [] }) => rows).filter(({ replica, counter }) => counter > (reached.get(replica) ?? 0));
      await this.#carryOut(name, { rows: left, flushed: sheets[0]?.flushed ?? [] }, onPut);
    }
  }

  /** Completes what is under way before it tells the counters: so whatever row anybody has read before counts as flushed. */
  async readRegistry(): Promise<RegistryState> {
    return await tryAgain(async () => {
      const { registry, flushed } = await this.#settled();
      return { registry, flushed };
    });
  }

  async swapRegistry(expectedEpoch: number, next: RegistryRecord): Promise<boolean> {
    const { epoch } = next;
    const bytes = new Uint8Array(next.bytes);
    const view = randomUUID();
    return await tryAgain(async () => {
      const { head, flushed } = await this.#settled();
      // A client may send a request again whose answer was lost, and the second one finds what the first did.
      if (head.view === view) return true;
      if (head.epoch !== expectedEpoch) {
        this.#remove([viewSheet(view)]);
        return false;
      }
      if (head.applies.length > 0) throw this.#overtaken();
      await this.#database.writeSheet(viewSheet(view), { flushed, bytes });
      await this.#swap(head, { ...head, epoch, view, flushed: [] });
      if (head.view !== undefined) this.#remove([viewSheet(head.view)]);
      return true;
    });
  }

  /** The head when that is done which was under way, and what it says. The counters stand in two places: those of the view are as they were when it began. */
  async #settled(): Promise<RegistryState & { readonly head: Head }> {
    let head = await this.#readHead();
    if (head.applies.length > 0) {
      await this.#complete(head);
      head = await this.#readHead();
    }
    const { epoch, view } = head;
    if (view === undefined) return { head, registry: undefined, flushed: head.flushed };
    const [sheet] = await this.#database.readSheets([viewSheet(view)]);
    // Another view has taken its place.
    if (sheet === undefined) throw this.#overtaken();
    if (sheet.bytes === undefined) throw new MeshError("STORE_INVALID", `${this.#database.name}: the registry is damaged; restore the store from a copy`);
    return { head, registry: { epoch, bytes: sheet.bytes }, flushed: joined(sheet.flushed, head.flushed) };
  }

  async #readHead(): Promise<Head> {
    return (await this.#database.readHead()) ?? NO_HEAD;
  }

  /** An edit may happen twice, when an answer is lost, and has to change nothing then. */
  async #change(edit: (head: Head) => Head, rows: readonly Row[] = []): Promise<void> {
    await tryAgain(async () => {
      const before = this.#head ?? (await this.#readHead());
      await this.#swap(before, edit(before), rows);
    });
  }

  async #swap(before: Head, next: Head, rows: readonly Row[] = []): Promise<void> {
    const written = { ...next, version: before.version + 1 };
    this.#head = undefined;
    if (!(await this.#database.write(rows, written))) throw this.#overtaken();
    this.#head = written;
  }

  /** The head under which a batch of this epoch may be written. */
  #fenced(head: Head, epoch = head.epoch): Head {
    if (epoch < head.epoch) throw fencedError(this.#database.name, head.epoch);
    return head;
  }

  #overtaken(): OvertakenError {
    const what = "its head is changed by too many at once, or damaged; end those that are of no mesh";
    return new OvertakenError("STORE_UNAVAILABLE", `${this.#database.name}: ${what}`);
  }

  /** Nobody waits for it: what stays is in nobody's way. */
  #remove(sheets: readonly string[]): void {
    void this.#database.removeSheets(sheets).catch(() => undefined);
  }
}

const viewSheet = (view: string): string => `meta/view#${view}`;

/** A batch is called ID#SHEETS, so that whoever reads it knows whether all of them are there. */
function sheetsOf(name: string): string[] {
  const [id, sheets] = name.split("#");
  return Array.from({ length: Number(sheets) }, (_, sheet) => `journal#${id}/${sheet}`);
}

const stampOf = ({ timestamp, replica, key }: Row): string => `${timestamp} ${replica} ${key}`;
