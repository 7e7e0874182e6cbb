// Charts as SVG files that stand by themselves: a title, a legend, and a plot below it.

import * as Plot from "@observablehq/plot";
import { JSDOM } from "jsdom";
import { styleOf } from "./styles.js";

const WIDTH = 860;
const FONT = "system-ui, sans-serif";
const TITLE_HEIGHT = 34;
const LEGEND_ROW_HEIGHT = 22;
const LEGEND_COLUMNS = 4;

const { document } = new JSDOM("").window;

export interface Point {
  readonly series: string;
  readonly x: number;
  readonly y: number;
  /** Which of the plots side by side. */
  readonly facet?: string;
}

export interface Axes {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly yLog?: boolean;
  readonly xLog?: boolean;
  readonly ticks?: readonly number[];
  /** A line across, with what it is; in all plots side by side, or in one of them. */
  readonly limit?: { readonly y: number; readonly text: string; readonly facet?: string };
  /** Names of the ticks, where they are not numbers. */
  readonly tickNames?: readonly string[];
  /** Whether lines join the points of a series; default: they do. */
  readonly joined?: boolean;
}

/** One line per series, with a symbol at each point. */
export function lineChart(points: readonly Point[], { title, x, y, yLog = false, xLog = false, ticks = [], tickNames, limit, joined = true }: Axes): string {
  const series = [...new Set(points.map((point) => point.series))];
  const facetted = points.some(({ facet }) => facet !== undefined);
  const fx = facetted ? { fx: "facet" } : {};
  const domain = [Math.min(...points.map((point) => point.x)), Math.max(...points.map((point) => point.x))];
  const shown = ticks.filter((tick) => tick >= domain[0] && tick <= domain[1]);
  const nameOf = (value: number): string => tickNames?.[ticks.indexOf(value)] ?? value.toLocaleString("en");
  const label = { label: x, labelAnchor: "center", labelArrow: "none" } as const;
  const marks = [
    Plot.frame({ stroke: "#ccc" }),
    // The axis that a logarithmic scale comes with leaves out what is not round.
    ...(xLog ? [Plot.axisX(shown, { ...label, text: nameOf })] : []),
    ...(limit === undefined ? [] : limitMarks(limit)),
    ...series.flatMap((name) => {
      const own = points.filter((point) => point.series === name).sort((a, b) => a.x - b.x);
      const { colour, dash, symbol } = styleOf(name);
      return [
        ...(joined ? [Plot.line(own, { x: "x", y: "y", ...fx, stroke: colour, strokeWidth: 1.8, strokeDasharray: dash })] : []),
        Plot.dot(own, { x: "x", y: "y", ...fx, symbol, r: 4, fill: "white", stroke: colour, strokeWidth: 1.6 }),
      ];
    }),
  ];
  const plot = Plot.plot({
    document,
    width: WIDTH,
    height: 400,
    marginLeft: 60,
    marginRight: 20,
    marginBottom: 46,
    style: { fontFamily: FONT, fontSize: "12px" },
    x: {
      ...label,
      type: xLog ? "log" : "linear",
      grid: true,
      domain,
      ticks: shown,
      tickFormat: nameOf,
      insetLeft: 10,
      insetRight: 10,
    },
    y: {
      label: y,
      type: yLog ? "log" : "linear",
      labelArrow: "none",
      grid: true,
      zero: !yLog,
      tickFormat: yLog ? (value: number) => value.toLocaleString("en") : undefined,
      ...(yLog ? { ticks: 5 } : {}),
      insetTop: 8,
      insetBottom: 8,
    },
    fx: facetted ? { label: null } : undefined,
    marks,
  });
  return finished(title, series, plot);
}

function limitMarks({ y, text, facet }: NonNullable<Axes["limit"]>): Plot.Markish[] {
  const at = [{ y, text, facet }];
  const fx = facet === undefined ? {} : { fx: "facet" };
  return [
    Plot.ruleY(at, { y: "y", ...fx, stroke: "#666", strokeDasharray: "2 3" }),
    Plot.text(at, { y: "y", ...fx, text: "text", frameAnchor: "right", dx: -6, dy: -7, fill: "#444", stroke: "white", strokeWidth: 3 }),
  ];
}

export interface Bar {
  readonly series: string;
  readonly value: number;
  readonly min?: number;
  readonly max?: number;
  /** A figure from elsewhere, shown as a tick. */
  readonly published?: number;
}

