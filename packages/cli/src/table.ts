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

function visibleWidth(text: string): number {
  return text.replace(/\u001B\[\d+m/g, "").length;
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
