// The picture of a mesh at a glance, as lines of text for a window of so many columns: what it does, whether it is well, and the ring with who sends to whom.

import type { MemberStatus } from "@causalmesh/core";
import type { ClusterStatus } from "../cluster-table.js";
import { newest } from "../cluster/members.js";
import type { Printer, Style } from "../printer.js";
import { formatBytes, formatTable, visibleWidth, type Align } from "../table.js";
import { formatMs } from "../words.js";
import { operations, sum, type Rates } from "./rates.js";

export interface Picture {
  readonly status: ClusterStatus;
  readonly rates: ReadonlyMap<number, Rates>;
  /** Operations per second of the mesh, the newest last. */
  readonly history: readonly number[];
  /** The time of day, as it is shown. */
  readonly time: string;
  /** Why there is no newer picture, where nobody has answered since. */
  readonly problem?: string;
}

/** From here on a lag is worth a look, and a worry. */
const LAG_MS = { look: 1_000, worry: 5_000 };
const SPARKS = "▁▂▃▄▅▆▇█";

export function frame(picture: Picture, columns: number, printer: Printer): string[] {
  const width = Math.min(columns, 160);
  const lines = [headLine(picture, width, printer), ...totalLines(picture, width, printer), "", ...ringLines(picture, width, printer)];
  const { problem } = picture;
  if (problem !== undefined) lines.push("", printer.style("red", ` no answer: ${problem}`));
  return lines;
}

/** One line for a log: where nothing can be drawn. */
export function summary({ status, rates, time }: Picture): string {
  const total = sum(rates.values());
  const { members } = status;
  const parts = [
    time,
    `epoch ${status.epoch}`,
    `${members.filter(({ state }) => state === "serving").length} of ${places(status)} serve`,
    `${counted(rates, operations(total))} ops/s`,
    `hits ${formatShare(total.hits, total.reads)}`,
    `errors ${counted(rates, total.errors)}/s`,
    `lag ${formatMs(worst(members, "visibilityLagMs"))}`,
    `pending ${all(members, "pending")}`,
    `flush lag ${formatMs(worst(members, "flushLagMs"))}`,
    `memory ${formatBytes(memory(members))}`,
    `store ${members.some(({ storeFailing }) => storeFailing) ? "FAILING" : "ok"}`,
    ...(status.unreachable.length === 0 ? [] : [`unreachable ${status.unreachable.join(",")}`]),
  ];
  return parts.join("  ");
}

function headLine({ status, time }: Picture, width: number, printer: Printer): string {
  const serving = status.members.filter(({ state }) => state === "serving").length;
  const count = places(status);
  const isFailing = status.members.some(({ storeFailing }) => storeFailing);
  const left = [
    printer.style("bold", ` epoch ${status.epoch}`),
    printer.style(serving === count ? "green" : "red", `${serving} of ${count} serve`),
    isFailing ? printer.style("red", "the store fails") : printer.style("green", "store ok"),
  ].join("   ");
  return spread(left, printer.style("dim", time), width);
}

function totalLines({ status, rates, history }: Picture, width: number, printer: Printer): string[] {
  const total = sum(rates.values());
  const { members } = status;
  const figure = (value: string, name: string, style?: Style): string =>
    `${style === undefined ? printer.style("bold", value) : printer.style(style, value)} ${printer.style("dim", name)}`;
  const lag = worst(members, "visibilityLagMs");
  const flushLag = worst(members, "flushLagMs");
  const activity = [
    figure(counted(rates, operations(total)), "ops/s"),
    figure(counted(rates, total.reads), "reads/s"),
    figure(counted(rates, total.writes), "writes/s"),
    figure(formatShare(total.hits, total.reads), "hits"),
    figure(counted(rates, total.errors), "errors/s", total.errors > 0 ? "red" : undefined),
  ];
  const health = [
    figure(formatMs(lag), "lag", lagStyle(lag)),
    figure(String(all(members, "pending")), "pending"),
    figure(formatMs(flushLag), "flush lag", lagStyle(flushLag)),
    figure(formatBytes(memory(members)), "memory"),
  ];
  const spark = printer.style("cyan", sparkline(history, Math.max(10, Math.min(width - 30, 60))));
  const top = history.length === 0 ? "" : printer.style("dim", ` ops/s, at most ${formatCount(Math.max(...history))}`);
  return ["", ` ${activity.join("   ")}`, ` ${health.join("   ")}`, "", ` ${spark}${top}`];
}

