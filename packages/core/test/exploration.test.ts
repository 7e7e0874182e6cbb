// Every interleaving of a small mesh, and that a rule which is taken away is found by it. `npm run explore` plays larger ones.

import { describe, expect, it } from "vitest";
import { explore } from "../src/testing/explore.js";
import { ExploredSimulation } from "../src/testing/explored-simulation.js";
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
    expect(states).toBeGreaterThan(80);
    expect(transitions).toBeGreaterThan(states);
  });

  it("of a transaction that reads and commits at two nodes while both keys are written keeps all promises", async () => {
    const { mesh: transacting } = SMALL_MESHES.find(({ mesh: { programs } }) => programs.flat().some((step) => "transact" in step))!;
    const { states, transitions, ends, depth, isComplete, violations } = await explore(transacting, settle);
    console.log(`${states} states, ${transitions} events, ${ends} ends, up to ${depth} events deep`);
    expect(violations).toEqual([]);
    expect(isComplete).toBe(true);
    expect(states).toBeGreaterThan(2_000);
  });

  it("finds a rule that is taken away, and tells the way there", async () => {
    const mutation = MUTATIONS.find(({ name }) => name === "dv-is-r")!;
    const { violations } = await explore(mesh, settle, { mutation });
    expect(violations.map(({ rule }) => rule)).toContain("invariant I3");
    expect(violations[0].way.length).toBeGreaterThan(2);
  });

  it("says that it may have missed some where events have no name", () => {
    const simulation = new ExploredSimulation(settle);
    simulation.schedule(
      1,
      () => undefined,
      () => "a message",
    );
    simulation.schedule(0, () => undefined);
    expect(simulation.hasNameless).toBe(false);
    simulation.schedule(1, () => undefined);
    expect(simulation.hasNameless).toBe(true);
  });

  it("is given up where a mesh is not small", async () => {
    const { states, isComplete, violations } = await explore(mesh, settle, { statesMax: 20 });
    expect({ isComplete, violations }).toEqual({ isComplete: false, violations: [] });
    // The way that reaches the bound is played to its end.
    expect(states).toBeGreaterThanOrEqual(20);
    expect(states).toBeLessThan(100);
  });
});
