// Histories of a store that is causally consistent by construction: no false alarm; and with each anomaly planted in them at random: no miss.

import { describe, expect, it } from "vitest";
import type { OperationLine, SessionLine, TransactionLine } from "../src/index.js";
import { legalHistory } from "../src/testing/index.js";
import { EXAMPLES, type Example } from "./anomalies.js";
import { int, pick, randomFrom, type Random } from "./random-lines.js";
import { seedOf, textOf, verdictOf } from "./support.js";

const HISTORIES = 150;
const PLANTED = 20;

function drawn(random: Random): (TransactionLine | SessionLine)[] {
  return [
    ...legalHistory({
      random,
      transactions: 50 + int(random, 400),
      sessions: 2 + int(random, 20),
      keys: 1 + int(random, 30),
      replicas: 1 + int(random, 5),
      operationsMax: 1 + int(random, 6),
      writeShare: 0.2 + random() * 0.6,
      roamChance: random(),
      forkChance: random() < 0.5 ? 0 : random() * 0.3,
      stamps: random() < 0.5,
    }),
  ];
}

/** Puts the lines of the example in between, in their order: with keys of their own, and in sessions of their own or in those that there are. */
function planted(random: Random, lines: readonly (TransactionLine | SessionLine)[], example: Example, isApart: boolean): (TransactionLine | SessionLine)[] {
  const places = example.lines.map(() => int(random, lines.length + 1)).sort((a, b) => a - b);
  const names = new Map<string, string>();
  const result: (TransactionLine | SessionLine)[] = [];
  const known: string[] = [];
  const nameOf = (session: string): string => {
    const taken = new Set(names.values());
    const free = known.filter((one) => !taken.has(one));
    if (!names.has(session)) names.set(session, isApart || free.length === 0 ? `planted ${session}` : pick(random, free));
    return names.get(session)!;
  };
  const plant = (line: TransactionLine | SessionLine): void => {
    if ("from" in line) {
      names.set(line.session, `planted ${line.session}`);
      result.push({ session: nameOf(line.session), from: line.from.map(nameOf) });
    } else
      result.push({
        ...line,
        session: nameOf(line.session),
        txn: "planted",
        ops: line.ops.map(([kind, key, value]) => [kind, `planted ${key}`, value] as OperationLine),
      });
  };
  for (let index = 0; index <= lines.length; index++) {
    places.forEach((place, at) => place === index && plant(example.lines[at]));
    if (index === lines.length) break;
    result.push(lines[index]);
    if (!known.includes(lines[index].session)) known.push(lines[index].session);
  }
  return result;
}

describe("histories of a causally consistent store", () => {
  const seed = seedOf();

  it(`are found right, ${HISTORIES} of them (seed ${seed})`, () => {
    for (let index = 0; index < HISTORIES; index++) {
      const lines = drawn(randomFrom(seed + index));
      const { ok, counterexamples } = verdictOf(lines);
      if (!ok) expect.fail(`seed ${seed + index}: ${counterexamples[0].anomaly} in\n${textOf(lines)}`);
    }
  });

  it.each(EXAMPLES)(`are found wrong with $anomaly planted in them ($what; seed ${seed})`, (example) => {
    for (let index = 0; index < PLANTED; index++) {
      const random = randomFrom(seed + index);
      // Ranks of the example would have to fit those of the history.
      const lines = drawn(random).map((line) => (example.anomaly === "arbitration violation" && "stamp" in line ? { ...line, stamp: undefined } : line));
      const isApart = index % 2 === 0;
      const { holds, counterexamples } = verdictOf(planted(random, lines, example, isApart));
      const names = counterexamples.map(({ anomaly }) => anomaly);
      for (const criterion of example.breaks) expect(holds[criterion], `seed ${seed + index}: ${criterion}, ${names.join()}`).not.toBe(true);
      // In sessions that there are, more follows what there is, and other guarantees may be broken as well.
      if (isApart) expect(names, `seed ${seed + index}`).toEqual([example.anomaly]);
    }
  });
});