/** One row for each place of the ring, in its order: each sends to the next, the last to the first. */
function ringLines({ status, rates }: Picture, width: number, printer: Printer): string[] {
  const { ring } = newest(status);
  const answering = new Map(status.members.map((member) => [member.replica, member]));
  const rows = ring.map(({ replica, address }, index) => {
    const member = answering.get(replica);
    const isUp = member?.linked ?? false;
    return {
      gutter: gutter(index, ring.length, isUp, printer),
      cells: (column: Column) => (member === undefined ? absent(column, replica, address, printer) : column.cell(member, rates.get(replica), printer)),
    };
  });
  const others = status.members.filter(({ replica }) => !ring.some((one) => one.replica === replica));
  for (const member of others) rows.push({ gutter: "   ", cells: (column) => column.cell(member, rates.get(member.replica), printer) });
  const fitting = columnsWithin(width - 4, (column) => Math.max(column.title.length, ...rows.map(({ cells }) => visibleWidth(cells(column)))));
  const table = formatTable(
    [["   ", ...fitting.map(({ title }) => printer.style("dim", title))], ...rows.map((row) => [row.gutter, ...fitting.map((column) => row.cells(column))])],
    ["left", ...fitting.map(({ align }) => align)],
  );
  return table.split("\n").map((line) => ` ${line}`);
}

interface Column {
  readonly title: string;
  readonly align: Align;
  /** Those with a greater number go first where the window is narrow. */
  readonly rank: number;
  cell(member: MemberStatus, rates: Rates | undefined, printer: Printer): string;
}

const rated = (rates: Rates | undefined, of: (rates: Rates) => string): string => (rates === undefined ? "-" : of(rates));
const lagCell = (ms: number, printer: Printer): string => {
  const style = lagStyle(ms);
  return style === undefined ? formatMs(ms) : printer.style(style, formatMs(ms));
};
const STATE_STYLES: Readonly<Record<MemberStatus["state"], Style>> = { serving: "green", joining: "yellow", leaving: "yellow" };

const COLUMNS: readonly Column[] = [
  { title: "node", align: "left", rank: 0, cell: ({ address }) => address },
  { title: "#", align: "right", rank: 7, cell: ({ replica }) => String(replica) },
  { title: "state", align: "left", rank: 0, cell: ({ state }, _rates, printer) => printer.style(STATE_STYLES[state], state) },
  { title: "ops/s", align: "right", rank: 1, cell: (_member, rates) => rated(rates, (of) => formatCount(operations(of))) },
  { title: "reads/s", align: "right", rank: 9, cell: (_member, rates) => rated(rates, (of) => formatCount(of.reads)) },
  { title: "writes/s", align: "right", rank: 9, cell: (_member, rates) => rated(rates, (of) => formatCount(of.writes)) },
  { title: "hits", align: "right", rank: 5, cell: (_member, rates) => rated(rates, (of) => formatShare(of.hits, of.reads)) },
  { title: "lag", align: "right", rank: 2, cell: ({ visibilityLagMs }, _rates, printer) => lagCell(visibilityLagMs, printer) },
  { title: "pending", align: "right", rank: 4, cell: ({ pending }) => formatCount(pending) },
  { title: "flush lag", align: "right", rank: 2, cell: ({ flushLagMs }, _rates, printer) => lagCell(flushLagMs, printer) },
  { title: "log", align: "right", rank: 10, cell: ({ logBytes }) => formatBytes(logBytes) },
  { title: "cache", align: "right", rank: 3, cell: ({ cacheBytes }) => formatBytes(cacheBytes) },
  { title: "full", align: "right", rank: 6, cell: ({ cacheBytes, cacheBytesMax }) => percent(cacheBytes, cacheBytesMax) },
  { title: "link/s", align: "right", rank: 11, cell: (_member, rates) => rated(rates, ({ linkBytes }) => formatBytes(Math.round(linkBytes))) },
  {
    title: "errors/s",
    align: "right",
    rank: 8,
    cell: (_member, rates, printer) => rated(rates, ({ errors }) => (errors > 0 ? printer.style("red", formatCount(errors)) : "0")),
  },
  { title: "version", align: "left", rank: 12, cell: ({ version }) => version },
];

