// Writes through rings of node processes: how many, what they cost on the links and in CPU, and when they can be read elsewhere.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { lmdbStore } from "@causalmesh/adapter-lmdb";
import { formMesh, type MemberStatus } from "@causalmesh/core";
import { alternated, type Aim, type Bench, type BenchOptions, type Report } from "../bench.js";
import type { Crew, Worker } from "../crew.js";
import { startNodes } from "../nodes.js";
import { freePorts } from "../ports.js";
import type { ClientOptions, ClientProgram } from "../processes/client.js";
import type { NodeProgram } from "../processes/node.js";
import type { ObserverOptions, ObserverProgram } from "../processes/observer.js";
import { percentile, round, spread } from "../statistics.js";
import { HOT_ENTRIES, KEY_BYTES, VALUE_BYTES } from "../workload.js";

const DEPTH = 256;
/** The load is short enough that what LMDB has not taken yet stays below the nodes' bound, however fast they are. */
const PHASES = { loadMs: 600, probes: 200, pacedMs: 2_000 };
const QUICK_PHASES = { loadMs: 60, probes: 6, pacedMs: 100 };
/** The paced load, as a share of what the ring was measured to take. */
const PACED_SHARE = 0.5;
const POLL_MS = 2;
const PAYLOAD_BYTES = KEY_BYTES + VALUE_BYTES;

interface Sample {
  readonly writesPerSecond: number;
  /** Bytes on a link per write that crosses it, over the bytes of its key and value. */
  readonly linkBytes: number;
  readonly cpuMicros: number;
  readonly unloadedMs: readonly number[];
  readonly loadedMs: readonly number[];
}

type Phases = typeof PHASES;

/** One ring with its clients. */
class Ring {
  readonly name: string;
  readonly samples: Sample[] = [];
  readonly #nodes: readonly Worker<NodeProgram>[];
  readonly #client: Worker<ClientProgram>;
  readonly #observer: Worker<ObserverProgram>;

  constructor(name: string, nodes: readonly Worker<NodeProgram>[], client: Worker<ClientProgram>, observer: Worker<ObserverProgram>) {
    this.name = name;
    this.#nodes = nodes;
    this.#client = client;
    this.#observer = observer;
  }

  async warmUp(phases: Phases): Promise<void> {
    await this.#client.call("ready");
    await this.#client.call("fill", HOT_ENTRIES);
    await this.#load(phases.loadMs);
    await this.#observer.call("probe", phases.probes);
  }

  async measure(phases: Phases): Promise<void> {
    const load = await this.#load(phases.loadMs);
    const unloadedMs = await this.#observer.call("probe", phases.probes);
    const perSecond = (load.writesPerSecond * PACED_SHARE) / this.#nodes.length;
    const paced = this.#client.call("pace", "set", perSecond, phases.pacedMs);
    const loadedMs = await this.#observer.call("probe", phases.probes);
    await paced;
    await this.#flushed();
    this.samples.push({ ...load, unloadedMs, loadedMs });
  }

  async #load(loadMs: number): Promise<Pick<Sample, "writesPerSecond" | "linkBytes" | "cpuMicros">> {
    const bytesBefore = await this.#linkBytes();
    const cpuBefore = await this.#cpu();
    const start = performance.now();
    const { operations } = await this.#client.call("run", "set", DEPTH, loadMs);
    await this.#applied();
    const elapsedMs = performance.now() - start;
    // Flushing costs too, and would stand in the way of what is measured next.
    await this.#flushed();
    const cpu = (await this.#cpu()) - cpuBefore;
    const bytes = (await this.#linkBytes()) - bytesBefore;
    const count = this.#nodes.length;
    return {
      writesPerSecond: (operations / elapsedMs) * 1000,
      // A write crosses all links but the one that would bring it back.
      linkBytes: bytes / (operations * (count - 1)) / PAYLOAD_BYTES,
      cpuMicros: cpu / (operations * count),
    };
  }

  async #statuses(): Promise<MemberStatus[]> {
    return await Promise.all(this.#nodes.map((node) => node.call("status")));
  }

  /** Resolves when every node has applied what any of them has written. */
  async #applied(): Promise<void> {
    for (;;) {
      const statuses = await this.#statuses();
      const written = statuses.map(({ replica, received }) => [replica, received[replica] ?? 0] as const);
      if (statuses.every(({ applied }) => written.every(([replica, counter]) => (applied[replica] ?? 0) >= counter))) return;
      await pause(POLL_MS);
    }
  }

