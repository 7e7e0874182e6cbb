// What it costs that sessions travel: a hit by the ambient session beside one by a session in hand, and tokens made and taken apart.

import { memoryStore } from "@causalmesh/adapter-memory";
import { createMesh, type Mesh, type Session } from "@causalmesh/core";
import { alternated, type Bench, type BenchOptions, type Report } from "../bench.js";
import { round, spread } from "../statistics.js";
import { HOT_ENTRIES, jsonTextAt, keyAt, list } from "../workload.js";

const KEYS = list(HOT_ENTRIES, keyAt);
const ROUNDS = 30;
const QUICK_ROUNDS = 2;
const TOKENS = 20_000;
const QUICK_TOKENS = 500;

/** CPU time so far, in nanoseconds: what is compared here runs in one thread, and differs by less than what a busy machine adds to the time of day. */
function cpuNanoseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

/** CPU nanoseconds per get, each of which is awaited. */
async function measure(get: (key: string) => Promise<unknown>, rounds: number): Promise<number> {
  const start = cpuNanoseconds();
  for (let round = 0; round < rounds; round++) {
    for (const key of KEYS) if ((await get(key)) === undefined) throw new Error(`${key} was set and is absent`);
  }
  return (cpuNanoseconds() - start) / (rounds * KEYS.length);
}

/** Per second of CPU, of one session: token() and session(token). */
async function tokensPerSecond(mesh: Mesh, session: Session, count: number): Promise<{ made: number; taken: number; characters: number }> {
  let token = await session.token();
  const begin = cpuNanoseconds();
  for (let index = 0; index < count; index++) token = await session.token();
  const middle = cpuNanoseconds();
  for (let index = 0; index < count; index++) mesh.session(token);
  const end = cpuNanoseconds();
  const perSecond = (nanoseconds: number): number => Math.round((count / nanoseconds) * 1e9);
  return { made: perSecond(middle - begin), taken: perSecond(end - middle), characters: token.length };
}

async function run({ quick, repetitions, progress }: BenchOptions): Promise<Report> {
  const rounds = quick ? QUICK_ROUNDS : ROUNDS;
  await using mesh = await createMesh({ nodes: 1, store: memoryStore(), durability: "memory" });
  const writer = mesh.session();
  for (const [index, key] of KEYS.entries()) await writer.set(key, jsonTextAt(index));
  const session = mesh.session();
  const inHand = (): Promise<number> => measure((key) => session.get(key), rounds);
  const ambient = (): Promise<number> => mesh.run(() => measure((key) => mesh.get(key), rounds));
  progress("before the first run");
  await inHand();
  // In Node.js 20 an AsyncLocalStorage that is in use costs every promise of the process something.
  const before: number[] = [];
  for (let repetition = 0; repetition < repetitions; repetition++) before.push(await inHand());
  progress("ambient");
  await ambient();
  const samples = { "session.get": [] as number[], "mesh.get in mesh.run": [] as number[] };
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const name of alternated(Object.keys(samples) as (keyof typeof samples)[], repetition))
      samples[name].push(await (name === "session.get" ? inHand() : ambient()));
  }
  progress("tokens");
  const count = quick ? QUICK_TOKENS : TOKENS;
  const tokens = await tokensPerSecond(mesh, session, count);
  const figures = {
    "session.get, before the first run": { cpuNanoseconds: spread(before) },
    ...Object.fromEntries(Object.entries(samples).map(([name, values]) => [name, { cpuNanoseconds: spread(values) }])),
    tokens,
  };
  const cost = spread(samples["mesh.get in mesh.run"]).median - spread(before).median;
  return {
    ratios: { inHand: round(spread(before).median / spread(samples["mesh.get in mesh.run"]).median) },
    aims: [{ name: "mesh.get beyond session.get", value: Math.round(cost), unit: "ns", at: "below", aim: 1000 }],
    figures,
    notes: [
      "A mesh of one node with a store in memory; 8 192 keys of 12 bytes, values of 100 bytes in JSON; each get is awaited.",
      "CPU time. The difference is taken to sessions in hand of a process that has not called mesh.run yet.",
    ],
  };
}

export const session: Bench = { run };
