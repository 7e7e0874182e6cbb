// The plots of an evaluation: file name and SVG of each.

import { median } from "../../statistics.js";
import { isClean, P99_MS_MAX } from "../experiments/experiment.js";
import type { MeasuredStep } from "../cluster.js";
import type { SystemName } from "../systems/registry.js";
import { beyondPlots } from "./beyond.js";
import { type Bar, barChart, lineChart, type Point, stackedChart } from "./charts.js";
import { figure, grouped, stepsAt, sustainedOf, systemsOf, visibilityOf, workflowsOf } from "./figures.js";
import { PAPER_ANOMALIES, PAPER_MEDIA_SUSTAINED, PAPER_SUSTAINED } from "./paper.js";
import type { Results } from "./results.js";
import { lengthSteps } from "./tables.js";

export function plots(results: Results): ReadonlyMap<string, string> {
  const { micro = [], media = [], servers = [], anomalies = [], ycsb = [], settings } = results;
  const made = new Map<string, string>();
  if (micro.length > 0) {
    made.set("micro-latency.svg", latencyPlot(results));
    made.set(
      "micro-sustained.svg",
      barChart(sustainedBars(micro, PAPER_SUSTAINED), { title: "micro: highest rate with p99 below 100 ms", x: "workflows per second" }),
    );
    made.set("resources-cpu.svg", cpuPlot(results));
    made.set("length.svg", lengthPlot(results));
    made.set("visibility.svg", visibilityPlot(results));
  }
  if (media.length > 0)
    made.set(
      "media-sustained.svg",
      barChart(sustainedBars(media, PAPER_MEDIA_SUSTAINED), { title: "media: highest rate with p99 below 100 ms", x: "workflows per second" }),
    );
  if (servers.length > 0) made.set("servers.svg", serversPlot(results));
  if (anomalies.length > 0) made.set("anomalies.svg", anomaliesPlot(results));
  if (ycsb.length > 0) {
    const letters = [...grouped(ycsb, ({ letter }) => letter).keys()];
    const points = systemsOf(ycsb).flatMap((system) =>
      letters.flatMap((letter, index): Point[] =>
        pointOf(
          system,
          index,
          ycsb.filter((run) => run.system === system && run.letter === letter).map(({ step }) => step),
          ({ workflowMs }) => workflowMs.p50,
        ),
      ),
    );
    made.set(
      "ycsb.svg",
      lineChart(points, {
        title: `YCSB at ${settings.ycsbRate} operations/s, records of 1 KB`,
        x: "workload",
        y: "p50, ms",
        yLog: true,
        ticks: letters.map((_, index) => index + 1),
        tickNames: letters,
        joined: false,
      }),
    );
  }
  for (const [name, svg] of beyondPlots(results)) made.set(name, svg);
  return made;
}

function pointOf(series: SystemName, index: number, steps: readonly MeasuredStep[], value: (step: MeasuredStep) => number): Point[] {
  const found = figure(series, steps, value);
  return found === undefined ? [] : [{ series, x: index + 1, y: found.median }];
}

function latencyPlot({ micro = [] }: Results): string {
  const points = systemsOf(micro).flatMap((system) => {
    const steps = micro.filter((run) => run.system === system).flatMap(({ fixed, sweep }) => [...fixed, ...sweep.steps]);
    // What is overloaded has no latency but that of its queue.
    const byRate = grouped(
      steps.filter((step) => !step.isOverloaded && step.completed > 0 && isClean(step, system)),
      ({ rate }) => rate,
    );
    return [...byRate].flatMap(([rate, same]): Point[] => [
      { series: system, x: rate, y: median(same.map(({ workflowMs }) => workflowMs.p50)), facet: "p50" },
      { series: system, x: rate, y: median(same.map(({ workflowMs }) => workflowMs.p99)), facet: "p99" },
    ]);
  });
  return lineChart(points, {
    title: "micro: latency of a workflow by offered load",
    x: "workflows per second",
    y: "ms",
    yLog: true,
    xLog: true,
    ticks: [60, 125, 250, 500, 1_000, 3_000, 10_000, 30_000],
    limit: { y: P99_MS_MAX, text: "limit of a sustained rate", facet: "p99" },
  });
}

