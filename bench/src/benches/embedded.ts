// A hit in one process: `session.get` of an embedded mesh, beside Map and lru-cache.

import { memoryStore } from "@causalmesh/adapter-memory";
import { createMesh, type Session } from "@causalmesh/core";
import { LRUCache } from "lru-cache";
import { alternated, type Bench, type BenchOptions, type Report } from "../bench.js";
import { round, spread } from "../statistics.js";
import { HOT_ENTRIES, jsonTextAt, keyAt, list } from "../workload.js";

const KEYS = list(HOT_ENTRIES, keyAt);
const ROUNDS = 60;
const QUICK_ROUNDS = 3;

interface Subject {
  readonly name: string;
  /** Gets every key once; returns the sum of the values' lengths. */
  readonly getAll: () => number | Promise<number>;
}

function subjectsOf(session: Session): Subject[] {
  const map = new Map(KEYS.map((key, index) => [key, jsonTextAt(index)]));
  const lru = new LRUCache<string, string>({ max: HOT_ENTRIES });
  for (const [key, value] of map) lru.set(key, value);
  return [
    { name: "session.get", getAll: () => awaitedSum((key) => session.get<string>(key)) },
    { name: "Map.get", getAll: () => plainSum((key) => map.get(key)) },
    { name: "Map.get, awaited", getAll: () => awaitedSum((key) => Promise.resolve(map.get(key))) },
    { name: "lru-cache get", getAll: () => plainSum((key) => lru.get(key)) },
  ];
}

function plainSum(get: (key: string) => string | undefined): number {
  let sum = 0;
  for (const key of KEYS) sum += get(key)!.length;
  return sum;
}

async function awaitedSum(get: (key: string) => Promise<string | undefined>): Promise<number> {
  let sum = 0;
  for (const key of KEYS) sum += (await get(key))!.length;
  return sum;
}

/** Nanoseconds per get. */
async function measure({ name, getAll }: Subject, rounds: number): Promise<number> {
  const expected = HOT_ENTRIES * jsonTextAt(0).length;
  const start = performance.now();
  for (let round = 0; round < rounds; round++) {
    if ((await getAll()) !== expected) throw new Error(`${name} returned other values than were set`);
  }
  return ((performance.now() - start) * 1e6) / (rounds * KEYS.length);
}

async function run({ quick, repetitions, progress }: BenchOptions): Promise<Report> {
  const rounds = quick ? QUICK_ROUNDS : ROUNDS;
  await using mesh = await createMesh({ nodes: 1, store: memoryStore(), durability: "memory" });
  const session = mesh.session();
  for (const [index, key] of KEYS.entries()) await session.set(key, jsonTextAt(index));
  const subjects = subjectsOf(mesh.session());
  progress("warm-up");
  for (const subject of subjects) await measure(subject, rounds);
  const samples = new Map<string, number[]>(subjects.map(({ name }) => [name, []]));
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const subject of alternated(subjects, repetition)) samples.get(subject.name)!.push(await measure(subject, rounds));
  }
  const figures = Object.fromEntries([...samples].map(([name, values]) => [name, { nanoseconds: spread(values) }]));
  const own = figures["session.get"].nanoseconds.median;
  return {
    ratios: { map: round(figures["Map.get"].nanoseconds.median / own), lruCache: round(figures["lru-cache get"].nanoseconds.median / own) },
    aims: [{ name: "session.get of a hit in this process", value: own, unit: "ns", at: "below", aim: 1000 }],
    figures,
    notes: ["A mesh of one node with a store in memory; 8 192 keys of 12 bytes, values of 100 bytes in JSON; each get of the session is awaited."],
  };
}

export const embedded: Bench = { run };
