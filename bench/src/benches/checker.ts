// A million operations judged: the time and the memory that the checker of histories takes, for few long sessions, for many short ones, and for a history in which something is wrong.

import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { legalHistory, type LegalHistoryOptions } from "@causalmesh/checker/testing";
import { SeededRandom } from "@causalmesh/core/testing";
import { alternated, type Bench, type BenchOptions, type Report } from "../bench.js";
import type { HistoryJudge, Judged } from "../processes/history-judge.js";
import { median, round, spread } from "../statistics.js";

const OPERATIONS = 1_000_000;
const QUICK_OPERATIONS = 20_000;
const SEED = 42;
const CHARACTERS_AT_ONCE = 1_000_000;
const COMMON = { keys: 10_000, replicas: 5, operationsMax: 1, writeShare: 0.3 } as const;

interface Subject {
  readonly name: string;
  readonly options: Partial<LegalHistoryOptions> & { readonly sessions: number };
  /** Whether a read that is no longer allowed stands at its end. */
  readonly isBroken?: boolean;
}

const SUBJECTS: readonly Subject[] = [
  { name: "100 sessions", options: { sessions: 100 } },
  { name: "a transaction of up to 9 operations each", options: { sessions: 100, operationsMax: 9 } },
  { name: "short sessions, 100 at once, a tenth of all operations a fork or join", options: { sessions: 100, forkChance: 0.1 } },
  { name: "100 sessions, one stale read", options: { sessions: 100 }, isBroken: true },
];

async function write(file: string, { options, isBroken = false }: Subject, operations: number): Promise<void> {
  const random = new SeededRandom(SEED);
  const out = createWriteStream(file);
  let text = "";
  let left = operations;
  for (const line of legalHistory({ ...COMMON, ...options, random: () => random.next(), transactions: operations })) {
    if ("ops" in line) left -= line.ops.length;
    text += `${JSON.stringify(line)}\n`;
    if (text.length > CHARACTERS_AT_ONCE) {
      if (!out.write(text)) await once(out, "drain");
      text = "";
    }
    if (left <= 0) break;
  }
  const stale = [["w", 1] as const, ["w", 2] as const, ["r", 1] as const].map(([kind, value]) => ({ session: "s0", ops: [[kind, "stale", value]] }));
  out.end(text + (isBroken ? stale.map((line) => `${JSON.stringify(line)}\n`).join("") : ""));
  await once(out, "close");
}

async function run({ crew, quick, repetitions, progress }: BenchOptions): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), "causalmesh-bench-"));
  try {
    const subjects = SUBJECTS.map((subject, index) => ({ ...subject, file: join(folder, `${index}.jsonl`), judged: [] as Judged[] }));
    for (const subject of subjects) {
      progress(`writing: ${subject.name}`);
      await write(subject.file, subject, quick ? QUICK_OPERATIONS : OPERATIONS);
    }
    for (let repetition = 0; repetition < repetitions; repetition++) {
      progress(`repetition ${repetition + 1} of ${repetitions}`);
      for (const { file, name, isBroken = false, judged } of alternated(subjects, repetition)) {
        const judge = crew.start<HistoryJudge>("history-judge", { file });
        const one = await judge.call("judge");
        await judge.end();
        if (one.broken > 0 !== isBroken) throw new Error(`${name}: ${one.broken} counterexamples`);
        judged.push(one);
      }
    }
    return report(subjects);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function report(subjects: readonly (Subject & { readonly judged: readonly Judged[] })[]): Report {
  const secondsOf = (judged: readonly Judged[]): number[] => judged.map(({ ms }) => ms / 1000);
  const gibOf = (judged: readonly Judged[]): number[] => judged.map(({ peakBytes }) => peakBytes / 1024 ** 3);
  return {
    aims: subjects.flatMap(({ name, judged }) => [
      { name: `${name}: time`, value: round(median(secondsOf(judged))), unit: "s", at: "below", aim: 10 } as const,
      { name: `${name}: memory at most`, value: round(Math.max(...gibOf(judged))), unit: "GiB", at: "below", aim: 1 } as const,
    ]),
    figures: Object.fromEntries(
      subjects.map(({ name, judged }) => [
        name,
        {
          operations: judged[0].operations,
          sessions: judged[0].sessions,
          seconds: spread(secondsOf(judged)),
          "processor seconds": spread(judged.map(({ cpuMs }) => cpuMs / 1000)),
          "GiB at most": spread(gibOf(judged)),
        },
      ]),
    ),
    notes: [
      "From the first byte of the file to the verdict, in a process of its own; peak of its resident set, the runtime with it. Keys: 10 000. Three transactions in ten write.",
      "The histories are those of a causally consistent store of five replicas; the last one ends with a session that reads what it has overwritten, and the time has the counterexample in it.",
    ],
  };
}

export const checker: Bench = { run };
