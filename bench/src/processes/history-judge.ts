// A process that judges a history out of a file as `causalmesh history check` does, and says what that took.

import { createReadStream } from "node:fs";
import { checkHistory, readHistory } from "@causalmesh/checker";
import { argument, cpuMicros, serve } from "../serve.js";

const READ_BYTES = 1024 * 1024;

export interface Judged {
  readonly operations: number;
  readonly sessions: number;
  readonly broken: number;
  /** From the first byte of the file to the verdict. */
  readonly ms: number;
  readonly cpuMs: number;
  /** The most that this process has held in memory, the runtime with it. */
  readonly peakBytes: number;
}

const { file } = argument<{ file: string }>();

const commands = {
  judge: async (): Promise<Judged> => {
    const beginMs = performance.now();
    const beginCpu = cpuMicros();
    const verdict = checkHistory(await readHistory(createReadStream(file, { highWaterMark: READ_BYTES })));
    const ms = performance.now() - beginMs;
    const { operations, sessions, counterexamples } = verdict;
    const peakBytes = process.resourceUsage().maxRSS * 1024;
    return { operations, sessions, broken: counterexamples.length, ms, cpuMs: (cpuMicros() - beginCpu) / 1000, peakBytes };
  },
};
export type HistoryJudge = typeof commands;
serve(commands);
