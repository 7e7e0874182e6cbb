// A thread that judges one round, so that the proxies of the run's own process pass everything on meanwhile.

import { parentPort, workerData } from "node:worker_threads";
import type { Durability } from "@causalmesh/core";
import { replay, type Note } from "../notes.js";
import { Recording, type StoreCut } from "../recording.js";

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
}

const { prefix, keys, notes, cuts, last, samples, finals, survivors, failures } = workerData as Evidence;
const recording = replay(notes, (nowMs) => new Recording(prefix, keys, nowMs));
for (const cut of cuts) recording.stored(cut);
for (const [node, values] of samples) recording.sample(node, values);
recording.kept(finals);
for (const failure of failures) recording.fail(failure);
const violations = recording.violations(last, survivors);
parentPort!.postMessage({ violations, writes: recording.history.writes.length, lost: recording.history.lost.length });
