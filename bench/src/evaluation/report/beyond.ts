// The section on what lies beyond these machines: tables and plots of the simulation.

import { limits } from "@causalmesh/core";
import { type Beyond, type BeyondRun, type Checked, THREE_REGIONS } from "../beyond/beyond.js";
import { busiest } from "../beyond/sustained.js";
import type { LoadFigures } from "../beyond/load.js";
import { CODE_COSTS } from "../beyond/work.js";
import { isClean } from "../experiments/experiment.js";
import { percentile } from "../../statistics.js";
import { lineChart, type Point } from "./charts.js";
import { sustainedOf, workflowsOf } from "./figures.js";
import { short, table } from "./markdown.js";
import type { Results } from "./results.js";
import { FITTED_FROM, growthOf, nodesAt, SHAPES, shownAfterMs } from "./shapes.js";

/** What is shown later than this, people notice. */
const SHOWN_MS_MAX = 1_000;
/** What carriers of sessions, such as headers and baggage, have room for beside other things. */
const SESSION_BYTES_MAX = 512;
const NAMES: Readonly<Record<number, string>> = { 1: "one region", 3: "three regions" };
/** A key of `length`, a value, and their lengths. */
const PAYLOAD_BYTES = 20;

export function beyondSections(results: Results): string[] {
  const { beyond } = results;
  if (beyond === undefined) return [];
  return [costsText(beyond), checkTable(beyond.checked, results), ...[1, 3].flatMap((regions) => sizesSection(beyond, regions))];
}

function of(figures: LoadFigures | undefined, value: (figures: LoadFigures) => number): string {
  if (figures === undefined) return "–";
  // No figure without a verdict.
  if (figures.verdict.broken.length > 0) return `BROKEN: ${figures.verdict.broken.join(", ")}`;
  const found = value(figures);
  return Number.isFinite(found) ? String(short(found)) : "–";
}

function costsText({ sockets, calibrations }: BeyondRun): string {
  const head = ["nodes", "kind of process", ...CODE_COSTS.map((cost) => COST_NAMES[cost]), "steps timed"];
  const rows = calibrations.flatMap(({ nodes, code, steps }) =>
    Object.entries(code).map(([role, costs]) => [
      String(nodes),
      role,
      ...CODE_COSTS.map((cost) => String(short(costs[cost]))),
      role === "node" ? String(steps) : "",
    ]),
  );
  const { turn, wake, read, send, byte, way, tick } = sockets;
  return [
    "### beyond: what the simulation takes for its costs",
    `Of sockets, microseconds: ${short(turn)} for a turn of the event loop and ${short(wake)} more after a pause, ${short(read)} for a read, ${short(send)} for a send, ${short(byte * 1000)} for 1 000 bytes; ${short(way)} from process to process of this machine; and ${short(tick)} for a tick of the clock that makes the load, 2 000 times a second beside the real processes. Of the code itself, microseconds:`,
    table(head, rows),
  ].join("\n\n");
}

const COST_NAMES: Readonly<Record<(typeof CODE_COSTS)[number], string>> = {
  client: "step of a client's bytes",
  peer: "step of a peer's bytes",
  loop: "other step",
  frame: "frame",
  received: "write received",
  applied: "write shown",
};

function checkTable(checked: readonly Checked[], { settings, servers = [] }: Results): string {
  const rows = checked.flatMap(({ nodes, real, simulated, sustained, realVisibilityMs, simulatedVisibilityMs }) => {
    if (!isClean(real, "causalmesh") || simulated.verdict.broken.length > 0) return [[String(nodes), "BROKEN", "–", "–", "–"]];
    const workflows = workflowsOf(real, settings.warmUpMs);
    const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
    const pairs: [string, number, number][] = [
      ["p50 of a workflow, ms", real.workflowMs.p50, simulated.workflowMs.p50],
      ["p99 of a workflow, ms", real.workflowMs.p99, simulated.workflowMs.p99],
      ["p50 of a read, ms", real.readMs.p50, simulated.readMs.p50],
      ["p50 of a write, ms", real.writeMs.p50, simulated.writeMs.p50],
      ["CPU of nodes per workflow, µs", sum(real.cpuMicros.servers) / workflows, simulated.cpuMicros.nodes],
      ["CPU of functions per workflow, µs", real.cpuMicros.host / workflows, simulated.cpuMicros.functions],
      ["CPU of the store per workflow, µs", real.cpuMicros.store / workflows, simulated.cpuMicros.store],
      ["bytes with clients per workflow", real.wireBytes.client / workflows, simulated.sent.client / simulated.workflows],
      ["bytes among nodes per workflow", real.wireBytes.peers / workflows, simulated.sent.peers / simulated.workflows],
      ["session, bytes", real.contextBytes / real.hops, simulated.contextBytes],
      ...realVisibilityMs.map((ms, distance): [string, number, number] => [
        `p50 until shown ${distance + 1} on, ms`,
        percentile(ms, 0.5),
        percentile(simulatedVisibilityMs[distance], 0.5),
      ]),
    ];
    const swept = sustainedOf(
      servers.filter((run) => run.servers === nodes),
      "causalmesh",
    );
    if (swept !== undefined) pairs.push(["sustained, workflows/s (real: of the experiment with servers)", swept.median, sustained.best.rate]);
    return pairs.map(([what, a, b], index) => [index === 0 ? String(nodes) : "", what, String(short(a)), String(short(b)), String(short(b / a))]);
  });
  return [
    `### beyond: the simulation beside real processes, ${settings.beyond.checkedRate} workflows/s of length on two processors`,
    table(["nodes", "", "real", "simulated", "ratio"], rows),
  ].join("\n\n");
}

