// What makes the load and judges it: intended beginnings, workflows that begin again, and verdicts.

import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { brokenWorkflows } from "../../src/evaluation/judge/anomalies.js";
import { judge } from "../../src/evaluation/judge/judge.js";
import { runWorkflow, Tally } from "../../src/evaluation/load/flow.js";
import { type Note, Notes, numbered } from "../../src/evaluation/load/notes.js";
import { openLoop } from "../../src/evaluation/load/open-loop.js";
import { Aborted, type SystemClient } from "../../src/evaluation/systems/system.js";
import { SYSTEMS } from "../../src/evaluation/systems/registry.js";
import { openWorkload } from "../../src/evaluation/workloads/workload.js";
import { seeded } from "../../src/zipf.js";

const CAUSAL = SYSTEMS.causalmesh.promise;
const SNAPSHOT = SYSTEMS.faastcc.promise;

describe("the open loop", () => {
  test("counts from the intended beginning: whoever comes while the system stands still waits", async () => {
    let isStuck = true;
    setTimeout(() => (isStuck = false), 200);
    const run = async (): Promise<void> => {
      while (isStuck) await pause(1);
    };
    const { latenciesMs, failed, unfinished } = await openLoop({ rate: 100, warmUpMs: 0, durationMs: 300, inFlightMax: 1_000 }, run, () => undefined);
    expect([latenciesMs.length, failed, unfinished]).toEqual([30, 0, 0]);
    // The first waits for nearly all of it, and those that come after it for the rest.
    expect(Math.max(...latenciesMs)).toBeGreaterThan(150);
    expect(latenciesMs.filter((ms) => ms > 50).length).toBeGreaterThan(10);
  });

  test("begins no more when too many have not ended, and says so", async () => {
    const { isOverloaded, latenciesMs } = await openLoop(
      { rate: 1_000, warmUpMs: 0, durationMs: 2_000, inFlightMax: 50 },
      () => pause(300),
      () => undefined,
    );
    expect(isOverloaded).toBe(true);
    expect(latenciesMs.length).toBeLessThan(200);
  });

  test("measures nothing of the warm-up, and counts what fails", async () => {
    let begun = 0;
    let atMeasuring = 0;
    const run = async (): Promise<void> => {
      if (++begun % 10 === 0) throw new Error("one in ten");
    };
    const result = await openLoop({ rate: 500, warmUpMs: 100, durationMs: 200, inFlightMax: 1_000 }, run, () => (atMeasuring = begun));
    expect(atMeasuring).toBe(50);
    expect(result.failed).toBe(15);
    expect(result.error).toContain("one in ten");
    expect(result.latenciesMs).toHaveLength(90);
  });
});

describe("a verdict", () => {
  const begin = (session: string, from: readonly string[] = []): Note => ({ what: "begin", session, from });
  const read = (session: string, key: string, number: number | undefined): Note => ({ what: "read", session, server: 0, keys: [key], numbers: [number] });
  const write = (session: string, key: string, number: number): Note[] => [
    { what: "write", session, server: 0, keys: [key], number },
    { what: "written", number },
  ];
  const end = (workflow: string): Note => ({ what: "end", workflow, aborted: false });

  test("is clean where everybody saw what they should", () => {
    const notes = [begin("a"), ...write("a", "x", 1), read("a", "x", 1), end("a"), begin("b"), read("b", "x", 0), read("b", "y", 0), end("b")];
    expect(judge(notes, CAUSAL)).toMatchObject({ workflows: 2, broken: [] });
    expect(brokenWorkflows(notes)).toBe(0);
  });

  test("finds a workflow that does not see its own write", () => {
    const notes = [begin("a"), ...write("a", "x", 1), read("a", "x", 0), end("a")];
    expect(judge(notes, CAUSAL).broken).toEqual(expect.arrayContaining(["causal", "read your writes"]));
    expect(brokenWorkflows(notes)).toBe(1);
  });

  test("finds an effect without its cause, across sessions and branches", () => {
    const notes = [
      begin("a"),
      ...write("a", "x", 1),
      ...write("a", "y", 2),
      begin("b"),
      read("b", "y", 2),
      begin("b/1", ["b"]),
      begin("b/2", ["b"]),
      begin("b+3", ["b/1", "b/2"]),
      read("b+3", "x", 0),
    ];
    expect(judge(notes, CAUSAL).broken).toContain("causal");
    expect(brokenWorkflows(notes)).toBe(1);
  });

  test("takes two moments for a violation only where a snapshot was promised", () => {
    const notes = [begin("b"), read("b", "x", 0), begin("a"), ...write("a", "x", 1), ...write("a", "y", 2), read("b", "y", 2), end("a"), end("b")];
    expect(judge(notes, CAUSAL).broken).toEqual([]);
    expect(judge(notes, SNAPSHOT).broken).toContain("causal");
  });

  test("takes nothing from the reads of a workflow that was given up, since no snapshot was found for it", () => {
    const given: Note = { what: "end", workflow: "b", aborted: true };
    const notes = [begin("b"), read("b", "x", 0), begin("a"), ...write("a", "x", 1), ...write("a", "y", 2), read("b", "y", 2), end("a"), given];
    expect(judge(notes, SNAPSHOT).broken).toEqual([]);
  });

  test("takes writes that are made one by one for what they are", () => {
    const promise = SYSTEMS["causalmesh-paper-tcc"].promise;
    const notes = [
      begin("a"),
      ...write("a", "x", 1),
      read("a", "x", 1),
      ...write("a", "y", 2),
      end("a"),
      begin("b"),
      read("b", "x", 1),
      read("b", "y", 0),
      end("b"),
    ];
    expect(judge(notes, promise).broken).toEqual([]);
    expect(judge([...notes, begin("c"), read("c", "y", 2), read("c", "x", 0), end("c")], promise).broken).toContain("causal");
  });

  test("knows by number what was not noted", () => {
    expect(judge([begin("b"), read("b", "x", 77), read("b", "x", 77)], CAUSAL).broken).toEqual([]);
  });
});

