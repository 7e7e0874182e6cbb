// Plain SVG, drawn anew with each snapshot.

const WIDTH = 460;
const HEIGHT = 300;
const LEFT = 44;
const BOTTOM = 34;
const TOP = 30;
const RIGHT = 10;
const SVG = "http://www.w3.org/2000/svg";

export function element(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** A round number at or above `value`, for the end of an axis. */
function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 5, 10].map((step) => step * power).find((end) => end >= value);
}

/** Axes with units and the legend; returns where values stand. */
function frame(svg, seconds, highest, unit) {
  const end = ceiling(highest);
  const span = Math.max(10, seconds);
  const x = (second) => LEFT + (second / span) * (WIDTH - LEFT - RIGHT);
  const y = (value) => HEIGHT - BOTTOM - (value / end) * (HEIGHT - BOTTOM - TOP);
  for (const share of [0, 0.5, 1]) {
    const value = end * share;
    svg.append(element("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value) }));
    svg.append(element("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, String(value)));
  }
  for (const share of [0, 0.5, 1])
    svg.append(element("text", { x: x(span * share), y: HEIGHT - 14, "text-anchor": share === 1 ? "end" : "middle" }, `${Math.round(span * share)} s`));
  svg.append(element("text", { x: LEFT, y: 16 }, unit));
  ["mesh", "plain"].forEach((system, index) => {
    const at = WIDTH - 200 + index * 100;
    svg.append(element("rect", { class: `bar ${system}`, x: at, y: 7, width: 10, height: 10, rx: index === 0 ? 5 : 1 }));
    svg.append(element("text", { x: at + 15, y: 16 }, index === 0 ? "CausalMesh" : "plain caches"));
  });
  return { x, y, step: x(1) - x(0) };
}

export function drawAnomalies(svg, timeline) {
  svg.replaceChildren();
  const highest = Math.max(5, ...timeline.flatMap(({ anomalies }) => [anomalies.causalmesh, anomalies.plain]));
  const { x, y, step } = frame(svg, timeline.length, highest, "per second");
  const width = Math.max(1, step * 0.4);
  for (const { second, anomalies } of timeline) {
    const bars = [
      ["mesh", anomalies.causalmesh],
      ["plain", anomalies.plain],
    ];
    bars.forEach(([system, count], index) => {
      svg.append(element("rect", { class: `bar ${system}`, x: x(second) + index * width, y: y(count), width, height: y(0) - y(count) }));
    });
  }
}

export function drawLatency(svg, timeline) {
  svg.replaceChildren();
  const values = timeline.flatMap(({ p50, p99 }) => [p50, p99].flatMap((by) => [by.causalmesh ?? 0, by.plain ?? 0]));
  const { x, y } = frame(svg, timeline.length, Math.max(10, ...values), "ms");
  for (const [system, name] of [
    ["causalmesh", "mesh"],
    ["plain", "plain"],
  ]) {
    for (const quantile of ["p50", "p99"]) {
      const points = timeline.filter((second) => second[quantile][system] !== null).map((second) => `${x(second.second + 0.5)},${y(second[quantile][system])}`);
      svg.append(element("polyline", { class: `series ${name} ${quantile}`, points: points.join(" ") }));
    }
  }
}

const DOTS_MAX = 6;
const NODE_RADIUS = 64;
const PERIOD_MS = 500;

/** The nodes in the order of the ring, and dots for the bytes that each link has carried since the last snapshot. */
export function drawRing(svg, members, carried) {
  svg.replaceChildren();
  const places = members.map((_, index) => {
    const angle = -Math.PI / 2 + (index / members.length) * 2 * Math.PI;
    return { x: WIDTH / 2 + 150 * Math.cos(angle), y: 163 + 100 * Math.sin(angle) };
  });
  members.forEach((member, index) => {
    const from = places[index];
    const to = places[(index + 1) % places.length];
    const path = `M${from.x},${from.y} L${to.x},${to.y}`;
    svg.append(element("path", { class: "link", d: path }));
    const dots = Math.min(DOTS_MAX, Math.ceil(Math.log2(1 + carried[index] / 2_000)));
    for (let dot = 0; dot < dots; dot++) {
      const circle = element("circle", { class: "write", r: 4 });
      circle.append(element("animateMotion", { path, dur: `${PERIOD_MS}ms`, begin: `${(dot / dots) * PERIOD_MS}ms`, repeatCount: "indefinite" }));
      svg.append(circle);
    }
  });
  members.forEach((member, index) => {
    const { x, y } = places[index];
    svg.append(element("rect", { class: "node", x: x - NODE_RADIUS, y: y - 34, width: NODE_RADIUS * 2, height: 68, rx: 12 }));
    const lines = [
      [`node ${member.replica}`, "strong"],
      [`${member.pending} pending`, ""],
      [`${member.cacheEntries} keys cached`, ""],
    ];
    lines.forEach(([text, kind], line) => svg.append(element("text", { class: kind, x, y: y - 14 + line * 18, "text-anchor": "middle" }, text)));
  });
}
