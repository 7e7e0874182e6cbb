// What was aimed at, what was reached, and the command that shows it.

import { table } from "./markdown.js";
import { lengthSteps } from "./tables.js";
import { median } from "../../statistics.js";
import type { MeasuredStep } from "../cluster.js";
import type { SystemName } from "../systems/registry.js";
import { figure, metadataBytes, stepsAt, sustainedOf, totalCpu, workflowsOf } from "./figures.js";
import { isBusy, type Results } from "./results.js";

const COMMAND = "`npm run evaluate -- --only micro`";
/** Of this side the smaller the better. */
type Sign = "≥" | "≤";

interface Target {
  readonly against: string;
  readonly what: string;
  readonly sign: Sign;
  readonly aim: number;
  readonly reached: number | undefined;
}

export function targetsTable(results: Results): string {
  const rows = targetsOf(results).map(({ against, what, sign, aim, reached }) => {
    const verdict = reached === undefined ? "not measured" : isBusy(results) ? "not judged: busy machine" : isMet(sign, reached, aim) ? "met" : "missed";
    return [against, what, `${sign} ${aim}`, reached === undefined ? "–" : String(Number(reached.toPrecision(3))), verdict, COMMAND];
  });
  return `### targets\n\n${table(["against", "what", "aimed", "reached", "", "command"], rows)}`;
}

function isMet(sign: Sign, reached: number, aim: number): boolean {
  return sign === "≥" ? reached >= aim : reached <= aim;
}

function targetsOf(results: Results): Target[] {
  const { micro = [], settings } = results;
  const rate = settings.fixedRates.at(-1)!;
  const at = (system: SystemName, value: (step: MeasuredStep) => number, atRate = rate): number | undefined =>
    figure(system, stepsAt(micro, system, atRate), value)?.median;
  const cpu = (step: MeasuredStep): number => totalCpu(step) / workflowsOf(step, settings.warmUpMs);
  const sustained = (system: SystemName): number | undefined => sustainedOf(micro, system)?.median;
  const target = (against: SystemName, what: string, sign: Sign, aim: number, reached: number | undefined): Target => ({
    against: `\`${against}\``,
    what,
    sign,
    aim,
    reached,
  });
  // The highest rate of the ladder that both keep: there the requests of many workflows share a message, as they do where there is much to do.
  const kept = Math.min(sustained("causalmesh") ?? 0, sustained("weak") ?? 0);
  const busiest = Math.max(rate, ...settings.ladder.filter((one) => one <= kept));
  const p99Worst = (against: SystemName): number | undefined => {
    const rates = [...new Set([...settings.fixedRates, ...settings.ladder])];
    const ratios = rates.map((one) => ratio(p99At(micro, "causalmesh", one), p99At(micro, against, one))).filter((value) => value !== undefined);
    return ratios.length === 0 ? undefined : Math.max(...ratios);
  };
  const rivals = (["hydrocache-con", "hydrocache-opt", "faastcc"] as const).flatMap((system) => [
    target(system, "sustained rate", "≥", system === "faastcc" ? 2 : 3, ratio(sustained("causalmesh"), sustained(system))),
    target(system, "p99, worst ratio over the rates that both had", "≤", 1, p99Worst(system)),
  ]);
  const paper = "causalmesh-paper";
  return [
    ...[...new Set([rate, busiest])].flatMap((one) => [
      target("weak", `p50 of a workflow at ${one}/s`, "≤", 1.05, ratio(at("causalmesh", p50, one), at("weak", p50, one))),
      target("weak", `CPU per workflow at ${one}/s, all processes`, "≤", 1.05, ratio(at("causalmesh", cpu, one), at("weak", cpu, one))),
    ]),
    target(paper, "sustained rate", "≥", 2, ratio(sustained("causalmesh"), sustained(paper))),
    target(paper, "metadata bytes per operation", "≤", 0.1, ratio(at("causalmesh", metadata(results)), at(paper, metadata(results)))),
    { against: "itself", what: "p50 per function, 10 functions against 3", sign: "≤", aim: 1.02, reached: growth(results) },
    ...rivals,
    {
      against: "itself",
      what: "sustained rate, `causalmesh-tcc` against `causalmesh`",
      sign: "≥",
      aim: 0.95,
      reached: ratio(sustained("causalmesh-tcc"), sustained("causalmesh")),
    },
    { against: "itself", what: "aborts of `causalmesh-tcc`", sign: "≤", aim: 0, reached: aborts(results) },
  ];
}

const p50 = ({ workflowMs }: MeasuredStep): number => workflowMs.p50;
const metadata =
  ({ settings }: Results) =>
  (step: MeasuredStep): number =>
    metadataBytes(step, settings.servers, settings.warmUpMs);

function ratio(above: number | undefined, below: number | undefined): number | undefined {
  return above === undefined || below === undefined || below === 0 ? undefined : above / below;
}

function p99At(micro: NonNullable<Results["micro"]>, system: SystemName, rate: number): number | undefined {
  const steps = stepsAt(micro, system, rate).filter(({ isOverloaded }) => !isOverloaded);
  return figure(system, steps, ({ workflowMs }) => workflowMs.p99)?.median;
}

function growth({ micro = [], settings }: Results): number | undefined {
  const perFunction = (functions: number): number | undefined =>
    figure("causalmesh", lengthSteps(micro, "causalmesh", functions), (step) => p50(step) / functions)?.median;
  return ratio(perFunction(settings.lengths.at(-1)!), perFunction(settings.lengths[0]));
}

function aborts({ micro = [] }: Results): number | undefined {
  const runs = micro.filter(({ system }) => system === "causalmesh-tcc");
  if (runs.length === 0) return undefined;
  return median(
    runs.map(({ fixed, sweep }) =>
      [...fixed, ...sweep.steps].reduce((sum, step) => sum + Object.values(step.aborts).reduce((total, count) => total + count, 0), 0),
    ),
  );
}
