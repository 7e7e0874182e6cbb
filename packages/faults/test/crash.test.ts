// A whole mesh ends at once, as by a power cut, or one of its nodes, and then the others in order: what the store holds is a causal cut with everything that was acknowledged at
// a level that outlives this, the next mesh serves it, and no session is ever shown less than it had seen. Hundreds of rounds: `npm run crash`.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
// The node's program stands beside the built library.
import { crashRounds, DATABASES, openDatabase, seedFrom, type Database } from "../dist/index.js";

const ROUNDS = 10;

describe.each(DATABASES)("a mesh on %s is killed", (kind) => {
  let database: Database;
  beforeAll(async () => void (database = await openDatabase(kind)));
  afterAll(async () => await database.remove());

  it(`${ROUNDS} times at random moments, all of it or one node`, async () => {
    const seed = seedFrom(`crashes on ${kind}`);
    const { rounds, disturbed } = await crashRounds({ url: database.url, rounds: ROUNDS, seed });
    expect(rounds.filter(({ violations }) => violations.length > 0)).toEqual([]);
    expect(disturbed).toEqual([]);
    // The rounds were not idle: there is something to judge, and sessions that went on.
    const sum = (name: "answered" | "rows" | "cuts" | "tokens"): number => rounds.reduce((total, round) => total + round[name], 0);
    expect(sum("answered")).toBeGreaterThan(ROUNDS);
    expect(sum("rows")).toBeGreaterThan(ROUNDS);
    expect(sum("cuts")).toBeGreaterThanOrEqual(ROUNDS * 2);
    expect(sum("tokens")).toBeGreaterThan(0);
  }, 240_000);
});
