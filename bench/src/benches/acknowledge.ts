// How long a write takes at each durability level, one after the other, beside one conditional write of the database's own client.

import { createMesh, type Durability } from "@causalmesh/core";
import type { Bench, BenchOptions, Report } from "../bench.js";
import { DATABASES_NOTE, onEachDatabase } from "../stores/databases.js";
import { rowAt, type Database } from "../stores/database.js";
import { percentile, round } from "../statistics.js";
import { jsonTextAt, keyAt } from "../workload.js";

const NODES = 3;
const LEVELS: readonly Durability[] = ["memory", "replicated", "everywhere", "stored"];
const WRITES = 300;
const QUICK_WRITES = 10;

async function timed(writes: number, write: (index: number) => Promise<void>): Promise<number[]> {
  const samples: number[] = [];
  for (let index = 0; index < writes; index++) {
    const start = performance.now();
    await write(index);
    samples.push(performance.now() - start);
  }
  return samples;
}

function figure(samples: readonly number[]): { readonly p50Ms: number; readonly p99Ms: number } {
  return { p50Ms: round(percentile(samples, 0.5)), p99Ms: round(percentile(samples, 0.99)) };
}

async function measure(database: Database, { quick, repetitions, progress }: BenchOptions): Promise<Record<string, ReturnType<typeof figure>>> {
  const writes = quick ? QUICK_WRITES : WRITES;
  const samples = new Map<string, number[]>([...LEVELS, "bare client"].map((name) => [name, []]));
  const store = await database.store();
  const mesh = await createMesh({ nodes: NODES, store });
  const bare = await database.bare();
  const session = mesh.session();
  for (let repetition = 0; repetition < repetitions; repetition++) {
    progress(`${database.name}: repetition ${repetition + 1} of ${repetitions}`);
    for (const durability of repetition % 2 === 0 ? LEVELS : [...LEVELS].reverse()) {
      samples.get(durability)!.push(...(await timed(writes, (index) => session.set(keyAt(index), jsonTextAt(index), { durability }))));
    }
    const base = (repetition + 1) * writes;
    samples.get("bare client")!.push(...(await timed(writes, (index) => bare.write(rowAt(keyAt(index), jsonTextAt(index), base + index)))));
  }
  await bare.close();
  await mesh.close();
  await store.close();
  return Object.fromEntries([...samples].map(([name, values]) => [name, figure(values)]));
}

async function run(options: BenchOptions): Promise<Report> {
  const figures: Record<string, unknown> = {};
  const ratios: Record<string, number> = {};
  await onEachDatabase(async (database) => {
    const found = await measure(database, options);
    figures[database.name] = found;
    for (const level of LEVELS) ratios[`${database.name} ${level}`] = round(found["bare client"].p50Ms / found[level].p50Ms);
  });
  return {
    ratios,
    aims: [],
    figures,
    notes: [
      `One write after the other by one session of a mesh of ${NODES} nodes in this process, so that the ring costs no network; bare client: one conditional write of one row. Ratios: the bare client's median over the level's.`,
      DATABASES_NOTE,
    ],
  };
}

export const acknowledge: Bench = { run };
