// YCSB's core workloads A to F as published: records of 1 KB, Zipf 0.99. A workflow is one operation at a random server. There are no scans here to
// speak of: those of E are reads of as many consecutive records as one request.

import { Zipf } from "../../zipf.js";
import { numbered } from "../load/notes.js";
import type { Calls } from "../load/flow.js";
import { below, type Draw, keyNames, type Workload, type WorkloadOptions } from "./workload.js";

const SKEW = 0.99;
const RECORD_BYTES = 1_000;
const NUMBER_BYTES = 8;
const SCAN_MAX = 100;

type Operation = "read" | "update" | "insert" | "scan" | "modify" | "readLatest";

/** Shares of the operations. */
const MIXES: Readonly<Record<string, readonly (readonly [Operation, number])[]>> = {
  A: [
    ["read", 0.5],
    ["update", 0.5],
  ],
  B: [
    ["read", 0.95],
    ["update", 0.05],
  ],
  C: [["read", 1]],
  D: [
    ["readLatest", 0.95],
    ["insert", 0.05],
  ],
  E: [
    ["scan", 0.95],
    ["insert", 0.05],
  ],
  F: [
    ["read", 0.5],
    ["modify", 0.5],
  ],
};

export function ycsb({ keys: records, letter = "A" }: WorkloadOptions, { random, servers }: Draw): Workload {
  const mix = MIXES[letter];
  const keys = keyNames(records);
  const payload = "x".repeat(RECORD_BYTES - NUMBER_BYTES);
  const zipf = new Zipf(records, SKEW, random);
  const inserted = [...keys];
  // YCSB spreads the hot records over all of them.
  const hot = (): number => (zipf.next() * 2_654_435_761) % records;
  const operation = (): Operation => {
    let left = random();
    for (const [name, share] of mix) if ((left -= share) < 0) return name;
    return mix[0][0];
  };
  const keysOf = (name: Operation): string[] => {
    if (name === "readLatest") return [inserted[inserted.length - 1 - zipf.next()]];
    if (name === "insert") {
      const key = `new:${String(inserted.length).padStart(8, "0")}`;
      inserted.push(key);
      return [key];
    }
    const first = hot();
    return name === "scan" ? keys.slice(first, first + 1 + below(random, SCAN_MAX)) : [keys[first]];
  };
  const next = (): ReturnType<Workload["next"]> => {
    const name = operation();
    const touched = keysOf(name);
    const server = below(random, servers);
    const reads = name === "update" || name === "insert" ? [] : touched;
    const work = async (calls: Calls): Promise<void> => {
      if (reads.length > 0) await calls.readMany(reads);
      if (name === "update" || name === "insert" || name === "modify") await calls.write(touched[0], payload);
    };
    return { plan: [{ server, reads }], run: (flow) => flow.call({ server, reads, last: true, work }) };
  };
  return { keys, fill: numbered(0, payload), next };
}
