// What a journal (journal.ts) asks of a database: one item that is changed by compare-and-swap, the head; rows, each of which is written unless a newer one stands
// there; and sheets, which are written once and removed.

import type { FlushedCounters, Row } from "@causalmesh/core";
import type { PartBounds } from "./rows.js";

/**
 * Changes with every batch and every view, and so one condition on it orders them all. It is small whatever the age of the mesh, since it is
 * written with each batch: the bytes of the view, and the counters as they were when that began, stand on a sheet.
 */
export interface Head {
  /** 1, 2, 3 … with each change. */
  readonly version: number;
  readonly epoch: number;
  /** The name of the view that is the registry; undefined where there is none. */
  readonly view: string | undefined;
  /** The names of the batches under way. */
  readonly applies: readonly string[];
  readonly flushed: FlushedCounters;
}

/** A view, or some rows of a batch. */
export interface Sheet {
  readonly flushed: FlushedCounters;
  /** Of a view. */
  readonly bytes?: Uint8Array;
  /** Of a batch. What was cut off before its name stood in the head is never removed: such a sheet may go by itself, after longer than any node is away. */
  readonly rows?: readonly Row[];
}

/** What one write takes. */
export interface WriteBounds extends PartBounds {
  /** Whether the head can be among rows. By itself it always can be written. */
  readonly headWithRows: boolean;
  readonly inFlightMax: number;
}

/** What is given belongs to the database. Each method rejects with what failed; the outcome of a write is then unknown, and it may be repeated. */
export interface JournalDatabase {
  /** The store's, for messages. */
  readonly name: string;
  readonly writeBounds: WriteBounds;
  /** What one sheet takes of rows. */
  readonly sheetBounds: PartBounds;
  /**
   * Writes at once each row unless one that wins over it is there, and the head if the one of the version before is still there; nothing where it is not. Answers whether it
   * was.
   */
  write(rows: readonly Row[], head?: Head): Promise<boolean>;
  /** With everything that was written with it: whoever has seen a row that was written with a head reads that head, or a later one. undefined where there is none. */
  readHead(): Promise<Head | undefined>;
  /** A name is `PILE/SHEET`; the sheets of one pile are read together. */
  writeSheet(name: string, sheet: Sheet): Promise<void>;
  /** Those that there are, in any order. */
  readSheets(names: readonly string[]): Promise<Sheet[]>;
  removeSheets(names: readonly string[]): Promise<void>;
}
