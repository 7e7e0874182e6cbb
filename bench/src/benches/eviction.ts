// A cache of a tenth of the data, under a load of which a few keys take most, with a scan through everything in between: the hit rate of
// a node beside lru-cache's on the same trace.

import { memoryStore } from "@causalmesh/adapter-memory";
import { createMesh } from "@causalmesh/core";
import { LRUCache } from "lru-cache";
import type { Aim, Bench, BenchOptions, Report } from "../bench.js";
import { median, round, spread } from "../statistics.js";
import { jsonTextAt, keyAt, list } from "../workload.js";
import { seeded, Zipf } from "../zipf.js";

const KEYS = 50_000;
const QUICK_KEYS = 2_000;
/** Entries in the cache, of the keys there are. */
const CACHED_SHARE = 0.1;
const SKEW = 0.9;
/** Requests per key, before the scan and after it. */
const REQUESTS_PER_KEY = 4;
const BATCH = 64;

interface Trace {
  readonly warm: readonly number[];
  readonly scan: readonly number[];
  readonly after: readonly number[];
}

function traceOf(keys: number, seed: number): Trace {
  const zipf = new Zipf(keys, SKEW, seeded(seed));
  const requests = (): number[] => list(keys * REQUESTS_PER_KEY, () => zipf.next());
  return { warm: requests(), scan: list(keys, (index) => index), after: requests() };
}

/** Hit rates with a warm cache and just after a scan. */
interface Rates {
  readonly warm: number;
  readonly after: number;
}

async function ofNode(keys: number, { warm, scan, after }: Trace): Promise<Rates> {
  const store = memoryStore();
  const filler = await createMesh({ nodes: 1, store, durability: "memory" });
  for (let from = 0; from < keys; from += 1000) {
    const count = Math.min(1000, keys - from);
    await filler.session().setMany(list(count, (index) => [keyAt(from + index), jsonTextAt(from + index)] as const));
  }
  await filler.close();
  await using mesh = await createMesh({ nodes: 1, store, cacheEntries: Math.floor(keys * CACHED_SHARE) });
  const session = mesh.session();
  const read = async (indexes: readonly number[]): Promise<number> => {
    const [{ hits }] = (await mesh.status()).members;
    for (let at = 0; at < indexes.length; at += BATCH) {
      const batch = indexes.slice(at, at + BATCH);
      const values = await Promise.all(batch.map((index) => session.get(keyAt(index))));
      values.forEach((value, place) => {
        if (value !== jsonTextAt(batch[place])) throw new Error(`${keyAt(batch[place])} was read as ${String(value)}`);
      });
    }
    return ((await mesh.status()).members[0].hits - hits) / indexes.length;
  };
  await read(warm.slice(0, warm.length / 2));
  const warmRate = await read(warm.slice(warm.length / 2));
  await read(scan);
  return { warm: warmRate, after: await read(after.slice(0, keys / 4)) };
}

function ofLru(keys: number, { warm, scan, after }: Trace): Rates {
  const cache = new LRUCache<string, string>({ max: Math.floor(keys * CACHED_SHARE) });
  const read = (indexes: readonly number[]): number => {
    let hits = 0;
    for (const index of indexes) {
      if (cache.get(keyAt(index)) === undefined) cache.set(keyAt(index), jsonTextAt(index));
      else hits++;
    }
    return hits / indexes.length;
  };
  read(warm.slice(0, warm.length / 2));
  const warmRate = read(warm.slice(warm.length / 2));
  read(scan);
  return { warm: warmRate, after: read(after.slice(0, keys / 4)) };
}

async function run({ quick, repetitions, progress }: BenchOptions): Promise<Report> {
  const keys = quick ? QUICK_KEYS : KEYS;
  const [node, lru]: [Rates[], Rates[]] = [[], []];
  for (let repetition = 0; repetition < repetitions; repetition++) {
    progress(`repetition ${repetition + 1} of ${repetitions}`);
    const trace = traceOf(keys, repetition + 1);
    node.push(await ofNode(keys, trace));
    lru.push(ofLru(keys, trace));
  }
  const ratio = (of: (rates: Rates) => number): number => round(median(node.map((rates, index) => of(rates) / of(lru[index]))));
  const ratios = { warm: ratio(({ warm }) => warm), afterScan: ratio(({ after }) => after) };
  const figure = (rates: readonly Rates[]): Record<string, unknown> => ({
    warm: spread(rates.map(({ warm }) => warm)),
    afterScan: spread(rates.map(({ after }) => after)),
  });
  const aim = (name: string, value: number): Aim => ({ name: `hit rate, of lru-cache's, ${name}`, value, unit: "×", at: "least", aim: 1 });
  return {
    ratios,
    aims: [aim("warm", ratios.warm), aim("just after a scan", ratios.afterScan)],
    figures: { node: figure(node), "lru-cache": figure(lru) },
    notes: [
      `${keys} keys, Zipf ${SKEW}, ${CACHED_SHARE * 100} % of the entries fit; a mesh of one node, ${BATCH} reads at a time, each value checked. After the scan: the next ${keys / 4} reads.`,
    ],
  };
}

export const eviction: Bench = { run };