const LIGHT_HEAD = ["nodes", "p50 / p99 at a light load, ms", "shown everywhere, p50 / p99, ms", "bytes per write and link", "session, bytes"];
const SUSTAINED_HEAD = [
  "sustained, workflows/s",
  "per node",
  "busy then, % (first node / busiest other)",
  "p99 then, ms",
  "shown everywhere then, p99, ms",
  "bytes per write and link then",
];

function sizesSection({ beyond }: BeyondRun, regions: number): string[] {
  const runs = beyond.filter((run) => run.regions === regions);
  if (runs.length === 0) return [];
  const rows = runs.map(({ nodes, light, sustained }) => {
    const found = sustained ?? beyond.find((run) => run.nodes === nodes && run.regions === 1)?.sustained;
    const best = found?.best;
    // What goes round in three regions goes round as densely.
    if (regions > 1) return [...lightCells(nodes, light), of(best, (figures) => windowBound(linkBytes(figures, nodes))), judged(light)];
    return [
      ...lightCells(nodes, light),
      of(best, ({ rate }) => rate),
      of(best, ({ rate }) => rate / nodes),
      `${of(best, ({ utilisation }) => utilisation.flusher * 100)} / ${of(best, ({ utilisation }) => utilisation.most * 100)}`,
      of(best, ({ workflowMs }) => workflowMs.p99),
      of(best, ({ everywhereMs }) => everywhereMs.p99),
      of(best, (figures) => linkBytes(figures, nodes)),
      judged(light, ...(sustained?.steps ?? [])),
    ];
  });
  const head = [...LIGHT_HEAD, ...(regions > 1 ? ["the window's bound, writes/s"] : SUSTAINED_HEAD), "workflows judged"];
  return [`### beyond: ${NAMES[regions]}`, table(head, rows), ...shapesText(runs)];
}

function lightCells(nodes: number, light: LoadFigures): string[] {
  return [
    String(nodes),
    `${of(light, ({ workflowMs }) => workflowMs.p50)} / ${of(light, ({ workflowMs }) => workflowMs.p99)}`,
    `${of(light, ({ everywhereMs }) => everywhereMs.p50)} / ${of(light, ({ everywhereMs }) => everywhereMs.p99)}`,
    of(light, (figures) => linkBytes(figures, nodes)),
    of(light, ({ contextBytes }) => contextBytes),
  ];
}

function judged(...loads: readonly LoadFigures[]): string {
  return String(loads.reduce((sum, { verdict }) => sum + verdict.workflows, 0));
}

/** Writes per second that the longest link lets through: a window of bytes for each time that an acknowledgement takes. */
function windowBound(bytesPerWrite: number): number {
  const longestMs = Math.max(...THREE_REGIONS.flat());
  return limits.LINK_WINDOW_BYTES_MAX / bytesPerWrite / ((2 * longestMs) / 1000);
}

/** Bytes that a write takes on a link of the ring. */
function linkBytes({ sent, writes }: LoadFigures, nodes: number): number {
  return sent.peers / writes / nodes;
}

const shownMs = ({ light }: Beyond): number => light.everywhereMs.p99;

