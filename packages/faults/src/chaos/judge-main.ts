// A thread that judges one round, so that the proxies of the run's own process pass everything on meanwhile.

import { appendFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import type { Durability } from "@causalmesh/core";
import type { HistoryFileLine } from "@causalmesh/core/testing";
import { replay, type Note } from "../notes.js";
import { Recording, type StoreCut } from "../recording.js";
import { tally } from "./figures.js";

export interface Evidence {
  readonly prefix: string;
  readonly keys: number;
  readonly notes: readonly Note[];
  /** What the store held meanwhile, and at the end. */
  readonly cuts: readonly StoreCut[];
  readonly last: StoreCut;
  /** What each node showed at rest: values of all keys. */
  readonly samples: readonly (readonly [node: string, values: readonly unknown[]])[];
  /** What the mesh has kept of those that left. */
  readonly finals: readonly (readonly [replica: number, final: number])[];
  readonly survivors: readonly Durability[];
  readonly failures: readonly string[];
  /** A file that the history of the round is added to, with the number of the round in the names of its sessions. */
  readonly historyFile: string | undefined;
  readonly round: number;
}

const { prefix, keys, notes, cuts, last, samples, finals, survivors, failures, historyFile, round } = workerData as Evidence;
const recording = replay(notes, (nowMs) => new Recording(prefix, keys, nowMs));
for (const cut of cuts) recording.stored(cut);
for (const [node, values] of samples) recording.sample(node, values);
recording.kept(finals);
for (const failure of failures) recording.fail(failure);
const violations = recording.violations(last, survivors);
if (historyFile !== undefined) appendFileSync(historyFile, recording.lines().map(ofRound).join(""));
const { writes, lost } = recording.history;
parentPort!.postMessage({ violations, writes: writes.length, lost: tally(lost.map(({ durability }) => durability!)) });

/** Rounds are judged apart, since each has keys of its own; so their sessions have nothing to do with each other either. */
function ofRound(line: HistoryFileLine): string {
  const named = (session: string): string => `${round}/${session}`;
  const names = "from" in line ? { from: line.from.map(named) } : { txn: named(String(line.txn)) };
  return `${JSON.stringify({ ...line, session: named(line.session), ...names })}\n`;
}
