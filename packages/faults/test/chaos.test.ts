// A mesh of node processes under load from several programs, to which things are done: what sessions were told holds, nothing is lost that its level keeps, and the mesh gets over it. For
// minutes and from any seed: `npm run chaos`.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkHistory, readHistory } from "@causalmesh/checker";
import { expect, it, onTestFinished } from "vitest";
import { chaosRun, openDatabase, seedFrom, type ChaosRound, type Fault } from "../dist/index.js";

const fault = (kind: Fault["kind"], options: Partial<Fault> = {}): Fault => ({ kind, afterMs: 0, forMs: 500, lateMs: 50, draw: 0.5, ...options });

/** A round for each of these lists. */
async function play(seed: number, store: string, ...rounds: readonly (readonly Fault[])[]): Promise<readonly ChaosRound[]> {
  const database = await openDatabase(store, { own: true });
  const folder = mkdtempSync(join(tmpdir(), "causalmesh-chaos-"));
  onTestFinished(async () => {
    rmSync(folder, { recursive: true, force: true });
    await database.remove();
  });
  const history = join(folder, "history.jsonl");
  const run = await chaosRun({ database, seed, nodes: 3, forMs: Infinity, rounds: rounds.length, history, faults: (round) => rounds[round - 1] });
  await expectTheSame(run.rounds, history);
  return run.rounds;
}

/** The file has all that the rounds wrote, and whoever judges it alone finds it right. */
async function expectTheSame(rounds: readonly ChaosRound[], file: string): Promise<void> {
  const history = await readHistory([readFileSync(file)]);
  expect([...history.operations.kind].filter((kind) => kind !== 0).length).toBeGreaterThanOrEqual(
    rounds.reduce((sum, { writes }) => sum + writes, 0) - rounds.length,
  );
  expect(checkHistory(history)).toMatchObject({ ok: true, counterexamples: [] });
}

/** There was something to judge, nothing was wrong, and everything was done that was to be. */
function expectWell(rounds: readonly ChaosRound[], faults: number): void {
  expect(rounds.filter(({ violations }) => violations.length > 0)).toEqual([]);
  expect(rounds.flatMap((round) => round.faults)).toHaveLength(faults);
  for (const { answered, writes } of rounds) {
    expect(answered).toBeGreaterThan(100);
    expect(writes).toBeGreaterThan(50);
  }
}

it("a node is killed; then one is stopped for longer than the time of suspicion while another is killed and the store is away", async () => {
  const seed = seedFrom("chaos");
  const storm = [fault("pause", { forMs: 6_000 }), fault("outage", { afterMs: 500, forMs: 1_000 }), fault("kill", { afterMs: 2_000, forMs: 0 })];
  const rounds = await play(seed, "redis:", [fault("kill")], storm);
  expectWell(rounds, 4);
  // Its clients were served again by the others.
  expect(rounds[0].kills).toHaveLength(1);
  expect(rounds[0].kills[0].writesAgainMs).toBeLessThan(Infinity);
}, 120_000);

it("every node in turn is told to stop and started again: no call fails, and nothing is lost", async () => {
  const seed = seedFrom("a rolling restart");
  const [round] = await play(seed, "postgres:", [fault("roll")]);
  expectWell([round], 1);
  expect({ lost: round.lost, probesFailed: round.probesFailed }).toEqual({ lost: {}, probesFailed: {} });
}, 120_000);
