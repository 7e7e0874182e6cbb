// Writes what a run has found: JSON, tables and plots into its folder, and from there into the document.

import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withResults } from "./document.js";
import { plots } from "./plots.js";
import { isBusy, type Results } from "./results.js";
import { sections } from "./tables.js";
import { targetsTable } from "./targets.js";

const RESULTS = "results.json";

/** Writes a run's folder. */
export function writeResults(folder: string, results: Results): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, RESULTS), `${JSON.stringify(results, undefined, 1)}\n`);
  const made = plots(results);
  for (const [name, svg] of made) writeFileSync(join(folder, name), svg);
  writeFileSync(join(folder, "results.md"), `${markdown(results, "", [...made.keys()])}\n`);
}

export function hasResults(folder: string): boolean {
  return existsSync(join(folder, RESULTS));
}

/** What a run has left in its folder. */
export function readResults(folder: string): Results {
  return JSON.parse(readFileSync(join(folder, RESULTS), "utf8")) as Results;
}

/** Puts the newest results of the folder into the document, and their plots beside it. Returns which results. */
export function writeDocument(resultsFolder: string, document: string, plotsFolder: string): string {
  const newest = existsSync(resultsFolder)
    ? readdirSync(resultsFolder)
        .sort()
        .reverse()
        .find((name) => hasResults(join(resultsFolder, name)))
    : undefined;
  if (newest === undefined) throw new Error(`there are no results in ${resultsFolder}: make some with npm run evaluate`);
  const folder = join(resultsFolder, newest);
  const results = readResults(folder);
  const made = plots(results);
  mkdirSync(plotsFolder, { recursive: true });
  for (const [name, svg] of made) {
    writeFileSync(join(folder, name), svg);
    copyFileSync(join(folder, name), join(plotsFolder, name));
  }
  writeFileSync(document, withResults(readFileSync(document, "utf8"), markdown(results, "evaluation/", [...made.keys()])));
  return newest;
}

function markdown(results: Results, plotsPath: string, names: readonly string[]): string {
  const images = names.map((name) => `![${name.replace(".svg", "")}](${plotsPath}${name})`);
  return [header(results), targetsTable(results), ...sections(results), "### plots", ...images].join("\n\n");
}

function header(results: Results): string {
  const { date, command, settings, machine, seconds } = results;
  const { cpu, cores, memoryBytes, node, system, busyBefore } = machine;
  const busy = isBusy(results)
    ? ` **The machine was busy with other work** (${Math.round(busyBefore * 100)} % of its processors before anything was started): the figures show that the evaluation works, and no more.`
    : "";
  return [
    `\`${command}\` on ${date.slice(0, 16).replace("T", " ")} UTC, in ${Math.round(seconds / 60)} minutes: ${settings.repetitions} repetition${settings.repetitions === 1 ? "" : "s"} of ${settings.durationMs / 1000} s per step.`,
    ` ${cpu}, ${cores} cores, ${Math.round(memoryBytes / 2 ** 30)} GiB, ${system}, Node.js ${node}.${busy}`,
    settings.quick ? " A quick run: it shows shapes." : "",
  ].join("");
}
