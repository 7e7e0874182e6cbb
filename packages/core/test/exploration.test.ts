// Every interleaving of a small mesh, and that a rule which is taken away is found by it. `npm run explore` plays larger ones.

import { describe, expect, it } from "vitest";
import { explore } from "../src/testing/explore.js";
import { MUTATIONS } from "../src/testing/mutations.js";
import { SMALL_MESHES } from "../src/testing/small-meshes.js";

const settle = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));
const [{ mesh }] = SMALL_MESHES;

describe("every interleaving", () => {
  it("of a session that reads at one node what it wrote at another keeps all promises", async () => {
    const { states, transitions, ends, depth, isComplete, violations } = await explore(mesh, settle);
    console.log(`${states} states, ${transitions} events, ${ends} ends, up to ${depth} events deep`);
    expect(violations).toEqual([]);
    expect(isComplete).toBe(true);
    expect(states).toBeGreaterThan(50);
    expect(transitions).toBeGreaterThan(states);
  });

  it("finds a rule that is taken away, and tells the way there", async () => {
    const mutation = MUTATIONS.find(({ name }) => name === "dv-is-r")!;
    const { violations } = await explore(mesh, settle, { mutation });
    expect(violations.map(({ rule }) => rule)).toContain("invariant I3");
    expect(violations[0].way.length).toBeGreaterThan(2);
  });

  it("is given up where a mesh is not small", async () => {
    const { states, isComplete, violations } = await explore(mesh, settle, { statesMax: 20 });
    expect({ isComplete, violations }).toEqual({ isComplete: false, violations: [] });
    // The way that reaches the bound is played to its end.
    expect(states).toBeGreaterThanOrEqual(20);
    expect(states).toBeLessThan(100);
  });
});
