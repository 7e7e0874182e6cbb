// A database in memory that promises a journal what a real one does and no more, and that can be left in the middle of any step.

import type { Row } from "@causalmesh/core";
import { partsOf, wins, type Head, type JournalDatabase, type Sheet, type WriteBounds } from "../../src/index.js";

/** What several stores share. */
export class Items {
  head: Head | undefined;
  readonly rows = new Map<string, Row>();
  readonly sheets = new Map<string, Sheet>();
}

/** One item at a time, as without transactions; and four, the head among them. */
export const ALONE: WriteBounds = { rowsMax: 1, bytesMax: Infinity, headWithRows: false, inFlightMax: 2 };
export const TOGETHER: WriteBounds = { rowsMax: 3, bytesMax: Infinity, headWithRows: true, inFlightMax: 2 };

/** One store's way there. */
export class Way implements JournalDatabase {
  readonly name = "items";
  readonly sheetBounds = { rowsMax: 2, bytesMax: Infinity };
  readonly steps: string[] = [];
  /** Runs around what a step does; a step may fail before it has done anything, or when it is done. */
  around: (step: number, does: () => unknown) => Promise<unknown> = async (_, does) => does();

  constructor(
    readonly items: Items,
    readonly writeBounds: WriteBounds,
  ) {}

  async write(rows: readonly Row[], head?: Head): Promise<boolean> {
    const { headWithRows } = this.writeBounds;
    if (partsOf(rows, this.writeBounds).length > 1 || (head !== undefined && rows.length > 0 && !headWithRows)) throw new Error("more than one write takes");
    const what = [...rows.map(({ key }) => key), ...(head === undefined ? [] : [`head ${head.applies.length}`])];
    return await this.#step(`write ${what.join(" ")}`, () => {
      if (head !== undefined && (this.items.head?.version ?? 0) !== head.version - 1) return false;
      if (head !== undefined) this.items.head = head;
      for (const row of rows) {
        const present = this.items.rows.get(row.key);
        if (present === undefined || wins(row, present)) this.items.rows.set(row.key, row);
      }
      return true;
    });
  }

  async readHead(): Promise<Head | undefined> {
    return await this.#step("readHead", () => this.items.head);
  }

  async writeSheet(name: string, sheet: Sheet): Promise<void> {
    if (partsOf(sheet.rows ?? [], this.sheetBounds).length > 1) throw new Error("more than one sheet takes");
    await this.#step("writeSheet", () => void this.items.sheets.set(name, sheet));
  }

  async readSheets(names: readonly string[]): Promise<Sheet[]> {
    // In any order.
    return await this.#step("readSheets", () => names.flatMap((name) => this.items.sheets.get(name) ?? []).reverse());
  }

  async removeSheets(names: readonly string[]): Promise<void> {
    await this.#step("removeSheets", () => names.forEach((name) => this.items.sheets.delete(name)));
  }

  async #step<Result>(name: string, does: () => Result): Promise<Result> {
    return (await this.around(this.steps.push(name) - 1, does)) as Result;
  }
}
