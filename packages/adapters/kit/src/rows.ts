// Rows, as every store has to treat them.

import type { Row } from "@causalmesh/core";

/** Whether `row` replaces `present`: by timestamp, then by replica. */
export function wins(row: Pick<Row, "timestamp" | "replica">, present: Pick<Row, "timestamp" | "replica">): boolean {
  return row.timestamp > present.timestamp || (row.timestamp === present.timestamp && row.replica > present.replica);
}

/** Bytes of its own, field by field: what else a caller's object carries is neither kept nor given out. */
export function copyRow({ key, value, timestamp, replica, counter, expiresAt }: Row): Row {
  // Not `slice`: on a Buffer that is a view of the same bytes.
  return { key, value: value === null ? null : new Uint8Array(value), timestamp, replica, counter, expiresAt };
}

/** What one statement, item or request takes of rows, or of what stands for them. */
export interface PartBounds<Value = Row> {
  readonly rowsMax: number;
  readonly bytesMax: number;
  /** By default those of its value. */
  readonly bytesOf?: (row: Value) => number;
}

/** The rows in their order, in parts within the bounds; a row that is too large is a part alone. One empty part where there are none. */
export function partsOf<Value = Row>(rows: readonly Value[], { rowsMax, bytesMax, bytesOf = valueBytes }: PartBounds<Value>): Value[][] {
  const parts: Value[][] = [[]];
  let bytes = 0;
  for (const row of rows) {
    const part = parts[parts.length - 1];
    const rowBytes = bytesOf(row);
    if (part.length > 0 && (part.length === rowsMax || bytes + rowBytes > bytesMax)) {
      parts.push([row]);
      bytes = rowBytes;
    } else {
      part.push(row);
      bytes += rowBytes;
    }
  }
  return parts;
}

function valueBytes(row: unknown): number {
  return (row as Row).value?.length ?? 0;
}