/** One bar per series, with the spread of the repetitions as a line. */
export function barChart(bars: readonly Bar[], { title, x }: Pick<Axes, "title" | "x">, publishedText = "the paper's figure"): string {
  const published = bars.filter((bar) => bar.published !== undefined);
  const top = Math.max(...bars.flatMap(({ value, max, published: other }) => [value, max ?? 0, other ?? 0]));
  const plot = barPlot(
    bars.map(({ series }) => series),
    { label: x, domain: [0, top] },
    [
      Plot.barX(bars, { x: "value", y: "series", fill: (bar: Bar) => styleOf(bar.series).colour, fillOpacity: 0.85, insetTop: 3, insetBottom: 3 }),
      Plot.ruleY(
        bars.filter(({ min, max }) => min !== max),
        { x1: "min", x2: "max", y: "series", stroke: "#222", strokeWidth: 1.5 },
      ),
      Plot.tickX(published, { x: "published", y: "series", stroke: "#222", strokeWidth: 2.5, insetTop: 1, insetBottom: 1 }),
      Plot.text(bars, {
        x: (bar: Bar) => Math.max(bar.value, bar.max ?? 0),
        y: "series",
        text: (bar: Bar) => shortNumber(bar.value),
        textAnchor: "start",
        dx: 6,
        stroke: "white",
        strokeWidth: 4,
        fill: "black",
      }),
    ],
  );
  return finished(published.length === 0 ? title : `${title} (black tick: ${publishedText})`, [], plot);
}

function barPlot(series: readonly string[], x: Plot.ScaleOptions, marks: Plot.Markish[]): SVGSVGElement | HTMLElement {
  return Plot.plot({
    document,
    width: WIDTH,
    height: 60 + series.length * 30,
    marginLeft: 180,
    marginRight: 70,
    marginBottom: 46,
    style: { fontFamily: FONT, fontSize: "12px" },
    x: { labelAnchor: "center", labelArrow: "none", grid: true, tickFormat: (value: number) => value.toLocaleString("en"), ...x },
    y: { label: null, domain: series },
    marks: [...marks, Plot.ruleX([0])],
  });
}

export interface Part {
  readonly series: string;
  readonly part: string;
  readonly value: number;
}

const PART_COLOURS = ["#0072B2", "#E69F00", "#999999", "#CC79A7"];

/** Bars whose parts add up. */
export function stackedChart(parts: readonly Part[], { title, x }: Pick<Axes, "title" | "x">): string {
  const names = [...new Set(parts.map(({ part }) => part))];
  const series = [...new Set(parts.map((one) => one.series))];
  const plot = barPlot(series, { label: x }, [
    Plot.barX(parts, { x: "value", y: "series", fill: (one: Part) => PART_COLOURS[names.indexOf(one.part)], insetTop: 3, insetBottom: 3, order: names }),
  ]);
  const swatches = names.map(
    (name, index) => `<rect x="${index * 200}" y="-9" width="11" height="11" fill="${PART_COLOURS[index]}"/><text x="${index * 200 + 17}" y="1">${name}</text>`,
  );
  return composed(title, swatches.join(""), 1, plot);
}

function finished(title: string, series: readonly string[], plot: SVGSVGElement | HTMLElement): string {
  const column = (WIDTH - 40) / LEGEND_COLUMNS;
  const entries = series.map((name, index) => {
    const { colour, dash, symbol } = styleOf(name);
    const [left, top] = [(index % LEGEND_COLUMNS) * column, Math.floor(index / LEGEND_COLUMNS) * LEGEND_ROW_HEIGHT];
    return `<g transform="translate(${left},${top})"><line x1="0" x2="30" y1="-4" y2="-4" stroke="${colour}" stroke-width="1.8" stroke-dasharray="${dash}"/>${symbolAt(symbol, colour)}<text x="38" y="0">${name}</text></g>`;
  });
  return composed(title, entries.join(""), Math.ceil(series.length / LEGEND_COLUMNS), plot);
}

/** A symbol of the plots, drawn by the same library. */
function symbolAt(symbol: string, colour: string): string {
  const drawn = Plot.plot({
    document,
    width: 30,
    height: 12,
    margin: 0,
    axis: null,
    x: { domain: [0, 30] },
    y: { domain: [12, 0] },
    marks: [Plot.dot([[15, 6]], { symbol: symbol as "circle", r: 4, fill: "white", stroke: colour, strokeWidth: 1.6 })],
  });
  drawn.setAttribute("y", "-10");
  drawn.setAttribute("style", "overflow: visible");
  return drawn.outerHTML;
}

function composed(title: string, legend: string, legendRows: number, plot: SVGSVGElement | HTMLElement): string {
  const top = TITLE_HEIGHT + legendRows * LEGEND_ROW_HEIGHT + 6;
  const height = top + Number(plot.getAttribute("height"));
  plot.setAttribute("y", String(top));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="${FONT}" font-size="12">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    `<text x="20" y="22" font-size="15" font-weight="600">${title}</text>`,
    `<g transform="translate(20,${TITLE_HEIGHT + 14})">${legend}</g>`,
    plot.outerHTML,
    "</svg>\n",
  ].join("\n");
}

function shortNumber(value: number): string {
  return (value >= 100 ? Math.round(value) : Number(value.toPrecision(3))).toLocaleString("en");
}
