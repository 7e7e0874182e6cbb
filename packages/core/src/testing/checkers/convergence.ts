// Convergence: nodes at equal cuts show equal values (I5); at rest all nodes and the store show the same value of every key,
// and it is one that nobody has overwritten.

import { mayReadAsAbsent, type Causality } from "../causality.js";
import { beats, type History, type Observation, type Sample } from "../history.js";
import type { Violation } from "./violation.js";

const RULE = "convergence";

export function checkConvergence(history: History, truth: Causality): Violation[] {
  const finals = history.samples.filter(({ final }) => final);
  return [
    ...samplesAtEqualCuts(history),
    ...differences(finals),
    ...finals.slice(0, 1).flatMap((sample) => wrongWinners(history, truth, sample)),
    ...storeDiffers(history, finals),
  ];
}

function samplesAtEqualCuts(history: History): Violation[] {
  const byCut = new Map<string, Sample[]>();
  for (const sample of history.samples) byCut.set(sample.cut, [...(byCut.get(sample.cut) ?? []), sample]);
  return [...byCut.values()].flatMap(differences);
}

/** Where samples that should be alike are not: each against the first. */
function differences(samples: readonly Sample[]): Violation[] {
  const violations: Violation[] = [];
  for (const sample of samples.slice(1)) {
    for (const observation of sample.observed) {
      const reference = samples[0].observed.find(({ key }) => key === observation.key);
      if (reference === undefined || same(reference, observation)) continue;
      const message = `at the cut ${sample.cut} ${sample.node} shows ${describe(observation)}, ${samples[0].node} at ${samples[0].cut} shows ${describe(reference)}`;
      violations.push({ rule: RULE, message, operations: [] });
    }
  }
  return violations;
}

/** What is shown at rest must be neither overwritten nor the loser, and nothing that was acknowledged may be missing. */
function wrongWinners(history: History, truth: Causality, { node, observed }: Sample): Violation[] {
  const violations: Violation[] = [];
  for (const observation of observed) {
    const acknowledged = truth.writesTo(observation.key).filter((id) => history.writes[id].outcome === "done");
    const better = acknowledged.find((id) => mustWin(history, truth, id, observation));
    if (better === undefined) continue;
    const message = `at rest ${node} shows ${describe(observation)}, though write ${better} must win over it`;
    violations.push({ rule: RULE, message, operations: [history.writes[better].operation] });
  }
  return violations;
}

function mustWin(history: History, truth: Causality, candidate: number, { key, write: shown }: Observation): boolean {
  // Absent, and nothing says by which write: wrong only where no write may have made it so.
  if (shown === undefined) return !truth.writesTo(key).some((id) => mayReadAsAbsent(history.writes[id], Infinity));
  if (candidate === shown) return false;
  const stamp = history.writes[candidate].stamp;
  const shownStamp = history.writes[shown].stamp;
  return truth.precedes(shown, candidate) || (stamp !== undefined && shownStamp !== undefined && beats(stamp, shownStamp));
}

function storeDiffers(history: History, finals: readonly Sample[]): Violation[] {
  const last = history.storeStates.at(-1);
  if (last === undefined || finals.length === 0) return [];
  const violations: Violation[] = [];
  for (const observation of finals[0].observed) {
    const row = last.rows.find(({ key }) => key === observation.key);
    if (agrees(history, row?.write, observation)) continue;
    const message = `at rest ${finals[0].node} shows ${describe(observation)}, the store has ${row === undefined ? "no row" : `write ${row.write}`}`;
    violations.push({ rule: RULE, message, operations: [] });
  }
  return violations;
}

function agrees(history: History, stored: number | undefined, { write, absent }: Observation): boolean {
  if (write !== undefined || stored === undefined) return write === stored;
  return absent && mayReadAsAbsent(history.writes[stored], Infinity);
}

function same(a: Observation, b: Observation): boolean {
  return a.absent === b.absent && (a.write === b.write || (a.absent && (a.write === undefined || b.write === undefined)));
}

function describe({ key, write, absent }: Observation): string {
  return `${key} ${write === undefined ? "absent" : `as write ${write}${absent ? " (absent)" : ""}`}`;
}
