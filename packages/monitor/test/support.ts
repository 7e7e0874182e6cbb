// What the tests of this package share: seeds, and monitors that keep what they find.

import { Monitor, type Finding, type MonitorOptions } from "../src/index.js";

export interface Watch {
  readonly monitor: Monitor;
  readonly findings: Finding[];
}

export function watch(options: Omit<MonitorOptions, "onFinding"> = {}): Watch {
  const findings: Finding[] = [];
  return { monitor: new Monitor({ ...options, onFinding: (finding) => findings.push(finding) }), findings };
}

/** The seed of a test's random numbers: from the environment, or drawn and printed. */
export function seedOf(): number {
  const seed = Number(process.env.CAUSALMESH_MONITOR_SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`CAUSALMESH_MONITOR_SEED=${seed}`);
  return seed;
}
