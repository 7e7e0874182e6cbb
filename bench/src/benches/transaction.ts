// What transactions cost: workflows of three functions on random nodes, as sessions and as transactions, and the memory that old versions take.

import { connect } from "@causalmesh/transport-tcp";
import type { Mesh, Transaction } from "@causalmesh/core";
import { alternated, type Bench, type BenchOptions, type Report } from "../bench.js";
import type { Worker } from "../crew.js";
import { startNodes } from "../nodes.js";
import { freePorts } from "../ports.js";
import type { NodeProgram } from "../processes/node.js";
import { percentile, ratio, round, spread } from "../statistics.js";
import { keyAt, list } from "../workload.js";
import { seeded, Zipf } from "../zipf.js";

const NODES = 3;
const CONNECTED = 32;
const KEYS = 100_000;
const SKEW = 1;
const VALUE = "12345678";
const FILLED_AT_ONCE = 1000;
const PHASES = { loadMs: 2_000, hotWrites: 200_000 };
const QUICK_PHASES = { loadMs: 100, hotWrites: 500 };
const HOT_KEYS = 8;
const HOT_AT_ONCE = 64;

interface Sample {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

/** Two functions read two keys each, and the third writes one; each on a random node, with the token of the one before. */
type Workflow = (mesh: Mesh, node: () => { node: string }, key: () => string) => Promise<void>;

const WORKFLOWS: Readonly<Record<string, Workflow>> = {
  sessions: async (mesh, node, key) => {
    let token: string | undefined;
    for (let reads = 0; reads < 2; reads++) {
      const session = mesh.session(token, node());
      await session.getMany([key(), key()]);
      token = await session.token();
    }
    await mesh.session(token, node()).set(key(), VALUE);
  },
  transactions: async (mesh, node, key) => {
    const goOn = (token: string | undefined): Transaction => (token === undefined ? mesh.session(undefined, node()).begin() : mesh.transaction(token, node()));
    let token: string | undefined;
    for (let reads = 0; reads < 2; reads++) {
      const transaction = goOn(token);
      await transaction.getMany([key(), key()]);
      token = await transaction.token();
    }
    const last = goOn(token);
    await last.set(key(), VALUE);
    await last.commit();
  },
};

class Load {
  readonly samples: Record<string, Sample[]> = Object.fromEntries(Object.keys(WORKFLOWS).map((name) => [name, []]));
  readonly #mesh: Mesh;
  readonly #addresses: readonly string[];
  readonly #random = seeded(1);
  readonly #zipf = new Zipf(KEYS, SKEW, this.#random);

  constructor(mesh: Mesh, addresses: readonly string[]) {
    this.#mesh = mesh;
    this.#addresses = addresses;
  }

  async fill(): Promise<void> {
    const session = this.#mesh.session();
    for (let first = 0; first < KEYS; first += FILLED_AT_ONCE) await session.setMany(list(FILLED_AT_ONCE, (index) => [keyAt(first + index), VALUE] as const));
    await session.set(keyAt(0), VALUE, { durability: "stored" });
  }

  /** So many workflows at a time, each after another. */
  async measure(name: string, loadMs: number): Promise<Sample> {
    const latencies: number[] = [];
    const node = (): { node: string } => ({ node: this.#addresses[Math.floor(this.#random() * this.#addresses.length)] });
    const key = (): string => keyAt(this.#zipf.next());
    const start = performance.now();
    const one = async (): Promise<void> => {
      for (let begun = performance.now(); begun - start < loadMs; begun = performance.now()) {
        await WORKFLOWS[name](this.#mesh, node, key);
        latencies.push(performance.now() - begun);
      }
    };
    await Promise.all(list(CONNECTED, one));
    const seconds = (performance.now() - start) / 1000;
    return { perSecond: latencies.length / seconds, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) };
  }

  /** Overwrites a few keys again and again. */
  async overwrite(writes: number): Promise<void> {
    let made = 0;
    const one = async (): Promise<void> => {
      const session = this.#mesh.session(undefined, { node: this.#addresses[0] });
      while (made < writes) await session.set(keyAt(made++ % HOT_KEYS), VALUE);
    };
    await Promise.all(list(HOT_AT_ONCE, one));
  }
}

interface Kept {
  readonly versionBytes: number;
  readonly aborts: Readonly<Record<string, number>>;
}

async function kept(node: Worker<NodeProgram>): Promise<Kept> {
  const { versionBytes, transactionAborts } = await node.call("status");
  return { versionBytes, aborts: transactionAborts };
}

async function run({ crew, quick, repetitions, progress }: BenchOptions): Promise<Report> {
  const phases = quick ? QUICK_PHASES : PHASES;
  const addresses = (await freePorts(NODES)).map((port) => `127.0.0.1:${port}`);
  const nodes = await startNodes(crew, addresses, { store: "memory" });
  const mesh = await connect({ nodes: addresses });
  try {
    const load = new Load(mesh, addresses);
    progress("filling");
    await load.fill();
    for (const name of Object.keys(WORKFLOWS)) await load.measure(name, phases.loadMs / 2);
    for (let repetition = 0; repetition < repetitions; repetition++) {
      progress(`repetition ${repetition + 1} of ${repetitions}`);
      for (const name of alternated(Object.keys(WORKFLOWS), repetition)) load.samples[name].push(await load.measure(name, phases.loadMs));
    }
    const afterLoad = await Promise.all(nodes.map(kept));
    progress("hot keys");
    await load.overwrite(phases.hotWrites);
    return report(load.samples, afterLoad, (await kept(nodes[0])).versionBytes, phases.hotWrites);
  } finally {
    await mesh.close();
    await crew.end();
  }
}

function report(samples: Readonly<Record<string, readonly Sample[]>>, afterLoad: readonly Kept[], hotBytes: number, hotWrites: number): Report {
  const of = (name: string, figure: keyof Sample): number[] => samples[name].map((sample) => sample[figure]);
  const rate = ratio(of("transactions", "perSecond"), of("sessions", "perSecond"));
  const tail = ratio(of("transactions", "p99"), of("sessions", "p99"));
  const aborts = afterLoad.reduce((sum, one) => sum + Object.values(one.aborts).reduce((total, count) => total + count, 0), 0);
  return {
    ratios: { rate, p99: tail },
    aims: [
      { name: "workflows per second, as transactions over as sessions", value: rate, unit: "×", at: "least", aim: 0.95 },
      { name: "p99 of a workflow, likewise", value: tail, unit: "×", at: "most", aim: 1.1 },
      { name: "transactions given up", value: aborts, unit: "", at: "most", aim: 0 },
    ],
    figures: {
      ...Object.fromEntries(
        Object.keys(samples).map((name) => [
          name,
          { perSecond: spread(of(name, "perSecond")), p50Ms: spread(of(name, "p50")), p99Ms: spread(of(name, "p99")) },
        ]),
      ),
      versionBytes: { afterWorkflows: Math.max(...afterLoad.map((one) => one.versionBytes)), afterHotKeys: hotBytes, perHotWrite: round(hotBytes / hotWrites) },
    },
    notes: [
      `${NODES} node processes, each with a store in its own memory; ${CONNECTED} workflows at a time from one process, the next after the one before. Durability \`replicated\`.`,
      "A workflow: 2 reads in one call, 2 reads, 1 write; each function on a random node, with the token of the one before it. Keys by Zipf 1.0 out of 100 000, values of 8 bytes.",
      `Old versions: what a node keeps at default settings after the workflows, and after ${hotWrites} writes to ${HOT_KEYS} keys.`,
      "All processes share this machine's cores.",
    ],
  };
}

export const transaction: Bench = { run };