/** Where the ring stops being the right shape, and what others would give. */
function shapesText(runs: readonly Beyond[]): string[] {
  const clean = runs.filter(({ light }) => light.verdict.broken.length === 0);
  const shown = growthOf(clean, shownMs);
  const session = growthOf(clean, ({ light }) => light.contextBytes);
  if (shown === undefined || session === undefined) return [];
  const rows = clean
    .filter(({ nodes }) => nodes >= FITTED_FROM)
    .map(({ nodes }) => [
      String(nodes),
      ...SHAPES.map((shape) => String(short(shownAfterMs(shown, shape, nodes)))),
      ...SHAPES.map((shape) => String(short(shape.messages(nodes)))),
    ]);
  return [
    [
      `The p99 until a write is shown everywhere is ${short(shown.fixed)} ms and ${short(shown.perNode)} ms for each node (least squares): ${SHOWN_MS_MAX / 1000} s with ${Math.round(nodesAt(shown, SHOWN_MS_MAX))} nodes.`,
      `A session takes ${short(session.fixed)} bytes and ${short(session.perNode)} for each node: ${SESSION_BYTES_MAX} with ${Math.round(nodesAt(session, SESSION_BYTES_MAX))} nodes.`,
      ...distanceText(runs[0].regions),
      ...ceilingText(clean),
      "By arithmetic from the time for each node, of other shapes, in milliseconds, and messages for a write that travels alone:",
    ].join(" "),
    table(["nodes", ...SHAPES.map(({ name }) => `${name}, ms`), ...SHAPES.map(({ name }) => `${name}, messages`)], rows),
  ];
}

/** What the regions alone make of two trips round the ring, and what they would if each told every other. */
function distanceText(regions: number): string[] {
  if (regions === 1) return [];
  const trip = THREE_REGIONS.reduce((sum, delays, region) => sum + delays[(region + 1) % THREE_REGIONS.length], 0);
  return [
    `Two trips through the regions are ${2 * trip} ms, counted from the write itself; where each region told every other one, they would be ${2 * Math.max(...THREE_REGIONS.flat())} ms.`,
  ];
}

/** Every node takes every write, whatever the shape: that bounds all of them together. */
function ceilingText(runs: readonly Beyond[]): string[] {
  const searched = runs.flatMap(({ nodes, sustained }) => (sustained === undefined ? [] : { nodes, best: sustained.best }));
  const largest = searched.at(-1);
  if (largest === undefined) return [];
  const most = searched.reduce((top, one) => (one.best.rate > top.best.rate ? one : top));
  const { nodes, best } = largest;
  const micros = (busiest(best) * 1e6) / best.writesPerSecond;
  return [
    `Most is sustained by ${most.nodes} nodes. Of ${nodes} nodes the busiest spends ${short(micros)} µs for each write that anybody makes, with what else it does: every node takes every write, so in no shape in which that is so do more nodes sustain more than that allows.`,
  ];
}

export function beyondPlots({ beyond: run }: Results): Map<string, string> {
  const made = new Map<string, string>();
  if (run === undefined) return made;
  const clean = run.beyond.filter(({ light }) => light.verdict.broken.length === 0);
  const ticks = [...new Set(clean.map(({ nodes }) => nodes))];
  const common = { x: "nodes", xLog: true, yLog: true, ticks };
  made.set(
    "beyond-visibility.svg",
    lineChart(
      [1, 3].flatMap((regions) => visibilityPoints(clean, regions)),
      {
        ...common,
        title: "beyond: until all nodes show a write, at a light load",
        y: "ms",
        limit: { y: SHOWN_MS_MAX, text: "1 s" },
      },
    ),
  );
  const sustained = clean.flatMap(({ nodes, regions, sustained: found }): Point[] => {
    const best = found?.best;
    if (best === undefined || best.verdict.broken.length > 0) return [];
    return [
      { series: `all together, ${NAMES[regions]}`, x: nodes, y: best.rate },
      { series: `per node, ${NAMES[regions]}`, x: nodes, y: best.rate / nodes },
    ];
  });
  if (sustained.length > 0)
    made.set("beyond-sustained.svg", lineChart(sustained, { ...common, title: "beyond: highest rate that is sustained", y: "workflows per second" }));
  const bytes = clean
    .filter(({ regions }) => regions === 1)
    .flatMap(({ nodes, light }): Point[] => [
      { series: "a write on a link", x: nodes, y: linkBytes(light, nodes) },
      { series: "a write's key and value", x: nodes, y: PAYLOAD_BYTES },
      { series: "a session", x: nodes, y: light.contextBytes },
    ]);
  made.set("beyond-bytes.svg", lineChart(bytes, { ...common, title: "beyond: bytes by the number of nodes, at a light load", y: "bytes" }));
  return made;
}

function visibilityPoints(clean: readonly Beyond[], regions: number): Point[] {
  const runs = clean.filter((run) => run.regions === regions);
  const facet = NAMES[regions];
  const growth = growthOf(runs, shownMs);
  const shapes = growth === undefined ? [] : SHAPES.slice(1);
  return runs.flatMap(({ nodes, light }): Point[] => [
    { series: "ring, p50", x: nodes, y: light.everywhereMs.p50, facet },
    { series: "ring, p99", x: nodes, y: light.everywhereMs.p99, facet },
    ...(nodes < FITTED_FROM
      ? []
      : shapes.map((shape): Point => ({ series: `${shape.name}, by arithmetic`, x: nodes, y: shownAfterMs(growth!, shape, nodes), facet }))),
  ]);
}
