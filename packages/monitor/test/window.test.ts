// No false alarm by construction: whatever part of a legal history the monitor is given, in windows of any size, it finds nothing in it. And what is wrong within a window is found.

import { checkHistory, HistoryBuilder, type HistoryLine } from "@causalmesh/checker";
import { legalHistory } from "@causalmesh/checker/testing";
import { SeededRandom } from "@causalmesh/core/testing";
import { expect, it } from "vitest";
import { Monitor } from "../src/index.js";
import { seedOf, watch } from "./support.js";

const HISTORIES = 150;
const seed = seedOf();

function drawn(random: SeededRandom): HistoryLine[] {
  return [
    ...legalHistory({
      random: () => random.next(),
      transactions: random.int(50, 600),
      sessions: random.int(2, 20),
      keys: random.int(1, 12),
      replicas: random.int(1, 5),
      operationsMax: random.int(1, 4),
      writeShare: random.between(0.2, 0.8),
      roamChance: random.next(),
      forkChance: random.chance(0.5) ? 0 : random.between(0, 0.3),
    }),
  ];
}

/** Some of the sessions, and of those some of the lines, as of calls that were left out. */
function partOf(lines: readonly HistoryLine[], random: SeededRandom): HistoryLine[] {
  const sample = random.between(0.1, 1);
  const kept = random.chance(0.5) ? 1 : random.between(0.5, 1);
  const isSampled = new Map<string, boolean>();
  return lines.filter((line) => {
    if (!("session" in line)) return false;
    if (!isSampled.has(line.session)) isSampled.set(line.session, random.chance(sample));
    return isSampled.get(line.session) === true && random.chance(kept);
  });
}

it(`finds nothing in parts of ${HISTORIES} legal histories (seed ${seed})`, () => {
  for (let index = 0; index < HISTORIES; index++) {
    const random = new SeededRandom(seed + index);
    const { monitor, findings } = watch({ windowOperations: random.int(100, 800), nothingVanishes: random.chance(0.5) });
    for (const line of partOf(drawn(random), random)) {
      monitor.add(line);
      if (random.chance(0.01)) monitor.judge();
    }
    monitor.judge();
    expect(findings, `seed ${seed + index}`).toEqual([]);
  }
});

const FORGETS: readonly HistoryLine[] = [
  { session: "ann", ops: [["w", "k", "1:1"]] },
  { session: "ann", ops: [["w", "k", "1:2"]] },
  { session: "token x", from: ["ann"] },
  { session: "ann there", from: ["token x"] },
  { session: "ann there", ops: [["r", "k", "1:1"]] },
];

it("finds what is wrong, once, with the lines in which the checker finds it again", () => {
  const { monitor, findings } = watch();
  for (const line of FORGETS) monitor.add(line);
  monitor.judge();
  monitor.judge();
  expect(findings.map(({ story }) => story.anomaly)).toEqual(["read your writes"]);
  expect(monitor.numbers).toEqual({ judged: 3, dropped: 0, kept: 0, windows: 1, violations: { "read your writes": 1 } });
  const builder = new HistoryBuilder();
  for (const line of findings[0].lines) builder.add(line);
  expect(checkHistory(builder.build()).holds["read your writes"]).toBe(false);
});

it("finds what is wrong with writes that nobody has written down", () => {
  const { monitor, findings } = watch();
  for (const version of ["1:1", "2:1", "1:1"]) monitor.add({ session: "ann", ops: [["r", "k", version]] });
  monitor.judge();
  expect(findings.map(({ story }) => story.anomaly)).toEqual(["conflicting orders"]);
});

it("concludes nothing from a token that nobody has written down, nor from a read of nothing unless nothing vanishes", () => {
  const lines: HistoryLine[] = [...FORGETS.slice(0, 2), ...FORGETS.slice(3), { session: "ann", ops: [["r", "k", null]] }];
  const [usual, strict] = [watch(), watch({ nothingVanishes: true })];
  for (const { monitor } of [usual, strict]) {
    for (const line of lines) monitor.add(line);
    monitor.judge();
  }
  expect(usual.findings).toEqual([]);
  expect(strict.findings.map(({ story }) => story.anomaly)).toEqual(["read your writes"]);
});

it("keeps no more than it may of lines in which nothing happens", () => {
  const { monitor } = watch({ windowOperations: 100 });
  for (let index = 0; index < 1_000; index++) {
    monitor.add({ session: `s${index + 1}`, from: [`s${index}`] });
    expect(monitor.numbers.kept).toBeLessThanOrEqual(100);
  }
});

it("drops lines that are longer than the window takes, and refuses what is no line or no window", () => {
  const { monitor } = watch({ windowOperations: 100 });
  monitor.add({ session: "ann", ops: Array.from({ length: 51 }, (_, index) => ["r", `k${index}`, "1:1"]) });
  expect(monitor.numbers).toMatchObject({ kept: 0, dropped: 51 });
  expect(() => monitor.add({ session: 1 })).toThrow(expect.objectContaining({ code: "VALUE_INVALID" }));
  expect(() => new Monitor({ windowOperations: 99, onFinding: () => undefined })).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
});
