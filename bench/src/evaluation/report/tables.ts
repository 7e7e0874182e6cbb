// The tables of an evaluation, in Markdown.

import { round, type Spread } from "../../statistics.js";
import { isClean } from "../experiments/experiment.js";
import { type MicroRun, VISIBILITY_LIMIT_MS } from "../experiments/micro.js";
import { beyondSections } from "./beyond.js";
import { contextBytes, figure, grouped, metadataBytes, serverCpu, stepsAt, sustainedOf, systemsOf, totalCpu, visibilityOf, workflowsOf } from "./figures.js";
import { short, table } from "./markdown.js";
import { PAPER_ANOMALIES, PAPER_LATENCY, PAPER_LENGTH, PAPER_MEDIA_SUSTAINED, PAPER_SERVERS, PAPER_SUSTAINED } from "./paper.js";
import type { Results } from "./results.js";

export function spreadText(figure: Spread | undefined): string {
  if (figure === undefined) return "–";
  const { median, min, max } = figure;
  return min === max ? String(short(median)) : `${short(median)} [${short(min)} to ${short(max)}]`;
}

function percent(share: number): string {
  return `${round(share * 100)} %`;
}

export function sections(results: Results): string[] {
  return [
    ...(results.micro === undefined
      ? []
      : [microTable(results), resourcesTable(results), lengthTable(results), visibilityTable(results), abortsTable(results), verdictTable(results)]),
    ...(results.servers === undefined ? [] : [serversTable(results)]),
    ...(results.media === undefined ? [] : [mediaTable(results)]),
    ...(results.anomalies === undefined ? [] : [anomaliesTable(results)]),
    ...(results.ycsb === undefined ? [] : [ycsbTable(results)]),
    ...beyondSections(results),
  ];
}

function microTable({ micro = [], settings }: Results): string {
  const rates = [...new Set([...settings.fixedRates, ...settings.ladder])].slice(0, 4);
  const rows = systemsOf(micro).map((system) => {
    const published = PAPER_LATENCY[system];
    return [
      `\`${system}\``,
      spreadText(sustainedOf(micro, system)),
      PAPER_SUSTAINED[system] === undefined ? "" : String(PAPER_SUSTAINED[system]),
      ...rates.map((rate) => {
        const steps = stepsAt(micro, system, rate);
        return `${spreadText(figure(system, steps, ({ workflowMs }) => workflowMs.p50))} / ${spreadText(figure(system, steps, ({ workflowMs }) => workflowMs.p99))}`;
      }),
      published === undefined ? "" : `${published[1000].join(" / ")}`,
    ];
  });
  const head = ["system", "sustained, workflows/s", "the paper's", ...rates.map((rate) => `p50 / p99 at ${rate}/s, ms`), "the paper's at 1000/s"];
  return `### micro\n\n${table(head, rows)}`;
}

function resourcesTable({ micro = [], settings }: Results): string {
  const rate = settings.fixedRates.at(-1)!;
  const { warmUpMs } = settings;
  const rows = systemsOf(micro).map((system) => {
    const steps = stepsAt(micro, system, rate);
    const of = (value: Parameters<typeof figure>[2]): string => spreadText(figure(system, steps, value));
    const resident = micro.filter((run) => run.system === system).flatMap(({ residentBytes }) => residentBytes);
    const aborts = steps.reduce((sum, step) => sum + Object.values(step.aborts).reduce((total, count) => total + count, 0), 0);
    const completed = steps.reduce((sum, step) => sum + step.completed, 0);
    return [
      `\`${system}\``,
      of((step) => totalCpu(step) / workflowsOf(step, warmUpMs)),
      of((step) => serverCpu(step) / workflowsOf(step, warmUpMs)),
      resident.length === 0 ? "–" : String(Math.round(Math.max(...resident) / 2 ** 20)),
      of((step) => (step.wireBytes.client + step.wireBytes.peers + step.wireBytes.store) / workflowsOf(step, warmUpMs)),
      system === "redis" || system === "none" ? "–" : of((step) => metadataBytes(step, settings.servers, warmUpMs)),
      of(contextBytes),
      of(({ readMs }) => readMs.p50),
      of(({ writeMs }) => writeMs.p50),
      of(({ backlog }) => backlog),
      completed === 0 ? "–" : percent(aborts / completed),
    ];
  });
  const head = [
    "system",
    "CPU µs per workflow, all",
    "of servers and store",
    "MiB per server at the end, at most",
    "wire bytes per workflow",
    "metadata bytes per operation",
    "context bytes per hop",
    "read p50, ms",
    "write p50, ms",
    "backlog, writes",
    "aborts per workflow",
  ];
  return `### resources, at ${rate} workflows/s of micro\n\n${table(head, rows)}`;
}

