// The benches' command line: `bench NAME [--json] [--quick]`.

import { Command, Option } from "commander";
import type { Bench } from "./bench.js";
import { endOnSignals, runProgram, USAGE } from "./command-line.js";
import { Crew } from "./crew.js";
import { jsonLine, text } from "./print.js";

interface Listed {
  readonly name: string;
  readonly summary: string;
  /** Loaded when it runs, so that `--list` and `--help` need nothing of what is measured. */
  readonly load: () => Promise<Bench>;
}

const BENCHES: readonly Listed[] = [
  {
    name: "hit",
    summary: "GET and SET of cached values over TCP, beside a plain echo and redis-server",
    load: async () => (await import("./benches/hit.js")).hit,
  },
  {
    name: "embedded",
    summary: "session.get of a hit in one process, beside Map and lru-cache",
    load: async () => (await import("./benches/embedded.js")).embedded,
  },
  {
    name: "session",
    summary: "what the ambient session of mesh.run costs per get, and tokens made and taken apart per second",
    load: async () => (await import("./benches/session.js")).session,
  },
  {
    name: "transaction",
    summary: "workflows of three functions as transactions beside sessions, and the memory that old versions take",
    load: async () => (await import("./benches/transaction.js")).transaction,
  },
  {
    name: "ring",
    summary: "writes through 3 and 5 node processes: rate, link bytes, CPU, visibility",
    load: async () => (await import("./benches/ring.js")).ring,
  },
  {
    name: "memory",
    summary: "bytes per entry beside a Map, and garbage collection while serving",
    load: async () => (await import("./benches/memory.js")).memory,
  },
  {
    name: "eviction",
    summary: "hit rate of a cache of a tenth of the data, with a scan in between, beside lru-cache",
    load: async () => (await import("./benches/eviction.js")).eviction,
  },
  {
    name: "flush",
    summary: "writes per second that reach each database, beside its client library alone",
    load: async () => (await import("./benches/flush.js")).flush,
  },
  {
    name: "miss",
    summary: "cold reads per second out of each database, beside its client library alone",
    load: async () => (await import("./benches/miss.js")).miss,
  },
  {
    name: "cold",
    summary: "the first read and the first seconds of a mesh on a store of a million rows",
    load: async () => (await import("./benches/cold.js")).cold,
  },
  {
    name: "acknowledge",
    summary: "latency of a write at each durability level, beside each database's own",
    load: async () => (await import("./benches/acknowledge.js")).acknowledge,
  },
  {
    name: "checker",
    summary: "time and memory to judge a history of a million operations",
    load: async () => (await import("./benches/checker.js")).checker,
  },
];
const REPETITIONS = 5;
const QUICK_REPETITIONS = 3;

interface Flags {
  readonly json?: boolean;
  readonly quick?: boolean;
  readonly list?: boolean;
  readonly profile?: string;
  readonly repetitions?: number;
}

const benchList = BENCHES.map(({ name, summary }) => `  ${name.padEnd(10)}${summary}`).join("\n");

const program = new Command("bench")
  .description("Side-by-side measurements, several repetitions in alternating order.")
  .argument("[name]", "which bench to run")
  .option("--json", "print one line of JSON")
  .option("--quick", "a smoke run, whose figures say nothing")
  .option("--list", "print the names of the benches")
  .addOption(new Option("--repetitions <count>", "how often each thing is measured").argParser(Number))
  .option("--profile <folder>", "leave a CPU profile of each process there")
  .addHelpText("after", `\nBenches:\n${benchList}\n`)
  .exitOverride()
  .action(main);

async function main(name: string | undefined, flags: Flags): Promise<void> {
  if (flags.list === true) {
    console.log(BENCHES.map((bench) => bench.name).join("\n"));
    return;
  }
  const bench = BENCHES.find((candidate) => candidate.name === name);
  const repetitions = flags.repetitions ?? (flags.quick === true ? QUICK_REPETITIONS : REPETITIONS);
  if (bench === undefined || !Number.isInteger(repetitions) || repetitions < 1) {
    console.error(bench === undefined ? `There is no bench ${JSON.stringify(name ?? "")}.\n` : "--repetitions takes a whole number above 0.\n");
    program.outputHelp({ error: true });
    process.exitCode = USAGE;
    return;
  }
  await run(bench, flags, repetitions);
}

async function run({ name, load }: Listed, { json = false, quick = false, profile }: Flags, repetitions: number): Promise<void> {
  const crew = new Crew(profile);
  endOnSignals(crew);
  try {
    const report = await (await load()).run({ crew, quick, repetitions, progress: (line) => console.error(`${name}: ${line}`) });
    const printed = { ...report, bench: name, quick, repetitions };
    process.stdout.write(json ? `${jsonLine(printed)}\n` : text(printed));
  } finally {
    await crew.end();
  }
}

await runProgram(program);
