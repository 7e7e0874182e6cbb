// A fixed share of the simulator, and every mutation: the rules of the protocol are each necessary, and the checkers see it.

import { describe, expect, it } from "vitest";
import { MUTATIONS, runSeed } from "../src/testing/index.js";

const settle = () => new Promise<void>((resolve) => process.nextTick(resolve));
const SEEDS = 200;
/** Seeds within which each mutation is found; the least likely one takes a thousand. */
const MUTATION_SEEDS_MAX = 2_000;

describe("the simulator", () => {
  it("gives the same run for the same seed", async () => {
    const [first, again] = [await runSeed(11, { settle, traced: true }), await runSeed(11, { settle, traced: true })];
    expect(first.trace.length).toBeGreaterThan(50);
    expect(again.trace).toEqual(first.trace);
  });

  it(`finds nothing in seeds 1 to ${SEEDS}`, async () => {
    let evictions = 0;
    let breaks = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const result = await runSeed(seed, { settle });
      expect(result.violations, `seed ${seed} with ${JSON.stringify(result.options)}`).toEqual([]);
      evictions += result.evictions;
      breaks += result.breaks;
    }
    // Runs without trouble would prove little.
    expect(evictions).toBeGreaterThan(1_000);
    expect(breaks).toBeGreaterThan(100);
  }, 60_000);

  it.each(MUTATIONS.map((mutation) => [mutation.name, mutation] as const))(
    "finds that a rule is gone: %s",
    async (_, mutation) => {
      for (let seed = 1; seed <= MUTATION_SEEDS_MAX; seed++) {
        const { violations } = await runSeed(seed, { settle, mutation });
        if (violations.length === 0) continue;
        console.log(`${mutation.rule}: found by ${[...new Set(violations.map(({ rule }) => rule))].join(", ")} at seed ${seed}`);
        return;
      }
      expect.fail(`${mutation.name} was not found in ${MUTATION_SEEDS_MAX} seeds`);
    },
    240_000,
  );
});
