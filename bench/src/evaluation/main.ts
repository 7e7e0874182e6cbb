// The evaluation's command line: `npm run evaluate`.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError, Option } from "commander";
import { endOnSignals, runProgram } from "../command-line.js";
import type { Crew } from "../crew.js";
import { planBeyond, runBeyond } from "./beyond/beyond.js";
import type { Bench } from "./experiments/experiment.js";
import { planMicro, runMicro } from "./experiments/micro.js";
import { planAnomalies, planMedia, planServers, planYcsb, runAnomalies, runMedia, runServers, runYcsb } from "./experiments/others.js";
import { machine } from "./machine.js";
import { Progress } from "./progress.js";
import { joinedResults, type Results } from "./report/results.js";
import { hasResults, readResults, writeDocument, writeResults } from "./report/write.js";
import { settings } from "./settings.js";
import { SYSTEM_NAMES, type SystemName } from "./systems/registry.js";

const EXPERIMENTS = {
  micro: { plan: planMicro, run: runMicro },
  servers: { plan: planServers, run: runServers },
  media: { plan: planMedia, run: runMedia },
  anomalies: { plan: planAnomalies, run: runAnomalies },
  ycsb: { plan: planYcsb, run: runYcsb },
  beyond: { plan: planBeyond, run: runBeyond },
} as const;
type ExperimentName = keyof typeof EXPERIMENTS;
const EXPERIMENT_NAMES = Object.keys(EXPERIMENTS) as ExperimentName[];

const BENCH = fileURLToPath(new URL("../../", import.meta.url));
const RESULTS = join(BENCH, "results");
const DOCUMENT = join(BENCH, "../docs/evaluation.md");
const DOCUMENT_PLOTS = join(BENCH, "../docs/evaluation");

interface Flags {
  readonly quick?: boolean;
  readonly document?: boolean;
  readonly only: readonly ExperimentName[];
  readonly systems: readonly SystemName[];
  readonly repetitions?: number;
  readonly seed: number;
  readonly out?: string;
  readonly into?: string;
  readonly profile?: string;
}

function listOf<Name extends string>(known: readonly Name[]): (text: string) => Name[] {
  return (text) => {
    const names = text.split(",");
    const unknown = names.find((name) => !(known as readonly string[]).includes(name));
    if (unknown !== undefined) throw new InvalidArgumentError(`There is no ${JSON.stringify(unknown)}; there are ${known.join(", ")}.`);
    return names as Name[];
  };
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("It takes a whole number above 0.");
  return value;
}

function withResultsIn(folder: string): string {
  if (!hasResults(folder)) throw new InvalidArgumentError("There are no results in it.");
  return folder;
}

const program = new Command("evaluate")
  .description("Measures our mesh and what came before it side by side, with the workloads of the paper, and writes tables and plots into bench/results.")
  .option("--quick", "in less than ten minutes, to see the shapes")
  .addOption(new Option("--only <experiments>", `of ${EXPERIMENT_NAMES.join(", ")}`).argParser(listOf(EXPERIMENT_NAMES)).default(EXPERIMENT_NAMES, "all"))
  .addOption(new Option("--systems <names>", `of ${SYSTEM_NAMES.join(", ")}`).argParser(listOf(SYSTEM_NAMES)).default(SYSTEM_NAMES, "all"))
  .addOption(new Option("--repetitions <count>", "how often each thing is measured").argParser(wholeNumber))
  .addOption(new Option("--seed <number>", "of what the workloads draw").argParser(wholeNumber).default(1))
  .option("--out <folder>", "for the results, instead of one named by date and time in bench/results")
  .addOption(
    new Option("--into <folder>", "adds what is measured now to the results that another run has left there").argParser(withResultsIn).conflicts("out"),
  )
  .option("--profile <folder>", "leave a CPU profile of each process there")
  .option("--document", "measure nothing; put the newest results into docs/evaluation.md")
  .exitOverride()
  .action(main);

async function main(flags: Flags): Promise<void> {
  if (flags.document === true) {
    console.log(`docs/evaluation.md shows ${writeDocument(RESULTS, DOCUMENT, DOCUMENT_PLOTS)}`);
    return;
  }
  const crews = new Set<Crew>();
  endOnSignals({
    end: async () => void (await Promise.all([...crews].map((crew) => crew.end()))),
    kill: () => crews.forEach((crew) => crew.kill()),
  });
  const { quick = false, repetitions, seed, only, systems, profile } = flags;
  const bench: Bench = { settings: settings({ quick, repetitions, seed }), systems, progress: new Progress((line) => console.error(line)), profile, crews };
  const before = flags.into === undefined ? undefined : readResults(flags.into);
  if (before !== undefined && before.settings.quick !== quick)
    throw new Error(`the results in ${flags.into} are of a run ${quick ? "without" : "with"} --quick`);
  const results = joinedResults(before, await evaluated(bench, only));
  const folder = flags.into ?? flags.out ?? join(RESULTS, results.date.slice(0, 16).replace(/[T:]/g, "-"));
  writeResults(folder, results);
  console.log(folder);
}

async function evaluated(bench: Bench, only: readonly ExperimentName[]): Promise<Results> {
  const begin = performance.now();
  const date = new Date().toISOString();
  const ran = await machine();
  for (const name of only) EXPERIMENTS[name].plan(bench);
  const found: Record<string, unknown> = {};
  for (const name of only) {
    const measured = await EXPERIMENTS[name].run(bench);
    if (measured !== undefined) found[name] = measured;
  }
  const command = ["npm run evaluate", ...(process.argv.length > 2 ? ["--", ...process.argv.slice(2)] : [])].join(" ");
  return { date, command, settings: bench.settings, machine: ran, seconds: (performance.now() - begin) / 1000, ...found };
}

await runProgram(program);