describe("a workflow", () => {
  const clientOf = (read: (key: string) => string, attempts: number[] = []): SystemClient => ({
    begin: async (_plan, retryWith) => {
      attempts.push(retryWith === undefined ? 0 : Number(retryWith));
      return "context";
    },
    enter: async () => ({
      read: async (keys) => keys.map(read),
      write: async () => undefined,
      leave: async () => "context",
      finish: async () => undefined,
    }),
    fill: async () => undefined,
    warm: async () => undefined,
    close: async () => undefined,
  });
  const options = (client: SystemClient, notes?: Notes): Parameters<typeof runWorkflow>[1] => {
    let number = 0;
    return { client, promise: SNAPSHOT, tally: new Tally(), notes, name: "w", nextNumber: () => ++number, now: () => performance.now() };
  };

  test("begins again where it is given up, with what it was told, and counts why", async () => {
    const attempts: number[] = [];
    let reads = 0;
    const client = clientOf(() => {
      if (++reads < 3) throw new Aborted("busy", String(reads));
      return numbered(0, "");
    }, attempts);
    const used = options(client);
    await runWorkflow(
      { plan: undefined, run: async (flow) => await flow.call({ server: 0, reads: ["x"], last: true, work: async (calls) => void (await calls.read("x")) }) },
      used,
    );
    expect(attempts).toEqual([0, 1, 2]);
    expect(used.tally.aborts).toEqual({ busy: 2 });
  });

  test("that does not see what it holds back is an error", async () => {
    const notes = new Notes({ from: 0, count: 1 });
    const spec = {
      plan: undefined,
      run: async (flow: Parameters<Parameters<typeof runWorkflow>[0]["run"]>[0]) =>
        await flow.call({
          server: 0,
          reads: ["x"],
          last: true,
          work: async (calls) => {
            await calls.write("x");
            await calls.read("x");
          },
        }),
    };
    await expect(
      runWorkflow(
        spec,
        options(
          clientOf(() => numbered(0, "")),
          notes.of(0),
        ),
      ),
    ).rejects.toThrow("wrote x and reads write 0");
  });
});

describe("the workloads", () => {
  test.each([
    ["micro", 4, 1],
    ["length", 6, 3],
    ["anomalies", 6, 3],
  ] as const)("%s reads and writes as often as the paper says", async (name, reads, writes) => {
    const workload = await openWorkload({ name, keys: 100 }, { random: seeded(1), servers: 3 });
    const counted = { reads: 0, writes: 0 };
    const calls = { read: async (): Promise<undefined> => void counted.reads++, readMany: async () => [], write: async () => void counted.writes++ };
    await workload.next().run({ call: async ({ work }: { work: (given: unknown) => Promise<unknown> }) => await work(calls) } as never);
    expect(counted).toEqual({ reads, writes });
  });
});
