// A report as text for people, or as the one line that programs read.

import { cpus } from "node:os";
import { isMet, type Aim, type Report } from "./bench.js";
import { round, type Spread } from "./statistics.js";

export interface Printed extends Report {
  readonly bench: string;
  readonly quick: boolean;
  readonly repetitions: number;
}

export function jsonLine({ bench, quick, repetitions, ratios, aims, figures, notes }: Printed): string {
  const judged = aims.map((aim) => ({ ...aim, met: isMet(aim) }));
  return JSON.stringify({ bench, ratios, aims: judged, figures, notes, quick, repetitions, machine: machine() });
}

function machine(): Record<string, unknown> {
  const cores = cpus();
  return { node: process.version, platform: `${process.platform} ${process.arch}`, cpu: cores[0]?.model.trim(), cores: cores.length };
}

export function text(printed: Printed): string {
  const { bench, quick, repetitions, aims, figures, notes } = printed;
  const title = `${bench}: medians of ${repetitions} repetitions, spread in brackets${quick ? " (quick: the figures say nothing)" : ""}`;
  const figureRows = Object.entries(figures).flatMap(([name, figure]) => rows(name, figure));
  return [title, "", ...table(figureRows), "", ...table(aims.map(aimRow)), "", ...notes.map((note) => `- ${note}`), ""].join("\n");
}

function aimRow(aim: Aim): string[] {
  const sign = { least: "≥", most: "≤", below: "<" }[aim.at];
  return [aim.name, `${aim.value} ${aim.unit}`, `aim ${sign} ${aim.aim}`, verdict(aim)];
}

function verdict(aim: Aim): string {
  if (isMet(aim)) return "met";
  return Number.isFinite(aim.value) ? `missed by ${round(Math.abs(aim.value / aim.aim - 1) * 100)} %` : "not measured";
}

/** One row per name; what is nested below stands beside it, or in rows of its own where that is nested again. */
function rows(name: string, figure: unknown): string[][] {
  if (typeof figure !== "object" || figure === null) return [[name, String(figure)]];
  if (isSpread(figure)) return [[name, spreadText(figure)]];
  const entries = Object.entries(figure);
  if (entries.every(([, value]) => typeof value !== "object" || isSpread(value))) {
    return [[name, ...entries.map(([label, value]) => `${label} ${isSpread(value) ? spreadText(value) : String(value)}`)]];
  }
  return entries.flatMap(([label, value]) => rows(`${name}: ${label}`, value));
}

function isSpread(figure: unknown): figure is Spread {
  return typeof figure === "object" && figure !== null && "median" in figure;
}

function spreadText({ median, min, max }: Spread): string {
  return `${median} [${min} to ${max}]`;
}

function table(lines: readonly string[][]): string[] {
  const columns = Math.max(0, ...lines.map((line) => line.length));
  const widths = Array.from({ length: columns }, (_, column) => Math.max(...lines.map((line) => (line[column] ?? "").length)));
  return lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column]))
      .join("  ")
      .trimEnd(),
  );
}