function sustainedBars(runs: Parameters<typeof sustainedOf>[0], published: Readonly<Record<string, number>>): Bar[] {
  return systemsOf(runs).map((series) => {
    const found = sustainedOf(runs, series);
    return { series, value: found?.median ?? 0, min: found?.min ?? 0, max: found?.max ?? 0, published: published[series] };
  });
}

function cpuPlot({ micro = [], settings }: Results): string {
  const rate = settings.fixedRates.at(-1)!;
  const parts = systemsOf(micro).flatMap((series) => {
    const steps = stepsAt(micro, series, rate);
    const per = (part: string, value: (step: MeasuredStep) => number): { series: string; part: string; value: number } => ({
      series,
      part,
      value: figure(series, steps, (step) => value(step) / workflowsOf(step, settings.warmUpMs))?.median ?? 0,
    });
    return [
      per("functions and generator", ({ cpuMicros }) => cpuMicros.host),
      per("cache servers", ({ cpuMicros }) => cpuMicros.servers.reduce((sum, cpu) => sum + cpu, 0)),
      per("store", ({ cpuMicros }) => cpuMicros.store),
    ];
  });
  return stackedChart(parts, { title: `resources: CPU at ${rate} workflows/s of micro`, x: "CPU microseconds per workflow" });
}

function lengthPlot({ micro = [], settings }: Results): string {
  const points = systemsOf(micro).flatMap((series) =>
    settings.lengths.flatMap((functions): Point[] => {
      const found = figure(series, lengthSteps(micro, series, functions), ({ workflowMs }) => workflowMs.p50 / functions);
      return found === undefined ? [] : [{ series, x: functions, y: found.median }];
    }),
  );
  return lineChart(points, {
    title: `length: latency per function at ${settings.lengthRate} workflows/s`,
    x: "functions in a workflow",
    y: "p50 per function, ms",
    yLog: true,
    ticks: settings.lengths,
  });
}

function visibilityPlot({ micro = [] }: Results): string {
  const points = systemsOf(micro).flatMap((series) =>
    visibilityOf(micro, series).flatMap(({ distance, p50, p99 }): Point[] => [
      ...(Number.isFinite(p50) ? [{ series, x: distance, y: p50, facet: "p50" }] : []),
      ...(Number.isFinite(p99) ? [{ series, x: distance, y: p99, facet: "p99" }] : []),
    ]),
  );
  return lineChart(points, {
    title: "visibility: from a write's acknowledgement until another server shows it",
    x: "servers on, round the ring",
    y: "ms",
    yLog: true,
    ticks: [...new Set(points.map(({ x }) => x))],
  });
}

function serversPlot({ servers = [], settings }: Results): string {
  const points = systemsOf(servers).flatMap((series) =>
    settings.serverCounts.flatMap((count): Point[] => {
      const found = sustainedOf(
        servers.filter((run) => run.servers === count),
        series,
      );
      return found === undefined ? [] : [{ series, x: count, y: found.median }];
    }),
  );
  return lineChart(points, {
    title: "servers: highest rate with p99 below 100 ms, all servers on the same cores",
    x: "cache servers",
    y: "workflows per second",
    ticks: settings.serverCounts,
  });
}

function anomaliesPlot({ anomalies = [], settings }: Results): string {
  const points = systemsOf(anomalies).flatMap((series) =>
    settings.anomalyNodes.map((nodes): Point => {
      const steps = anomalies.filter((run) => run.system === series && run.nodes === nodes).map(({ step }) => step);
      const judged = steps.reduce((sum, { verdict }) => sum + verdict.workflows, 0);
      return { series, x: nodes, y: (steps.reduce((sum, { brokenWorkflows = 0 }) => sum + brokenWorkflows, 0) / judged) * 100 };
    }),
  );
  const published = settings.anomalyNodes.map((nodes): Point => ({ series: "the paper's DAX", x: nodes, y: PAPER_ANOMALIES[nodes] }));
  return lineChart([...points, ...published], {
    title: "anomalies: workflows that are shown something that they should not be",
    x: "cache servers",
    y: "% of workflows",
    ticks: settings.anomalyNodes,
  });
}