/** As many columns as fit, the most important ones first, in their own order. */
function columnsWithin(width: number, widthOf: (column: Column) => number): readonly Column[] {
  const chosen = new Set<Column>();
  let taken = 0;
  for (const column of [...COLUMNS].sort((a, b) => a.rank - b.rank)) {
    const needed = widthOf(column) + 2;
    if (chosen.size > 0 && taken + needed > width) continue;
    chosen.add(column);
    taken += needed;
  }
  return COLUMNS.filter((column) => chosen.has(column));
}

function absent({ title }: Column, replica: number, address: string, printer: Printer): string {
  if (title === "node") return address;
  if (title === "#") return String(replica);
  return title === "state" ? printer.style("red", "no answer") : "";
}

/** The ring as a line down the left side; it is broken where the link to the next member is down. */
function gutter(index: number, length: number, isUp: boolean, printer: Printer): string {
  if (length === 1) return "  ●";
  const line = index === 0 ? "╭▸●" : index === length - 1 ? "╰─●" : "│ ●";
  return isUp ? printer.style("cyan", line) : printer.style("red", `${line.slice(0, 2)}✕`);
}

/** A dash before the second look, when nothing is known yet. */
function counted(rates: ReadonlyMap<number, Rates>, value: number): string {
  return rates.size === 0 ? "-" : formatCount(value);
}

function places(status: ClusterStatus): number {
  return Math.max(newest(status).ring.length, status.members.length);
}

function worst(members: readonly MemberStatus[], name: "visibilityLagMs" | "flushLagMs"): number {
  return Math.max(0, ...members.map((member) => member[name]));
}

function all(members: readonly MemberStatus[], name: "pending"): number {
  return members.reduce((total, member) => total + member[name], 0);
}

/** What the mesh's own data takes: caches and logs. */
function memory(members: readonly MemberStatus[]): number {
  return members.reduce((total, { cacheBytes, logBytes }) => total + cacheBytes + logBytes, 0);
}

function lagStyle(ms: number): Style | undefined {
  return ms >= LAG_MS.worry ? "red" : ms >= LAG_MS.look ? "yellow" : undefined;
}

function spread(left: string, right: string, width: number): string {
  return left + " ".repeat(Math.max(1, width - visibleWidth(left) - visibleWidth(right) - 1)) + right;
}

/** `0`, `7.5`, `950`, `1.2k`, `123k`, `4.5M`. */
export function formatCount(value: number): string {
  const rounded = (scaled: number): string =>
    scaled < 99.95 && scaled !== Math.round(scaled) ? scaled.toFixed(1).replace(/\.0$/, "") : String(Math.round(scaled));
  if (value < 10) return rounded(value);
  if (value < 1_000) return String(Math.round(value));
  return value < 999_500 ? `${rounded(value / 1_000)}k` : `${rounded(value / 1_000_000)}M`;
}

function formatShare(part: number, whole: number): string {
  return whole === 0 ? "-" : `${((100 * part) / whole).toFixed(1)}%`;
}

function percent(part: number, whole: number): string {
  return whole === 0 ? "-" : `${Math.round((100 * part) / whole)}%`;
}

/** The newest values, as many as there is room for, against the greatest of them. */
export function sparkline(values: readonly number[], room: number): string {
  const shown = values.slice(-room);
  const top = Math.max(1e-9, ...shown);
  return shown.map((value) => SPARKS[Math.min(SPARKS.length - 1, Math.floor((value / top) * SPARKS.length))]).join("");
}
