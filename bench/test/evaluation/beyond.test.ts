// The simulation beyond these machines: its queues behave as queues do, its network as it is stated, its costs as they were measured; and what it does follows from its seed.

import type { Connection } from "@causalmesh/core";
import { Simulation } from "@causalmesh/core/testing";
import { describe, expect, test } from "vitest";
import { calibrate } from "../../src/evaluation/beyond/calibration.js";
import { Cores } from "../../src/evaluation/beyond/cores.js";
import { type Costs, Deployment } from "../../src/evaluation/beyond/deployment.js";
import { Samples } from "../../src/evaluation/beyond/least-squares.js";
import { load, type LoadFigures, openSimulated } from "../../src/evaluation/beyond/load.js";
import { DelayedNetwork } from "../../src/evaluation/beyond/network.js";
import { SimulatedProcess } from "../../src/evaluation/beyond/process.js";
import { findSustained } from "../../src/evaluation/beyond/sustained.js";
import type { CodeCosts } from "../../src/evaluation/beyond/work.js";
import { beyondPlots, beyondSections } from "../../src/evaluation/report/beyond.js";
import type { Results } from "../../src/evaluation/report/results.js";
import { FAN_OUT, growthOf, nodesAt, SHAPES, shownAfterMs } from "../../src/evaluation/report/shapes.js";
import { settings } from "../../src/evaluation/settings.js";
import { seeded } from "../../src/zipf.js";

const settle = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

function processOn(simulation: Simulation, cores: Cores | undefined, costMs: number): SimulatedProcess {
  return new SimulatedProcess(simulation, { name: "process", cores, costMs: () => costMs });
}

describe("a process", () => {
  test("makes those who come at random wait as long as a queue with one server and equal service does", async () => {
    const simulation = new Simulation(1, settle);
    const [serviceMs, load, count] = [1, 0.7, 30_000];
    const server = processOn(simulation, new Cores(1), serviceMs);
    const random = seeded(7);
    let waitedMs = 0;
    let at = 0;
    for (let index = 0; index < count; index++) {
      at -= Math.log(1 - random()) * (serviceMs / load);
      simulation.schedule(at, () => {
        const came = simulation.time;
        server.run("client", () => (waitedMs += simulation.time - came));
      });
    }
    await simulation.run(simulation.sleep(at + 1_000));
    // M/D/1.
    const expected = (load / (2 * (1 - load))) * serviceMs;
    expect(waitedMs / count / expected).toBeGreaterThan(0.93);
    expect(waitedMs / count / expected).toBeLessThan(1.07);
    expect(server.busyMs).toBeCloseTo(count * serviceMs, 3);
  });

  test("serves what is ready, then what that has put off, then what came meanwhile; what it sends leaves when the work is done", async () => {
    const simulation = new Simulation(1, settle);
    const server = processOn(simulation, new Cores(1), 1);
    const seen: string[] = [];
    const see = (what: string) => (): void => void seen.push(`${what} ${simulation.time}`);
    const { clock } = server.platform;
    server.run("client", see("before"));
    simulation.schedule(0.1, () => server.run("client", see("first")));
    simulation.schedule(0.2, () =>
      server.run("client", () => {
        see("second")();
        clock.defer(see("put off"));
        clock.soon(see("soon"));
        server.leaves(see("left"));
        void Promise.resolve().then(see("promise"));
      }),
    );
    // In the turn of the first and the second, but not ready when it began.
    simulation.schedule(1.5, () => server.run("client", see("third")));
    await simulation.run(simulation.sleep(10));
    expect(seen).toEqual(["before 0", "first 1", "second 2", "promise 2", "soon 2", "left 3", "put off 3", "third 4"]);
  });

  test("shares a processor with others by turns, and is elastic where it has none of its own", async () => {
    const simulation = new Simulation(1, settle);
    const cores = new Cores(1);
    const ends: [string, number][] = [];
    const endsOf = (name: string, one: SimulatedProcess): void => one.run("client", () => one.leaves(() => ends.push([name, simulation.time])));
    const [a, b] = [processOn(simulation, cores, 1), processOn(simulation, cores, 1)];
    const elastic = processOn(simulation, undefined, 1);
    for (const [name, one] of [
      ["a", a],
      ["b", b],
      ["elastic", elastic],
      ["elastic", elastic],
    ] as const)
      endsOf(name, one);
    await simulation.run(simulation.sleep(10));
    expect(ends.sort()).toEqual([
      ["a", 1],
      ["b", 2],
      ["elastic", 1],
      ["elastic", 1],
    ]);
  });
});