  /** Resolves when no node keeps any write for flushing or resending. */
  async #flushed(): Promise<void> {
    while ((await this.#statuses()).some(({ log }) => log > 0)) await pause(POLL_MS);
  }

  async #cpu(): Promise<number> {
    const all = await Promise.all(this.#nodes.map((node) => node.call("cpu")));
    return all.reduce((total, cpu) => total + cpu, 0);
  }

  async #linkBytes(): Promise<number> {
    return (await this.#statuses()).reduce((total, { linkBytes }) => total + linkBytes, 0);
  }
}

async function startRing(crew: Crew, count: number, folder?: string): Promise<Ring> {
  const ports = await freePorts(count);
  const addresses = ports.map((port) => `127.0.0.1:${port}`);
  if (folder !== undefined) await formOn(folder, addresses);
  const nodes = await startNodes(crew, addresses, { store: folder === undefined ? "memory" : { lmdb: folder } });
  const client = crew.start<ClientProgram>("client", { kind: "mesh-bytes", ports } satisfies ClientOptions);
  const observer = crew.start<ObserverProgram>("observer", { addresses } satisfies ObserverOptions);
  return new Ring(`${count} nodes${folder === undefined ? "" : " on LMDB"}`, nodes, client, observer);
}

async function formOn(folder: string, addresses: readonly string[]): Promise<void> {
  const store = lmdbStore({ path: folder });
  await formMesh(store, addresses);
  await store.close();
}

async function run({ crew, quick, repetitions, progress }: BenchOptions): Promise<Report> {
  const phases = quick ? QUICK_PHASES : PHASES;
  const folder = mkdtempSync(join(tmpdir(), "bench-ring-"));
  try {
    progress("warm-up");
    const rings = [await startRing(crew, 3), await startRing(crew, 5), await startRing(crew, 3, folder)];
    for (const ring of rings) await ring.warmUp(phases);
    for (let repetition = 0; repetition < repetitions; repetition++) {
      progress(`repetition ${repetition + 1} of ${repetitions}`);
      for (const ring of alternated(rings, repetition)) await ring.measure(phases);
    }
    await crew.end();
    return report(rings);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function figuresOf({ samples }: Ring): Record<string, unknown> {
  const unloaded = samples.flatMap(({ unloadedMs }) => unloadedMs);
  const loaded = samples.flatMap(({ loadedMs }) => loadedMs);
  return {
    writesPerSecond: spread(samples.map(({ writesPerSecond }) => writesPerSecond)),
    linkBytesPerPayloadByte: spread(samples.map(({ linkBytes }) => linkBytes)),
    cpuMicrosPerWriteAndNode: spread(samples.map(({ cpuMicros }) => cpuMicros)),
    visibilityMs: {
      unloaded: { p50: round(percentile(unloaded, 0.5)), p99: round(percentile(unloaded, 0.99)) },
      loaded: { p50: round(percentile(loaded, 0.5)), p99: round(percentile(loaded, 0.99)) },
    },
  };
}

function aimsOf({ name, samples }: Ring): Aim[] {
  const linkBytes = spread(samples.map((sample) => sample.linkBytes)).median;
  const cpuMicros = spread(samples.map((sample) => sample.cpuMicros)).median;
  return [
    { name: `${name}: bytes on a link per byte of key and value`, value: linkBytes, unit: "×", at: "most", aim: 1.3 },
    { name: `${name}: CPU per write and node under load`, value: cpuMicros, unit: "µs", at: "most", aim: 3 },
  ];
}

function report(rings: readonly Ring[]): Report {
  return {
    aims: rings.flatMap(aimsOf),
    figures: Object.fromEntries(rings.map((ring) => [ring.name, figuresOf(ring)])),
    notes: [
      "Keys of 12 bytes, values of 100 bytes, durability `memory`; a bare client keeps 256 writes in flight at each node; counted until applied everywhere; CPU until flushed, too.",
      "Without LMDB each node has a store in its own memory, so that the ring is measured and no database; node 1 flushes into its own.",
      "Visibility: from the call of set at one node until the last other node has shown the value to a session that reads in a tight loop. Loaded: beside writes paced at half of the throughput measured.",
      "All node processes and the clients share this machine's cores.",
    ],
  };
}

export const ring: Bench = { run };
