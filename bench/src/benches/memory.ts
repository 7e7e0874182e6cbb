// What an entry takes in memory, beside a Map, and how long garbage collection holds a node that is full and serving.

import { setTimeout as pause } from "node:timers/promises";
import { alternated, type Bench, type BenchOptions, type Report } from "../bench.js";
import type { Crew, Worker } from "../crew.js";
import { startNodes } from "../nodes.js";
import { freePorts } from "../ports.js";
import type { ClientOptions, ClientProgram } from "../processes/client.js";
import type { MapProgram, MapValues } from "../processes/map-holder.js";
import type { NodeProgram } from "../processes/node.js";
import type { Resident } from "../resident.js";
import { median, round, spread } from "../statistics.js";
import { HOT_ENTRIES } from "../workload.js";

const ENTRIES = 1_000_000;
const QUICK_ENTRIES = 100_000;
const CACHE_BYTES = 1024 ** 3;
const SERVING_MS = 5_000;
const QUICK_SERVING_MS = 200;
const DEPTH = 128;
const GC = { execArgv: ["--expose-gc"] };
const POLL_MS = 20;
/** Fills of the hot entries before the first weighing, so that the runtime's young generation has its size. */
const WARM_UP_ROUNDS = 20;

interface FullNode {
  readonly bytesPerEntry: number;
  readonly pausesMs: readonly number[];
}

/** Bytes of the resident set per entry, from a process that is warm to one that is full: the runtime's own growth is not the entries'. */
function perEntry(warm: Resident, full: Resident, entries: number): number {
  return (full.bytes - warm.bytes) / (entries - HOT_ENTRIES);
}

async function ofMap(crew: Crew, values: MapValues, entries: number): Promise<number> {
  const holder = crew.start<MapProgram>("map-holder", { values }, GC);
  for (let round = 0; round < WARM_UP_ROUNDS; round++) await holder.call("fill", HOT_ENTRIES);
  const warm = await holder.call("resident");
  await holder.call("fill", entries);
  const full = await holder.call("resident");
  await holder.end();
  return perEntry(warm, full, entries);
}

/** Fills a node, weighs it, and lets it serve reads and writes. */
async function ofNode(crew: Crew, entries: number, servingMs: number): Promise<FullNode> {
  const ports = await freePorts(1);
  const [node] = await startNodes(crew, [`127.0.0.1:${ports[0]}`], { store: "discarding", cacheBytes: CACHE_BYTES }, GC);
  const [reader, writer] = ["reader", "writer"].map(() => crew.start<ClientProgram>("client", { kind: "mesh-bytes", ports } satisfies ClientOptions));
  for (let round = 0; round < WARM_UP_ROUNDS; round++) await writer.call("fill", HOT_ENTRIES);
  await settled(node, HOT_ENTRIES);
  const warm = await node.call("resident");
  await writer.call("fill", entries);
  await settled(node, entries);
  const full = await node.call("resident");
  await node.call("pauses");
  await Promise.all([reader.call("run", "get", DEPTH, servingMs), writer.call("run", "set", DEPTH, servingMs)]);
  const pausesMs = await node.call("pauses");
  await Promise.all([node, reader, writer].map((worker) => worker.end()));
  return { bytesPerEntry: perEntry(warm, full, entries), pausesMs };
}

/** Waits until everything is flushed and the log is empty; then only the cache is left. */
async function settled(node: Worker<NodeProgram>, entries: number): Promise<void> {
  for (;;) {
    const { log, cacheEntries, evictions } = await node.call("status");
    if (evictions > 0 || cacheEntries > entries) throw new Error(`the node holds ${cacheEntries} entries after ${evictions} evictions instead of ${entries}`);
    if (log === 0 && cacheEntries === entries) return;
    await pause(POLL_MS);
  }
}

async function run({ crew, quick, repetitions, progress }: BenchOptions): Promise<Report> {
  const entries = quick ? QUICK_ENTRIES : ENTRIES;
  const bytes: number[] = [];
  const strings: number[] = [];
  const nodes: FullNode[] = [];
  const subjects = [
    async () => void bytes.push(await ofMap(crew, "bytes", entries)),
    async () => void nodes.push(await ofNode(crew, entries, quick ? QUICK_SERVING_MS : SERVING_MS)),
    async () => void strings.push(await ofMap(crew, "strings", entries)),
  ];
  for (let repetition = 0; repetition < repetitions; repetition++) {
    progress(`repetition ${repetition + 1} of ${repetitions}`);
    for (const measure of alternated(subjects, repetition)) await measure();
  }
  return report(entries, { bytes, strings }, nodes);
}

function report(entries: number, maps: Readonly<Record<MapValues, readonly number[]>>, nodes: readonly FullNode[]): Report {
  const ratio = (values: MapValues): number => round(median(nodes.map(({ bytesPerEntry }, index) => bytesPerEntry / maps[values][index])));
  const ratios = { map: ratio("bytes"), mapOfStrings: ratio("strings") };
  const longest = spread(nodes.map(({ pausesMs }) => Math.max(0, ...pausesMs)));
  return {
    ratios,
    aims: [
      { name: "resident bytes per entry, of a Map with values as bytes", value: ratios.map, unit: "×", at: "most", aim: 0.6 },
      { name: "the same, of a Map with values as flat strings", value: ratios.mapOfStrings, unit: "×", at: "most", aim: 0.6 },
      { name: "longest garbage collection while serving, worst repetition", value: longest.max, unit: "ms", at: "below", aim: 10 },
    ],
    figures: {
      entries,
      "node: bytes per entry": spread(nodes.map(({ bytesPerEntry }) => bytesPerEntry)),
      "Map, values as bytes: bytes per entry": spread(maps.bytes),
      "Map, values as strings: bytes per entry": spread(maps.strings),
      "node: longest collection in ms": longest,
      "node: collections": spread(nodes.map(({ pausesMs }) => pausesMs.length)),
      "node: collecting in ms, in all": spread(nodes.map(({ pausesMs }) => pausesMs.reduce((total, ms) => total + ms, 0))),
    },
    notes: [
      "Growth of the resident set from 8 192 entries, warm, to all, after forced collections. Keys of 12 bytes; values of 100 bytes, in the Map of strings 98 characters.",
      "A node's entry has its write's timestamp and dot as well (20 bytes); the Maps' have not.",
      "The node's store discards rows, as if the database were elsewhere. While serving: GET and SET at depth 128 from a bare client each.",
    ],
  };
}

export const memory: Bench = { run };
