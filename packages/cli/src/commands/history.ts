// `causalmesh history check` and `history export`: a recorded history, judged, or in the format of another checker. Asks no node.

import { createReadStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import {
  checkHistory,
  CRITERIA,
  EXPORT_FORMATS,
  exportHistory,
  readHistory,
  storyOf,
  storyPicture,
  storyText,
  type ExportFormat,
  type History,
  type Story,
  type Verdict,
} from "@causalmesh/checker";
import { MeshError } from "@causalmesh/core";
import { createContext } from "../command-context.js";
import { EXIT } from "../exit-codes.js";
import type { Printer } from "../printer.js";
import type { GlobalFlags } from "../settings.js";
import { formatTable } from "../table.js";
import type { Terminal } from "../terminal.js";
import { count } from "../words.js";

const READ_BYTES = 1024 * 1024;
const WRITE_CHARACTERS = 64 * 1024;

export interface CheckFlags extends GlobalFlags {
  readonly pictures?: string;
}

export async function historyCheck(file: string, flags: CheckFlags, terminal: Terminal): Promise<number> {
  const { printer } = await createContext(flags, terminal);
  const verdict = checkHistory(await historyIn(file, terminal));
  const stories = verdict.counterexamples.map(storyOf);
  const pictures = flags.pictures === undefined ? [] : await draw(stories, resolve(terminal.cwd, flags.pictures));
  const { counterexamples: _, ...rest } = verdict;
  printer.result({ ...rest, counterexamples: stories, ...(flags.pictures === undefined ? {} : { pictures }) }, () => verdictText(verdict, stories, printer));
  for (const picture of pictures) printer.note(`picture: ${picture}`);
  return verdict.ok ? EXIT.ok : EXIT.failed;
}

function verdictText({ holds, transactions, operations, sessions, keys }: Verdict, stories: readonly Story[], printer: Printer): string {
  const counts = [count(transactions, "transaction"), count(operations, "operation"), count(sessions, "session"), count(keys, "key")].join(", ");
  const rows = CRITERIA.map((criterion) => {
    const holdsIt = holds[criterion];
    const said = holdsIt === undefined ? printer.style("yellow", "cannot be told") : holdsIt ? printer.style("green", "holds") : printer.style("red", "broken");
    return [criterion, said];
  });
  return [counts, formatTable(rows, ["left", "left"]), ...stories.map((story) => `\n${storyText(story)}`)].join("\n");
}

/** Leaves a picture of each story in the folder, and returns where. */
async function draw(stories: readonly Story[], folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  return await Promise.all(
    stories.map(async (story, index) => {
      const path = join(folder, `${index + 1}-${story.anomaly.replaceAll(" ", "-")}.svg`);
      await writeFile(path, storyPicture(story));
      return path;
    }),
  );
}

export interface ExportFlags extends GlobalFlags {
  readonly format?: string;
}

export async function historyExport(file: string, flags: ExportFlags, terminal: Terminal): Promise<number> {
  const format = EXPORT_FORMATS.find((one) => one === flags.format);
  if (format === undefined) throw new MeshError("OPTION_INVALID", `--format takes ${EXPORT_FORMATS.join(" or ")}, not ${JSON.stringify(flags.format)}`);
  write(await historyIn(file, terminal), format, terminal);
  return EXIT.ok;
}

function write(history: History, format: ExportFormat, { stdout }: Terminal): void {
  let text = "";
  for (const line of exportHistory(history, format)) {
    text += line;
    if (text.length < WRITE_CHARACTERS) continue;
    stdout.write(text);
    text = "";
  }
  stdout.write(text);
}

async function historyIn(file: string, terminal: Terminal): Promise<History> {
  const path = resolve(terminal.cwd, file);
  try {
    return await readHistory(file === "-" ? terminal.stdin : createReadStream(path, { highWaterMark: READ_BYTES }));
  } catch (error) {
    if (error instanceof MeshError || (error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new MeshError("OPTION_INVALID", `${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