function lengthTable({ micro = [], settings }: Results): string {
  const rows = systemsOf(micro).map((system) => {
    const perFunction = settings.lengths.map((functions) =>
      figure(system, lengthSteps(micro, system, functions), ({ workflowMs }) => workflowMs.p50 / functions),
    );
    const [first, last] = [perFunction[0], perFunction.at(-1)];
    const growth = first === undefined || last === undefined ? "–" : percent(last.median / first.median - 1);
    const published = PAPER_LENGTH[system];
    return [
      `\`${system}\``,
      ...perFunction.map(spreadText),
      growth,
      published === undefined ? "" : `${published.join(" → ")} (${percent(published[1] / published[0] - 1)})`,
    ];
  });
  const lengths = settings.lengths.map((functions) => `${functions} functions`);
  const contexts = systemsOf(micro).map((system) => [
    `\`${system}\``,
    ...settings.lengths.map((functions) => spreadText(figure(system, lengthSteps(micro, system, functions), contextBytes))),
  ]);
  return [
    `### length: p50 per function in ms, at ${settings.lengthRate} workflows/s\n\n${table(["system", ...lengths, "growth", "the paper's"], rows)}`,
    `What a function hands to the next, in bytes, all hops of a workflow averaged:\n\n${table(["system", ...lengths], contexts)}`,
  ].join("\n\n");
}

export function lengthSteps(micro: readonly MicroRun[], system: string, functions: number): MicroRun["fixed"] {
  return micro.filter((run) => run.system === system).flatMap(({ length }) => length.filter((one) => one.functions === functions).map(({ step }) => step));
}

function visibilityTable({ micro = [] }: Results): string {
  const rows = systemsOf(micro).flatMap((system) =>
    visibilityOf(micro, system).map(({ distance, p50, p99 }) => [`\`${system}\``, String(distance), shownAfter(p50), shownAfter(p99)]),
  );
  return `### visibility: from a write's acknowledgement until another server shows it unprompted\n\n${table(["system", "servers on", "p50, ms", "p99, ms"], rows)}`;
}

function shownAfter(ms: number): string {
  return Number.isFinite(ms) ? String(short(ms)) : `not within ${VISIBILITY_LIMIT_MS / 1000} s`;
}

function abortsTable({ micro = [] }: Results): string {
  const rows = systemsOf(micro).flatMap((system) => {
    const steps = allSteps(micro, system);
    const completed = steps.reduce((sum, step) => sum + step.completed, 0);
    const causes = new Map<string, number>();
    for (const { aborts } of steps) for (const [cause, count] of Object.entries(aborts)) causes.set(cause, (causes.get(cause) ?? 0) + count);
    return [...causes].map(([cause, count]) => [`\`${system}\``, cause, String(count), percent(count / completed)]);
  });
  const found = rows.length === 0 ? "None." : table(["system", "cause", "workflows given up", "of those that ended"], rows);
  return `### workflows that were given up and began again, at all rates\n\n${found}`;
}

function allSteps(micro: readonly MicroRun[], system: string): MicroRun["fixed"] {
  return micro
    .filter((run) => run.system === system)
    .flatMap(({ fixed, sweep, length, hot }) => [...fixed, ...length.map(({ step }) => step), ...(hot === undefined ? [] : [hot]), ...sweep.steps]);
}

function verdictTable({ micro = [] }: Results): string {
  const rows = systemsOf(micro).map((system) => {
    const steps = allSteps(micro, system);
    const total = (of: (step: (typeof steps)[number]) => number): number => steps.reduce((sum, step) => sum + of(step), 0);
    const rules = [...new Set(steps.flatMap(({ verdict }) => verdict.broken))];
    return [
      `\`${system}\``,
      String(total(({ verdict }) => verdict.workflows)),
      String(total(({ verdict }) => verdict.operations)),
      steps.every((step) => isClean(step, system))
        ? rules.length === 0
          ? "nothing found"
          : `nothing promised; broken: ${rules.join(", ")}`
        : `BROKEN: ${rules.join(", ")}`,
    ];
  });
  return `### verdicts of the checker on what was noted of these runs\n\n${table(["system", "workflows judged", "operations", "verdict"], rows)}`;
}

