// What an entry takes in memory, beside a Map, and how long garbage collection holds a node that is full and serving.

import { setTimeout as pause } from "node:timers/promises";
import { alternated, type Bench, type BenchOptions, type Report } from "../bench.js";
import type { Crew, Worker } from "../crew.js";
import { startNodes } from "../nodes.js";
import { freePorts } from "../ports.js";
import type { ClientOptions, ClientProgram } from "../processes/client.js";
import type { MapProgram } from "../processes/map-holder.js";
import type { NodeProgram } from "../processes/node.js";
import { median, round, spread } from "../statistics.js";

const ENTRIES = 1_000_000;
const QUICK_ENTRIES = 20_000;
const CACHE_BYTES = 1024 ** 3;
const SERVING_MS = 5_000;
const QUICK_SERVING_MS = 200;
const DEPTH = 128;
const GC = { execArgv: ["--expose-gc"] };
const POLL_MS = 20;

interface FullNode {
  readonly bytesPerEntry: number;
  readonly pausesMs: readonly number[];
}

async function ofMap(crew: Crew, entries: number): Promise<number> {
  const holder = crew.start<MapProgram>("map-holder", {}, GC);
  const before = await holder.call("resident");
  await holder.call("fill", entries);
  const after = await holder.call("resident");
  await holder.end();
  return (after.bytes - before.bytes) / entries;
}

/** Fills a node, weighs it, and lets it serve reads and writes. */
async function ofNode(crew: Crew, entries: number, servingMs: number): Promise<FullNode> {
  const ports = await freePorts(1);
  const [node] = await startNodes(crew, [`127.0.0.1:${ports[0]}`], { store: "discarding", cacheBytes: CACHE_BYTES }, GC);
  const clients = ["reader", "writer"].map(() => crew.start<ClientProgram>("client", { kind: "mesh-bytes", ports } satisfies ClientOptions));
  const before = await node.call("resident");
  await clients[1].call("fill", entries);
  await settled(node, entries);
  const after = await node.call("resident");
  await node.call("pauses");
  await Promise.all([clients[0].call("run", "get", DEPTH, servingMs), clients[1].call("run", "set", DEPTH, servingMs)]);
  const pausesMs = await node.call("pauses");
  await Promise.all([node, ...clients].map((worker) => worker.end()));
  return { bytesPerEntry: (after.bytes - before.bytes) / entries, pausesMs };
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
  const maps: number[] = [];
  const nodes: FullNode[] = [];
  const subjects = [async () => void maps.push(await ofMap(crew, entries)), async () => void nodes.push(await ofNode(crew, entries, quick ? QUICK_SERVING_MS : SERVING_MS))];
  for (let repetition = 0; repetition < repetitions; repetition++) {
    progress(`repetition ${repetition + 1} of ${repetitions}`);
    for (const measure of alternated(subjects, repetition)) await measure();
  }
  return report(entries, maps, nodes);
}

function report(entries: number, maps: readonly number[], nodes: readonly FullNode[]): Report {
  const ratio = round(median(nodes.map(({ bytesPerEntry }, index) => bytesPerEntry / maps[index])));
  const longest = spread(nodes.map(({ pausesMs }) => Math.max(0, ...pausesMs)));
  return {
    ratios: { map: ratio },
    aims: [
      { name: "resident bytes per entry, of a Map's", value: ratio, unit: "×", at: "most", aim: 0.6 },
      { name: "longest garbage collection while serving, worst repetition", value: longest.max, unit: "ms", at: "below", aim: 10 },
    ],
    figures: {
      entries,
      "node: bytes per entry": spread(nodes.map(({ bytesPerEntry }) => bytesPerEntry)),
      "Map: bytes per entry": spread(maps),
      "node: longest collection in ms": longest,
      "node: collections": spread(nodes.map(({ pausesMs }) => pausesMs.length)),
      "node: collecting in ms, in all": spread(nodes.map(({ pausesMs }) => pausesMs.reduce((total, ms) => total + ms, 0))),
    },
    notes: [
      "Growth of the resident set from start to full, after forced collections; keys of 12 bytes, values of 100 bytes in JSON, in a Map as flat strings of 98.",
      "The node's store discards rows, as if the database were elsewhere. While serving: GET and SET at depth 128 from a bare client each.",
    ],
  };
}

export const memory: Bench = { run };
