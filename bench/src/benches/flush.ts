// Writes on their way to the database: how many per second arrive there through a mesh, beside the client library alone in batches
// as large, and beside a statement per write.

import { createMesh, limits } from "@causalmesh/core";
import { alternated, type Aim, type Bench, type BenchOptions, type Report } from "../bench.js";
import { DATABASES_NOTE, onEachDatabase } from "../stores/databases.js";
import { rowAt, type BareClient, type Database } from "../stores/database.js";
import { ratio, spread } from "../statistics.js";
import { jsonTextAt, keyAt, list } from "../workload.js";

const WRITES = 60_000;
const QUICK_WRITES = 2_000;
/** Statements of one write each are slow: fewer of them say as much. */
const SINGLE_SHARE = 40;
const BRANCHES = 512;

interface Samples {
  readonly mesh: number[];
  readonly batches: number[];
  readonly single: number[];
}

/** Per second, from the first write until the store has the last one. */
async function throughMesh(database: Database, writes: number): Promise<number> {
  const store = await database.store();
  const mesh = await createMesh({ nodes: 1, store, durability: "memory" });
  const start = performance.now();
  let next = 0;
  const branch = async (): Promise<void> => {
    const session = mesh.session();
    while (next < writes) {
      const index = next++;
      await session.set(keyAt(index), jsonTextAt(index));
    }
  };
  await Promise.all(Array.from({ length: BRANCHES }, branch));
  // A last write that is answered when everything before it is stored too.
  await mesh.session().set("last", 1, { durability: "stored", timeoutMs: 60_000 });
  const elapsedMs = performance.now() - start;
  await mesh.close();
  await store.close();
  return (writes / elapsedMs) * 1000;
}

async function inBatches(bare: BareClient, writes: number): Promise<number> {
  await bare.clear();
  const start = performance.now();
  for (let from = 0; from < writes; from += limits.FLUSH_ROWS_MAX) {
    const count = Math.min(limits.FLUSH_ROWS_MAX, writes - from);
    await bare.writeMany(list(count, (index) => rowAt(keyAt(from + index), jsonTextAt(from + index), from + index + 1)));
  }
  return (writes / (performance.now() - start)) * 1000;
}

async function oneByOne(bare: BareClient, writes: number): Promise<number> {
  await bare.clear();
  const start = performance.now();
  for (let index = 0; index < writes; index++) await bare.write(rowAt(keyAt(index), jsonTextAt(index), index + 1));
  return (writes / (performance.now() - start)) * 1000;
}

async function measure(database: Database, { quick, repetitions, progress }: BenchOptions): Promise<Samples> {
  const writes = Math.ceil((quick ? QUICK_WRITES : WRITES) * (database.share ?? 1));
  const samples: Samples = { mesh: [], batches: [], single: [] };
  const bare = await database.bare();
  const subjects = [
    async (): Promise<void> => void samples.mesh.push(await throughMesh(database, writes)),
    async (): Promise<void> => void samples.batches.push(await inBatches(bare, writes)),
    async (): Promise<void> => void samples.single.push(await oneByOne(bare, Math.ceil(writes / SINGLE_SHARE))),
  ];
  await throughMesh(database, QUICK_WRITES);
  await inBatches(bare, QUICK_WRITES);
  for (let repetition = 0; repetition < repetitions; repetition++) {
    progress(`${database.name}: repetition ${repetition + 1} of ${repetitions}`);
    for (const subject of alternated(subjects, repetition)) await subject();
  }
  await bare.close();
  return samples;
}

async function run(options: BenchOptions): Promise<Report> {
  const figures: Record<string, unknown> = {};
  const ratios: Record<string, number> = {};
  const aims: Aim[] = [];
  await onEachDatabase(async (database) => {
    const { mesh, batches, single } = await measure(database, options);
    const { name } = database;
    figures[name] = { throughMesh: spread(mesh), bareBatches: spread(batches), bareSingle: spread(single) };
    ratios[`${name}Batches`] = ratio(mesh, batches);
    ratios[`${name}Single`] = ratio(mesh, single);
    aims.push({ name: `${name}: writes per second, of the bare client's in batches`, value: ratios[`${name}Batches`], unit: "×", at: "least", aim: 0.8 });
    if (name === "postgres") aims.push({ name: `${name}: of a statement per write`, value: ratios[`${name}Single`], unit: "×", at: "least", aim: 10 });
  });
  return {
    ratios,
    aims,
    figures,
    notes: [
      "Writes per second until the database has them; keys of 12 bytes, values of 100 in JSON, each key once. The mesh is one node in this process, written to by 512 sessions at level `memory`.",
      `Bare: the client library alone, conditional writes in batches of ${limits.FLUSH_ROWS_MAX} one after the other; single: one statement or transaction per write, one after the other.`,
      DATABASES_NOTE,
    ],
  };
}

export const flush: Bench = { run };
