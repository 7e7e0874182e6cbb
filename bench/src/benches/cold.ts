// A mesh that is started on a store of a million rows: when its first read is answered, and how it warms under a load of which a few keys
// take most. Beside it, what it would take to read the whole store first.

import { createMesh, limits, type Store } from "@causalmesh/core";
import type { Aim, Bench, BenchOptions, Report } from "../bench.js";
import { onEachDatabase } from "../stores/databases.js";
import { median, round, spread } from "../statistics.js";
import { jsonTextAt, keyAt, list } from "../workload.js";
import { seeded, Zipf } from "../zipf.js";

const DATABASES = ["lmdb", "postgres"];
const ROWS = 1_000_000;
const QUICK_ROWS = 5_000;
const SKEW = 0.99;
const SLICES = 5;
const SLICE_MS = 1_000;
const QUICK_SLICE_MS = 100;
/** Reads at a time. */
const BRANCHES = 256;
/** Reads of one of them before it lets others have a turn. */
const TURN_READS = 4;
const SCAN_ROWS = 10_000;
/** The n-th most wanted key is not the n-th of the store: a prime that divides no number of rows here spreads them. */
const STRIDE = 7_919;
const AT_ONCE_MS = 100;

interface Sample {
  readonly firstMs: number;
  /** Of each slice of time, one after the other. */
  readonly readsPerSecond: readonly number[];
  readonly hitRates: readonly number[];
}

async function fill(store: Store, rows: number): Promise<void> {
  const mesh = await createMesh({ nodes: 1, store, durability: "memory" });
  const session = mesh.session();
  for (let from = 0; from < rows; from += 1000) {
    const part = list(1000, (index) => [keyAt(from + index), jsonTextAt(from + index)] as const);
    // The log has its bound: each part is a write that the store has taken before the next twenty.
    await session.setMany(part, { durability: from % 20_000 === 0 ? "stored" : "memory" });
  }
  await mesh.close();
}

async function coldStart(store: Store, rows: number, sliceMs: number, seed: number): Promise<Sample> {
  const zipf = new Zipf(rows, SKEW, seeded(seed));
  const next = (): number => (zipf.next() * STRIDE) % rows;
  const begin = performance.now();
  const mesh = await createMesh({ nodes: 1, store });
  const session = mesh.session();
  const read = async (): Promise<void> => {
    const index = next();
    if ((await session.get(keyAt(index))) !== jsonTextAt(index)) throw new Error(`${keyAt(index)} was read wrong from ${store.name}`);
  };
  await read();
  const firstMs = performance.now() - begin;
  let ended = false;
  const load = Promise.all(
    Array.from({ length: BRANCHES }, async () => {
      for (let count = 1; !ended; count++) {
        await read();
        // A hit is answered within this turn of the event loop, which has other work too.
        if (count % TURN_READS === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    }),
  );
  const samples = { readsPerSecond: [] as number[], hitRates: [] as number[] };
  let { reads, hits } = (await mesh.status()).members[0];
  let at = performance.now();
  for (let slice = 0; slice < SLICES; slice++) {
    await new Promise((resolve) => setTimeout(resolve, sliceMs));
    const [now] = (await mesh.status()).members;
    const elapsedMs = performance.now() - at;
    at += elapsedMs;
    samples.readsPerSecond.push(((now.reads - reads) / elapsedMs) * 1000);
    samples.hitRates.push((now.hits - hits) / (now.reads - reads));
    ({ reads, hits } = now);
  }
  ended = true;
  await load;
  await mesh.close();
  return { firstMs, ...samples };
}

async function readWhole(store: Store, rows: number): Promise<number> {
  const begin = performance.now();
  let found = 0;
  let cursor: string | undefined;
  do {
    const page = await store.scan("", cursor, SCAN_ROWS);
    found += page.rows.length;
    cursor = page.cursor;
  } while (cursor !== undefined);
  if (found !== rows) throw new Error(`${store.name} has ${found} rows, not ${rows}`);
  return performance.now() - begin;
}

function perSlice(samples: readonly Sample[], of: (sample: Sample) => readonly number[]): Record<string, unknown> {
  return Object.fromEntries(list(SLICES, (slice) => [`second ${slice + 1}`, spread(samples.map((sample) => of(sample)[slice]))]));
}

async function run({ quick, repetitions, progress }: BenchOptions): Promise<Report> {
  const rows = quick ? QUICK_ROWS : ROWS;
  const figures: Record<string, unknown> = {};
  const ratios: Record<string, number> = {};
  const aims: Aim[] = [];
  await onEachDatabase(async (database) => {
    const { name } = database;
    progress(`${name}: ${rows} rows are written`);
    const store = await database.store();
    await fill(store, rows);
    const [samples, scans]: [Sample[], number[]] = [[], []];
    for (let repetition = 0; repetition < repetitions; repetition++) {
      progress(`${name}: repetition ${repetition + 1} of ${repetitions}`);
      samples.push(await coldStart(store, rows, quick ? QUICK_SLICE_MS : SLICE_MS, repetition + 1));
      scans.push(await readWhole(store, rows));
    }
    await store.close();
    const first = spread(samples.map(({ firstMs }) => firstMs));
    figures[name] = {
      firstReadMs: first,
      readingAllMs: spread(scans),
      readsPerSecond: perSlice(samples, ({ readsPerSecond }) => readsPerSecond),
      hitRate: perSlice(samples, ({ hitRates }) => hitRates),
    };
    ratios[`${name}ReadingAll`] = round(median(samples.map(({ firstMs }, index) => scans[index] / firstMs)));
    aims.push({ name: `${name}: until the first read is answered`, value: first.median, unit: "ms", at: "most", aim: AT_ONCE_MS });
  }, DATABASES);
  return {
    ratios,
    aims,
    figures,
    notes: [
      `${rows} rows with keys of 12 bytes and values of 100 in JSON. A mesh of one node in this process with a cache of ${limits.CACHE_BYTES_DEFAULT / 2 ** 20} MiB is started on them; from then on ${BRANCHES} reads at a time by Zipf ${SKEW}, each value checked.`,
      `Reading all: the store alone, from its first row to its last by ${SCAN_ROWS}, which a cache would have to do that is filled before it serves; ratios: that time, of the first read's.`,
    ],
  };
}

export const cold: Bench = { run };