describe("the network", () => {
  test("brings bytes after the stated delay, in order, and all that came while the receiver was busy at once", async () => {
    const simulation = new Simulation(1, settle);
    const [sender, receiver] = [processOn(simulation, undefined, 0), processOn(simulation, new Cores(1), 5)];
    const network = new DelayedNetwork(simulation, { delayMs: () => 2, sent: () => undefined });
    const got: [number, number[]][] = [];
    const nothing = { drained: () => undefined, closed: () => undefined };
    const events = { ...nothing, data: (bytes: Uint8Array) => void got.push([simulation.time, [...bytes].filter((_, at) => at % 5 === 4)]) };
    await simulation.run(
      (async () => {
        await network.transport({ process: receiver, source: "peer" }).listen("there", () => events);
        let connection!: Connection;
        await network
          .transport({ process: sender, source: "peer" })
          .connect("there", (one) => ((connection = one), { ...nothing, data: () => undefined }), 100);
        // The acceptor has been busy with the connection itself.
        await simulation.sleep(10);
        const [begin, busyMs] = [simulation.time, receiver.busyMs];
        for (const [at, byte] of [
          [0, 1],
          [1, 2],
          [3, 3],
          [20, 4],
        ]) {
          simulation.schedule(at, () => sender.run("loop", () => void connection.send(new Uint8Array([1, 0, 0, 0, byte]))));
        }
        await simulation.sleep(100);
        expect(receiver.busyMs - busyMs).toBe(3 * 5);
        expect(got.map(([time, bytes]) => [time - begin, bytes])).toEqual([
          [2, [1]],
          [7, [2, 3]],
          [22, [4]],
        ]);
      })(),
    );
  });
});

describe("costs", () => {
  test("are found again in what steps took together, and are never below nothing", () => {
    const samples = new Samples(3);
    const random = seeded(3);
    for (let index = 0; index < 500; index++) {
      const counts = [1, Math.floor(random() * 5), Math.floor(random() * 20)];
      samples.add(counts, 7 * counts[0] + 3 * counts[1] + 0.5 * counts[2] + (random() - 0.5));
    }
    const [step, frame, write] = samples.solve();
    expect([Math.round(step), Math.round(frame * 10) / 10, Math.round(write * 10) / 10]).toEqual([7, 3, 0.5]);
    const cheaper = new Samples(2);
    for (const [counts, total] of [
      [[1, 1], 1],
      [[1, 2], 0.5],
      [[1, 0], 2],
    ] as const)
      cheaper.add(counts, total);
    expect(Math.min(...cheaper.solve())).toBeGreaterThanOrEqual(0);
  });

  test("of the code are timed step by step", async () => {
    const sockets = { turn: 5, wake: 0, read: 5, send: 5, byte: 0.001 };
    const shape = { nodes: 3, hosts: 32, delaysMs: [[0.25]], seed: 1 };
    const { code, steps } = await calibrate(shape, { name: "length", keys: 50, functions: 3 }, sockets, 100);
    expect(steps).toBeGreaterThan(500);
    for (const role of ["node", "functions", "store"] as const) expect(Math.max(...Object.values(code[role]))).toBeGreaterThan(0);
  });
});

const FREE: CodeCosts = { client: 0, peer: 0, loop: 0, frame: 0, received: 0, applied: 0 };
const CODE: CodeCosts = { client: 10, peer: 10, loop: 5, frame: 2, received: 1, applied: 1 };
const COSTS: Costs = { sockets: { turn: 5, wake: 0, read: 5, send: 8, byte: 0.001 }, code: { node: CODE, functions: CODE, store: CODE } };

async function simulated(nodes: number, rate: number, options: { seed?: number; costs?: Costs; delaysMs?: number[][] } = {}): Promise<LoadFigures> {
  const { seed = 1, costs = COSTS, delaysMs = [[0.25]] } = options;
  const workload = await openSimulated({ name: "length", keys: 50, functions: 3 }, nodes, seed);
  return await Deployment.run({ nodes, hosts: 32, delaysMs, costs, seed }, workload.keys, workload.fill, (deployment) =>
    load(deployment, workload, { rate, warmUpMs: 50, durationMs: 200, probeEveryMs: 10, noted: 1_000, seed }),
  );
}

