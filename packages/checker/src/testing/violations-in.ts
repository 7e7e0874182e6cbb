// What a run of the simulator or of chaos takes from the checker: its findings in the form of theirs.

import { checkHistory } from "../check.js";
import { checkLine, HEADER } from "../format.js";
import { HistoryBuilder } from "../history.js";
import { storyOf } from "../story.js";

/** A finding: what is broken, by name, and how it shows. */
export interface FoundViolation {
  readonly rule: string;
  readonly message: string;
  /** None: they are named in the message. */
  readonly operations: readonly number[];
}

/** Judges lines of a history. Throws `VALUE_INVALID` where they are none. */
export function violationsIn(lines: Iterable<unknown>): FoundViolation[] {
  const builder = new HistoryBuilder();
  for (const line of lines) builder.add(checkLine(line, builder.lines + 1));
  return checkHistory(builder.build()).counterexamples.map((counterexample) => {
    const { anomaly, scenes, reasons } = storyOf(counterexample);
    const shown = scenes.map(({ name, session, operations }) => `${name} ${session} ${operations.map(({ text }) => text).join(", ")}`);
    return { rule: `checker: ${anomaly}`, message: `${shown.join("; ")}: ${reasons.join("; ")}`, operations: [] };
  });
}

/** The lines as a file has them, behind its head. */
export function historyText(lines: Iterable<unknown>): string {
  return [HEADER, ...lines].map((line) => `${JSON.stringify(line)}\n`).join("");
}
