// Reads of keys that no cache has: how many per second come out of the database through a mesh, beside the client library alone with the
// same batching.

import { createMesh, limits } from "@causalmesh/core";
import type { Aim, Bench, BenchOptions, Report } from "../bench.js";
import { DATABASES_NOTE, onEachDatabase } from "../stores/databases.js";
import { rowAt, type BareClient, type Database } from "../stores/database.js";
import { median, round, spread } from "../statistics.js";
import { jsonTextAt, keyAt, list } from "../workload.js";

const KEYS = 40_000;
const QUICK_KEYS = 1_000;
/** As many as fill the multi-gets that a node has in flight. */
const BRANCHES = limits.LOAD_KEYS_MAX * limits.LOADS_IN_FLIGHT_MAX;

async function throughMesh(database: Database, keys: number): Promise<number> {
  const store = await database.store();
  const writer = await createMesh({ nodes: 1, store, durability: "memory" });
  for (let from = 0; from < keys; from += 1000) {
    const count = Math.min(1000, keys - from);
    await writer.session().setMany(list(count, (index) => [keyAt(from + index), jsonTextAt(from + index)] as const));
  }
  await writer.close();
  // A new mesh begins with an empty cache.
  const mesh = await createMesh({ nodes: 1, store });
  const start = performance.now();
  let next = 0;
  const branch = async (): Promise<void> => {
    const session = mesh.session();
    while (next < keys) {
      const index = next++;
      if ((await session.get(keyAt(index))) === undefined) throw new Error(`${keyAt(index)} is missing in ${store.name}`);
    }
  };
  await Promise.all(Array.from({ length: BRANCHES }, branch));
  const elapsedMs = performance.now() - start;
  await mesh.close();
  await store.close();
  return (keys / elapsedMs) * 1000;
}

async function alone(bare: BareClient, keys: number): Promise<number> {
  await bare.clear();
  for (let from = 0; from < keys; from += limits.FLUSH_ROWS_MAX) {
    await bare.writeMany(list(Math.min(limits.FLUSH_ROWS_MAX, keys - from), (index) => rowAt(keyAt(from + index), jsonTextAt(from + index), 1)));
  }
  const start = performance.now();
  let next = 0;
  const branch = async (): Promise<void> => {
    while (next < keys) {
      const from = next;
      next += limits.LOAD_KEYS_MAX;
      const count = Math.min(limits.LOAD_KEYS_MAX, keys - from);
      const found = await bare.readMany(list(count, (index) => keyAt(from + index)));
      if (found !== count) throw new Error(`${count - found} keys are missing`);
    }
  };
  await Promise.all(Array.from({ length: limits.LOADS_IN_FLIGHT_MAX }, branch));
  return (keys / (performance.now() - start)) * 1000;
}

async function run({ quick, repetitions, progress }: BenchOptions): Promise<Report> {
  const figures: Record<string, unknown> = {};
  const ratios: Record<string, number> = {};
  const aims: Aim[] = [];
  await onEachDatabase(async (database) => {
    const { name, share = 1 } = database;
    const keys = Math.ceil((quick ? QUICK_KEYS : KEYS) * share);
    const bare = await database.bare();
    const [mesh, rival]: [number[], number[]] = [[], []];
    await throughMesh(database, QUICK_KEYS);
    await alone(bare, QUICK_KEYS);
    for (let repetition = 0; repetition < repetitions; repetition++) {
      progress(`${name}: repetition ${repetition + 1} of ${repetitions}`);
      mesh.push(await throughMesh(database, keys));
      rival.push(await alone(bare, keys));
    }
    await bare.close();
    figures[name] = { throughMesh: spread(mesh), bare: spread(rival) };
    ratios[name] = round(median(mesh.map((value, index) => value / rival[index])));
    aims.push({ name: `${name}: cold reads per second, of the bare client's`, value: ratios[name], unit: "×", at: "least", aim: 0.8 });
  });
  return {
    ratios,
    aims,
    figures,
    notes: [
      `Keys of 12 bytes, values of 100 in JSON, each read once. The mesh is one node in this process, asked for one key at a time by each of ${BRANCHES} sessions; it makes multi-gets of up to ${limits.LOAD_KEYS_MAX} keys.`,
      `Bare: the client library alone, asked for ${limits.LOAD_KEYS_MAX} keys at a time, ${limits.LOADS_IN_FLIGHT_MAX} at once.`,
      DATABASES_NOTE,
    ],
  };
}

export const miss: Bench = { run };