function serversTable({ servers = [], settings }: Results): string {
  const rows = systemsOf(servers).map((system) => {
    const published = PAPER_SERVERS[system === "causalmesh" ? "causalmesh-paper" : "causalmesh-paper-tcc"];
    const own = settings.serverCounts.map((count) =>
      sustainedOf(
        servers.filter((run) => run.servers === count),
        system,
      ),
    );
    const backlog = servers
      .filter((run) => run.system === system)
      .map(({ sweep }) => Math.max(0, ...sweep.steps.filter(({ rate }) => rate <= sweep.sustained).map((step) => step.backlog)));
    return [`\`${system}\``, ...own.map(spreadText), String(Math.max(...backlog)), settings.serverCounts.map((count) => published[count]).join(", ")];
  });
  const head = ["system", ...settings.serverCounts.map((count) => `${count} servers`), "backlog at most, writes", "the paper's"];
  return `### servers: sustained workflows/s, three functions, all servers on this machine's cores\n\n${table(head, rows)}`;
}

function mediaTable({ media = [] }: Results): string {
  const rows = systemsOf(media).map((system) => {
    const [rate] = media[0].sweep.steps.map((step) => step.rate);
    const steps = media.filter((run) => run.system === system).flatMap(({ sweep }) => sweep.steps.filter((step) => step.rate === rate));
    const published = PAPER_MEDIA_SUSTAINED[system];
    return [
      `\`${system}\``,
      spreadText(sustainedOf(media, system)),
      published === undefined ? "" : String(published),
      `${spreadText(figure(system, steps, ({ workflowMs }) => workflowMs.p50))} / ${spreadText(figure(system, steps, ({ workflowMs }) => workflowMs.p99))}`,
    ];
  });
  return `### media\n\n${table(["system", "sustained, workflows/s", "the paper's", `p50 / p99 at ${media[0]?.sweep.steps[0]?.rate}/s, ms`], rows)}`;
}

function anomaliesTable({ anomalies = [], settings }: Results): string {
  const share = (system: string, nodes: number): string => {
    const steps = anomalies.filter((run) => run.system === system && run.nodes === nodes).map(({ step }) => step);
    const judged = steps.reduce((sum, { verdict }) => sum + verdict.workflows, 0);
    return judged === 0 ? "–" : percent(steps.reduce((sum, { brokenWorkflows = 0 }) => sum + brokenWorkflows, 0) / judged);
  };
  const rows: string[][] = systemsOf(anomalies).map((system) => [`\`${system}\``, ...settings.anomalyNodes.map((nodes) => share(system, nodes))]);
  rows.push(["the paper's DAX", ...settings.anomalyNodes.map((nodes) => `${PAPER_ANOMALIES[nodes] ?? "–"} %`)]);
  return `### anomalies: workflows that are shown something older than what they have written or seen, or an effect without its cause\n\n${table(["system", ...settings.anomalyNodes.map((nodes) => `${nodes} nodes`)], rows)}`;
}

function ycsbTable({ ycsb = [], settings }: Results): string {
  const letters = [...grouped(ycsb, ({ letter }) => letter).keys()];
  const rows = systemsOf(ycsb).flatMap((system) => {
    const of = (letter: string, value: Parameters<typeof figure>[2]): string =>
      spreadText(
        figure(
          system,
          ycsb.filter((run) => run.system === system && run.letter === letter).map(({ step }) => step),
          value,
        ),
      );
    return [
      [
        `\`${system}\`, p50 / p99 ms`,
        ...letters.map((letter) => `${of(letter, ({ workflowMs }) => workflowMs.p50)} / ${of(letter, ({ workflowMs }) => workflowMs.p99)}`),
      ],
      [`\`${system}\`, CPU µs per operation, all`, ...letters.map((letter) => of(letter, (step) => totalCpu(step) / workflowsOf(step, settings.warmUpMs)))],
    ];
  });
  return `### YCSB, at ${settings.ycsbRate} operations/s, records of 1 KB\n\n${table(["system", ...letters], rows)}`;
}
