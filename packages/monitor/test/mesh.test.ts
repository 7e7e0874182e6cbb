// The claim of the package: a mesh of which one node has lost one rule of the protocol is found out by what sessions are told, within seconds of load, and a sound one is not.

import type { HistoryLine } from "@causalmesh/checker";
import { expect, it } from "vitest";
import { observed } from "../src/index.js";
import { KEYS, load, startMesh } from "./load.js";
import { seedOf, watch } from "./support.js";

const WITHIN_MS = 60_000;
const SOUND_MS = 2_500;
const WINDOW_OPERATIONS = 4_000;
const seed = seedOf();

it.each([
  { mutation: "last-arrival", behindMs: 0 },
  // A clock that needs no hearing is one that is ahead of all others.
  { mutation: "deaf-clock", behindMs: 500 },
])(`finds $mutation at one of three nodes (seed ${seed})`, async ({ mutation, behindMs }) => {
  const { monitor, findings } = watch({ windowOperations: WINDOW_OPERATIONS });
  const mesh = observed(await startMesh({ mutation, behindMs }), { sample: 1, report: (line) => monitor.add(line) });
  const end = performance.now() + WITHIN_MS / 2;
  await load(mesh, seed, () => findings.length > 0 || performance.now() > end);
  expect(findings.length).toBeGreaterThan(0);
  expect(findings[0].story.breaks).toContain("causal");
});

it.each([0, 1, 2])(`finds nothing at a sound mesh, and keeps no more than it may (seed ${seed} + %i)`, async (offset) => {
  const { monitor, findings } = watch({ windowOperations: WINDOW_OPERATIONS });
  let keptMax = 0;
  const report = (line: HistoryLine): void => {
    monitor.add(line);
    keptMax = Math.max(keptMax, monitor.numbers.kept);
  };
  // The clock of one node is behind in one of the runs, as it is for one that does not hear: that alone is nothing wrong.
  const mesh = observed(await startMesh({ behindMs: offset === 1 ? 500 : 0 }), { sample: offset === 2 ? 0.3 : 1, report });
  const end = performance.now() + SOUND_MS;
  await load(mesh, seed + offset, () => performance.now() > end && monitor.numbers.windows > 1);
  monitor.judge();
  expect(findings.map(({ story }) => story)).toEqual([]);
  expect(monitor.numbers.judged).toBeGreaterThan(WINDOW_OPERATIONS);
  expect(keptMax).toBeLessThanOrEqual(WINDOW_OPERATIONS);
});

it("shows neither keys nor values nor tokens", async () => {
  const lines: string[] = [];
  const mesh = observed(await startMesh(), { sample: 1, report: (line) => lines.push(JSON.stringify(line)) });
  await load(mesh, seed, () => lines.length > 500);
  const session = mesh.session();
  const token = await session.token();
  const text = lines.join("\n");
  for (const hidden of [...KEYS, "stock", "secret", "value", token]) expect(text).not.toContain(hidden);
});
