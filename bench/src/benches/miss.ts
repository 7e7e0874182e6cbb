// Reads of keys that no cache has: how many per second come out of the database through a mesh, beside the client library alone with the
// same batching and the same outcome, values in the order of their keys; beside it when it only counts what comes; and how many when the mesh is asked for
// one key at a time, where the batching is its own.

import { createMesh, limits, type Mesh } from "@causalmesh/core";
import { alternated, type Aim, type Bench, type BenchOptions, type Report } from "../bench.js";
import { DATABASES_NOTE, onEachDatabase } from "../stores/databases.js";
import { rowAt, type BareClient, type Database } from "../stores/database.js";
import { ratio, spread } from "../statistics.js";
import { jsonTextAt, keyAt, list } from "../workload.js";

const KEYS = 40_000;
const QUICK_KEYS = 1_000;
/** Keys that are asked for in one call. */
const MANY = limits.LOAD_KEYS_MAX;
/** Calls at a time. */
const CALLS = limits.LOADS_IN_FLIGHT_MAX;

/** Reads all keys once, by as many callers at a time, and resolves when all have their values. */
type Readers = (mesh: Mesh, keys: number) => Promise<unknown>;

/** Runs `read` for each place from 0 up to `count`, `step` apart, by `branches` at a time. */
async function inBranches(branches: number, count: number, step: number, read: (from: number) => Promise<void>): Promise<void> {
  let next = 0;
  const branch = async (): Promise<void> => {
    while (next < count) {
      const from = next;
      next += step;
      await read(from);
    }
  };
  await Promise.all(Array.from({ length: branches }, branch));
}

function missing(count: number): Error {
  return new Error(`${count} keys are missing`);
}

const manyAtATime: Readers = async (mesh, keys) => {
  const session = mesh.session();
  await inBranches(CALLS, keys, MANY, async (from) => {
    const values = await session.getMany(list(Math.min(MANY, keys - from), (index) => keyAt(from + index)));
    const absent = values.filter((value) => value === undefined).length;
    if (absent > 0) throw missing(absent);
  });
};

/** A session for each key that is asked for at a time: as many as fill the multi-gets that a node has in flight. */
const oneAtATime: Readers = async (mesh, keys) => {
  const sessions = list(MANY * CALLS, () => mesh.session());
  await inBranches(sessions.length, keys, 1, async (index) => {
    if ((await sessions[index % sessions.length].get(keyAt(index))) === undefined) throw missing(1);
  });
};

async function throughMesh(database: Database, keys: number, read: Readers): Promise<number> {
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
  await read(mesh, keys);
  const elapsedMs = performance.now() - start;
  await mesh.close();
  await store.close();
  return (keys / elapsedMs) * 1000;
}

/** How many of these keys the bare client finds. */
type BareReaders = (bare: BareClient, keys: readonly string[]) => Promise<number>;

const reading: BareReaders = async (bare, keys) => (await bare.readMany(keys)).filter((value) => value !== undefined).length;
const counting: BareReaders = async (bare, keys) => await bare.countMany(keys);

async function alone(bare: BareClient, keys: number, read: BareReaders): Promise<number> {
  await bare.clear();
  for (let from = 0; from < keys; from += limits.FLUSH_ROWS_MAX) {
    await bare.writeMany(list(Math.min(limits.FLUSH_ROWS_MAX, keys - from), (index) => rowAt(keyAt(from + index), jsonTextAt(from + index), 1)));
  }
  const start = performance.now();
  await inBranches(CALLS, keys, MANY, async (from) => {
    const count = Math.min(MANY, keys - from);
    const found = await read(
      bare,
      list(count, (index) => keyAt(from + index)),
    );
    if (found !== count) throw missing(count - found);
  });
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
    const [many, single, rival, counted]: [number[], number[], number[], number[]] = [[], [], [], []];
    const subjects = [
      async (): Promise<void> => void many.push(await throughMesh(database, keys, manyAtATime)),
      async (): Promise<void> => void rival.push(await alone(bare, keys, reading)),
      async (): Promise<void> => void single.push(await throughMesh(database, keys, oneAtATime)),
      async (): Promise<void> => void counted.push(await alone(bare, keys, counting)),
    ];
    await throughMesh(database, QUICK_KEYS, manyAtATime);
    await throughMesh(database, QUICK_KEYS, oneAtATime);
    await alone(bare, QUICK_KEYS, reading);
    await alone(bare, QUICK_KEYS, counting);
    for (let repetition = 0; repetition < repetitions; repetition++) {
      progress(`${name}: repetition ${repetition + 1} of ${repetitions}`);
      for (const subject of alternated(subjects, repetition)) await subject();
    }
    await bare.close();
    ratios[name] = ratio(many, rival);
    ratios[`${name}Single`] = ratio(single, rival);
    ratios[`${name}OfCounting`] = ratio(many, counted);
    figures[name] = {
      throughMesh: spread(many),
      bare: spread(rival),
      bareCounting: spread(counted),
      ofBareCounting: ratios[`${name}OfCounting`],
      oneKeyAtATime: spread(single),
      oneKeyAtATimeOfBare: ratios[`${name}Single`],
    };
    aims.push({ name: `${name}: cold reads per second, of the bare client's, ${MANY} keys at a time`, value: ratios[name], unit: "×", at: "least", aim: 0.8 });
  });
  return {
    ratios,
    aims,
    figures,
    notes: [
      `Keys of 12 bytes, values of 100 in JSON, each read once. The mesh is one node in this process, asked by getMany for ${MANY} keys at a time, ${CALLS} calls at once.`,
      `Bare: the client library alone, asked for ${MANY} keys at a time, ${CALLS} at once; it gives the values in the order of the keys, as getMany does. Counting: the same, and of what comes nothing is looked at.`,
      `One key at a time: the same mesh, asked by get, by each of ${MANY * CALLS} sessions; the node makes multi-gets of up to ${MANY} keys of it.`,
      DATABASES_NOTE,
    ],
  };
}

export const miss: Bench = { run };
