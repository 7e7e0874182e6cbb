// Histories of lines, judged.

import { checkHistory, checkLine, HistoryBuilder, type History, type HistoryLine, type Verdict } from "../src/index.js";

export function historyOf(lines: readonly HistoryLine[]): History {
  const builder = new HistoryBuilder();
  lines.forEach((line, index) => builder.add(checkLine(line, index + 1)));
  return builder.build();
}

export function verdictOf(lines: readonly HistoryLine[]): Verdict {
  return checkHistory(historyOf(lines));
}

export function textOf(lines: readonly HistoryLine[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** The seed of a test's random numbers: from the environment, or drawn and printed. */
export function seedOf(): number {
  const seed = Number(process.env.CAUSALMESH_CHECKER_SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`CAUSALMESH_CHECKER_SEED=${seed}`);
  return seed;
}
