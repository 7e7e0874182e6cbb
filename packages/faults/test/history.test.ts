// The histories of the simulator and of recordings, judged by the checker that knows nothing of the mesh: those that are right are found right, and a rule of the protocol that is taken
// away is found by it alone.

import { violationsIn } from "@causalmesh/checker/testing";
import { historyLines, MUTATIONS, runSeed } from "@causalmesh/core/testing";
import { describe, expect, it } from "vitest";
import { Recording } from "../src/recording.js";
import { seedFrom } from "../src/seed.js";

const SEEDS = 10;
/** Seeds within which the two rules that the mutation breaks are found broken. */
const MUTATED_SEEDS_MAX = 100;
const settle = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

describe("histories of the simulator", () => {
  const seed = seedFrom("histories of the simulator");

  it(`are found right (from seed ${seed})`, async () => {
    for (let one = seed; one < seed + SEEDS; one++) {
      const { history } = await runSeed(one, { settle });
      const lines = historyLines(history);
      expect(lines.length).toBeGreaterThan(10);
      expect(violationsIn(lines), `seed ${one}`).toEqual([]);
    }
  }, 120_000);

  it("are found wrong where a read returns the session's own version without looking", async () => {
    const mutation = MUTATIONS.find(({ name }) => name === "own-always");
    const wanted = ["checker: read your writes", "checker: arbitration violation"];
    const found = new Set<string>();
    for (let one = 1; one <= MUTATED_SEEDS_MAX && !wanted.every((rule) => found.has(rule)); one++) {
      const { history } = await runSeed(one, { settle, mutation });
      for (const { rule } of violationsIn(historyLines(history))) found.add(rule);
    }
    expect([...found]).toEqual(expect.arrayContaining(wanted));
  }, 120_000);
});

describe("a recording", () => {
  const recorded = (): { recording: Recording; session: string } => {
    const recording = new Recording("test ", 2);
    return { recording, session: recording.begin("a") };
  };
  const stamp = (counter: number) => ({ replica: 1, counter, timestamp: counter });

  it("has lines for what its sessions did, without those that only stand for what they were told", () => {
    const { recording, session } = recorded();
    const [key] = recording.keys;
    const write = recording.open(session, "n1", [key], "stored");
    recording.close(write, "done", stamp(1));
    recording.acknowledged(session, "stored");
    const branch = recording.begin("b", [session]);
    recording.read(branch, "n2", recording.keys, [[write.id], undefined]);
    const rows = [{ key, value: new TextEncoder().encode(`[${write.id}]`), timestamp: 1, replica: 1, counter: 1, expiresAt: 0 }];
    expect(recording.violations({ rows, flushed: [[1, 1]] })).toEqual([]);
    expect(recording.lines().map(({ session: one, ...line }) => [one, "from" in line ? line.from : line.ops])).toEqual([
      ["a#1", []],
      ["a#1", [["w", key, write.id]]],
      ["b#3", ["a#1"]],
      [
        "b#3",
        [
          ["r", key, write.id],
          ["r", recording.keys[1], null],
        ],
      ],
    ]);
  });

  it("is judged by both: what a session was told is wrong to each of them", () => {
    const { recording, session } = recorded();
    const [key] = recording.keys;
    const [first, second] = [recording.open(session, "n1", [key]), recording.open(session, "n1", [key])];
    recording.close(first, "done", stamp(1));
    recording.close(second, "done", stamp(2));
    recording.read(session, "n2", [key], [[first.id]]);
    const rules = recording.violations({ rows: [], flushed: [] }).map(({ rule }) => rule);
    expect(rules).toEqual(expect.arrayContaining(["read your writes", "checker: read your writes"]));
  });
});
