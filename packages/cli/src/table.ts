// Plain tables for people: columns aligned, two spaces apart, no lines, so that they can be cut and searched.

export type Align = "left" | "right";

/** `rows` include the head. Cells may hold colour codes, which take no width. */
export function formatTable(rows: readonly (readonly string[])[], aligns: readonly Align[]): string {
  const widths = aligns.map((_, column) => Math.max(...rows.map((row) => visibleWidth(row[column] ?? ""))));
  const lines = rows.map((row) =>
    aligns
      .map((align, column) => pad(row[column] ?? "", widths[column], align))
      .join("  ")
      .trimEnd(),
  );
  return lines.join("\n");
}

function pad(cell: string, width: number, align: Align): string {
  const space = " ".repeat(width - visibleWidth(cell));
  return align === "left" ? cell + space : space + cell;
}

/** The width of a text on a terminal, where colour codes take none. */
export function visibleWidth(text: string): number {
  return text.replace(/\u001B\[\d+m/g, "").length;
}

/** The lines that a window of so many columns and rows shows whole: each is cut to the width, and the last one says how many are hidden. */
export function fitLines(lines: readonly string[], columns: number, rows: number): string[] {
  const shown = lines.length <= rows ? lines : lines.slice(0, Math.max(0, rows - 1));
  const hidden = lines.length - shown.length;
  const note = hidden === 0 ? [] : [`… ${hidden} more ${hidden === 1 ? "line" : "lines"}: the window is too small`];
  return [...shown, ...note].map((line) => cutLine(line, columns));
}

/** The colour codes after the cut are kept: they are what ends the colour before it. */
function cutLine(line: string, columns: number): string {
  if (visibleWidth(line) <= columns) return line;
  let room = columns - 1;
  return line.replace(/(\u001B\[\d+m)|./gsu, (character, code?: string) => {
    if (code !== undefined) return code;
    room -= 1;
    return room >= 0 ? character : room === -1 ? "…" : "";
  });
}

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${BYTE_UNITS[unit]}`;
}