describe("a deployment", () => {
  test("does the same again from the same seed, and something else from another", async () => {
    const [first, again, other] = [await simulated(3, 200), await simulated(3, 200), await simulated(3, 200, { seed: 2 })];
    expect(again).toEqual(first);
    expect(other.workflowMs).not.toEqual(first.workflowMs);
    expect(first).toMatchObject({ completed: 40, failed: 0, unfinished: 0, unseen: 0, verdict: { broken: [] } });
    expect(first.verdict.workflows).toBe(50);
  });

  test("leaves the program time to hear of signals", async () => {
    let turns = 0;
    const options = { nodes: 3, hosts: 3, delaysMs: [[0.25]], costs: COSTS, seed: 1 };
    await Deployment.run(options, [], "", async ({ simulation, nodes }) => {
      const running = setInterval(() => (turns += 1), 1);
      // Events that take the program some milliseconds.
      for (let event = 0; event < 50_000; event++) simulation.schedule(event / 1_000, () => void nodes[0].member.host.node.received.slice());
      await simulation.sleep(51);
      clearInterval(running);
    });
    expect(turns).toBeGreaterThan(0);
  });

  test("shows a write everywhere after two trips round the ring where nothing costs anything", async () => {
    const free: Costs = { sockets: { turn: 0, wake: 0, read: 0, send: 0, byte: 0 }, code: { node: FREE, functions: FREE, store: FREE } };
    const [nodes, delayMs] = [8, 1];
    // So few that nobody's session hurries a write on.
    const { everywhereMs } = await simulated(nodes, 5, { costs: free, delaysMs: [[delayMs]] });
    // The write goes to the tail, and the word of it to the member before the tail; the acknowledgement took two ways of it, and the answer to it one.
    const hops = nodes - 1 + nodes - 1;
    expect(everywhereMs.p50).toBeGreaterThan((hops - 4) * delayMs);
    expect(everywhereMs.p50).toBeLessThan((hops + 1) * delayMs);
  });

  test("is slower across regions, by their distance", async () => {
    const far = [
      [0.25, 20],
      [20, 0.25],
    ];
    const [near, apart] = [await simulated(4, 50), await simulated(4, 50, { delaysMs: far })];
    // Of a node whose successor is near: the write goes across, and the word of it there and back again. (Where the successor is far, the acknowledgement has waited for it.)
    expect(apart.everywhereMs.p99 - near.everywhereMs.p99).toBeGreaterThan(50);
    expect(apart.everywhereMs.p99 - near.everywhereMs.p99).toBeLessThan(65);
  });

  test("sustains a rate at which its processors are nearly busy, and no higher one", async () => {
    const slow: CodeCosts = { client: 200, peer: 200, loop: 100, frame: 100, received: 100, applied: 100 };
    const costs: Costs = { sockets: { turn: 100, wake: 0, read: 100, send: 160, byte: 0 }, code: { node: slow, functions: CODE, store: CODE } };
    const base = await simulated(3, 20, { costs });
    const { best, steps } = await findSustained(base, 5, (rate) => simulated(3, rate, { costs }));
    expect(best.rate).toBeGreaterThan(2 * base.rate);
    expect(Math.max(best.utilisation.flusher, best.utilisation.most)).toBeGreaterThan(0.7);
    expect(Math.max(best.growth.workflows, best.growth.writes)).toBeLessThanOrEqual(0.1);
    const beyond = steps.filter(({ rate }) => rate > best.rate);
    expect(beyond.length).toBeGreaterThan(0);
    for (const { growth } of beyond) expect(Math.max(growth.workflows, growth.writes)).toBeGreaterThan(0.1);
  });
});

describe("other shapes", () => {
  test("are reckoned from how the ring grows", () => {
    const runs = [8, 16, 32].map((nodes) => ({ nodes, light: { everywhereMs: { p50: 10 + 2 * nodes } } })) as unknown as Parameters<typeof growthOf>[0];
    const growth = growthOf(runs, ({ light }) => light.everywhereMs.p50)!;
    expect([growth.fixed, growth.perNode].map(Math.round)).toEqual([10, 2]);
    expect(Math.round(nodesAt(growth, 1_000))).toBe(495);
    expect(SHAPES.map((shape) => Math.round(shownAfterMs(growth, shape, 64)))).toEqual([138, 42, 18, 12]);
    expect(FAN_OUT).toBe(8);
  });
});

describe("the report", () => {
  test("has the figures of every size, and none of one whose history broke a promise", async () => {
    const light = await simulated(3, 50);
    const broken = { ...light, verdict: { ...light.verdict, broken: ["causal"] } };
    const run = (nodes: number, figures: LoadFigures): unknown => ({ regions: 1, nodes, light: figures, sustained: { steps: [], best: figures } });
    const sockets = { turn: 1, wake: 1, read: 1, send: 1, byte: 1, way: 1, tick: 1 };
    const beyond = { sockets, calibrations: [], checked: [], beyond: [run(8, light), run(16, light), run(32, broken)] };
    const results = { beyond, settings: settings({ quick: true, repetitions: 1, seed: 1 }) } as unknown as Results;
    const lines = beyondSections(results).join("\n").split("\n");
    const row = (nodes: number): string[] =>
      lines
        .find((line) => line.startsWith(`| ${nodes} |`))!
        .split("|")
        .slice(2, -2);
    for (const cell of row(8)) expect(cell).toMatch(/^ [\d./ -]+ $/);
    for (const cell of row(32)) expect(cell).toMatch(/^( BROKEN: causal (\/ BROKEN: causal )?)$/);
    expect([...beyondPlots(results).keys()]).toEqual(["beyond-visibility.svg", "beyond-sustained.svg", "beyond-bytes.svg"]);
  });
});
