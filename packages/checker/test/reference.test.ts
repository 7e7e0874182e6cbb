// The checker and the reference agree on thousands of small histories. CAUSALMESH_CHECKER_SEED takes a seed back.

import { describe, expect, it } from "vitest";
import { judge } from "../src/judge.js";
import { int, randomFrom, randomLines } from "./random-lines.js";
import { reference } from "./reference.js";
import { historyOf, seedOf, textOf } from "./support.js";

const COMPARISONS = 20_000;
const seed = seedOf();

describe("the checker", () => {
  it(`agrees with the reference on ${COMPARISONS} random histories (seed ${seed})`, () => {
    const counts: Record<string, number> = {};
    for (let index = 0; index < COMPARISONS; index++) {
      const random = randomFrom(seed + index);
      const lines = randomLines(random, 1 + int(random, 5));
      const expected = reference(lines);
      const { holds } = judge(historyOf(lines));
      for (const [criterion, holdsIt] of Object.entries(expected)) {
        if (holdsIt === false) counts[criterion] = (counts[criterion] ?? 0) + 1;
        if (holds[criterion as keyof typeof holds] !== holdsIt)
          expect.fail(`seed ${seed + index}: ${criterion} is ${holds[criterion as keyof typeof holds]}, by definition ${holdsIt}:\n${textOf(lines)}`);
      }
    }
    // It compares nothing where nothing is wrong, or everything.
    for (const criterion of ["read committed", "read atomic", "causal", "read your writes", "monotonic reads", "monotonic writes", "writes follow reads"]) {
      expect(counts[criterion], criterion).toBeGreaterThan(COMPARISONS / 500);
      expect(counts[criterion], criterion).toBeLessThan(COMPARISONS * 0.9);
    }
  });
});
