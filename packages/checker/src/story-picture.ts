// A story as a picture: a lane for each session, a box for each transaction from left to right in causal order, and arrows for what follows what. It stands alone, as SVG, and can be
// read in black and white: what is wrong is dashed.

import type { Arrow, Scene, Story } from "./story.js";

const MARGIN = 24;
const LABEL_WIDTH_MIN = 80;
const CHARACTER_WIDTH = 7.3;
const LINE_HEIGHT = 17;
const BOX_PADDING = 10;
const COLUMN_GAP = 56;
const LANE_GAP = 64;
const FONT = "ui-monospace, Menlo, Consolas, monospace";
const INK = { session: "#6b7280", read: "#1d4ed8", wrong: "#b91c1c", box: "#f8fafc", edge: "#334155", text: "#0f172a", lane: "#e2e8f0" } as const;
const LEGEND: readonly [kind: Arrow["kind"], text: string][] = [
  ["session", "session order"],
  ["read", "reads from"],
  ["wrong", "what cannot be"],
];

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly lines: readonly string[];
}

/** A whole SVG document. */
export function storyPicture(story: Story): string {
  const { scenes, arrows, anomaly, meaning, reasons, breaks } = story;
  const sessions = [...new Set(scenes.map(({ session }) => session))];
  const labels = Math.max(LABEL_WIDTH_MIN, ...sessions.map((session) => textWidth(session) + 16));
  const lines = scenes.map(linesOf);
  const heights = sessions.map((session) => Math.max(...scenes.map((scene, index) => (scene.session === session ? boxHeight(lines[index]) : 0))));
  const head = MARGIN + 3 * LINE_HEIGHT + 40;
  const laneTops = heights.map((_, lane) => head + heights.slice(0, lane).reduce((sum, height) => sum + height + LANE_GAP, 0));
  let x = MARGIN + labels;
  const boxes = scenes.map((scene, index): Box => {
    const width = Math.max(...lines[index].map(textWidth)) + 2 * BOX_PADDING;
    const box = { x, y: laneTops[sessions.indexOf(scene.session)], width, height: boxHeight(lines[index]), lines: lines[index] };
    x += width + COLUMN_GAP;
    return box;
  });
  const right = x - COLUMN_GAP;
  const foot = laneTops.at(-1)! + heights.at(-1)! + LANE_GAP;
  const texts = [anomaly, meaning, `breaks: ${breaks.join(", ")}`, ...reasons];
  const width = Math.ceil(Math.max(right, ...texts.map((text) => MARGIN + textWidth(text) * 1.05)) + MARGIN);
  const height = Math.ceil(foot + (reasons.length + 2) * LINE_HEIGHT + MARGIN);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="${FONT}" font-size="12" fill="${INK.text}">`,
    `<title>${escaped(`${anomaly}: ${meaning}`)}</title>`,
    `<defs>${LEGEND.map(([kind]) => markerOf(kind)).join("")}</defs>`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    text(MARGIN, MARGIN + LINE_HEIGHT, anomaly, `font-size="17" font-weight="bold"`),
    text(MARGIN, MARGIN + 2.4 * LINE_HEIGHT, meaning),
    text(MARGIN, MARGIN + 3.4 * LINE_HEIGHT, `breaks: ${breaks.join(", ")}`, `fill="${INK.wrong}"`),
    ...sessions.map((session, lane) => laneOf(session, laneTops[lane] + heights[lane] / 2, labels, right)),
    ...arrows.filter(({ kind }) => kind !== "wrong").map((arrow) => arrowOf(arrow, boxes, 0)),
    ...boxes.map(boxOf),
    ...arrows.filter(({ kind }) => kind === "wrong").map((arrow, nth) => arrowOf(arrow, boxes, nth)),
    ...reasons.map((reason, index) => text(MARGIN, foot + index * LINE_HEIGHT, reason)),
    legend(foot + (reasons.length + 1) * LINE_HEIGHT),
    "</svg>",
    "",
  ].join("\n");
}

function linesOf({ name, node, operations, status }: Scene): string[] {
  return [
    node === undefined || node === "" ? name : `${name} at ${node}`,
    ...operations.map((operation) => operation.text),
    ...(status === undefined ? [] : [`(${status})`]),
  ];
}

function boxHeight(lines: readonly string[]): number {
  return lines.length * LINE_HEIGHT + 2 * BOX_PADDING - 4;
}

function textWidth(text: string): number {
  return text.length * CHARACTER_WIDTH;
}

function laneOf(session: string, y: number, labels: number, right: number): string {
  const line = `<line x1="${MARGIN + labels - 8}" y1="${y}" x2="${right}" y2="${y}" stroke="${INK.lane}" stroke-width="2"/>`;
  return line + text(MARGIN, y + 4, session, `font-weight="bold"`);
}

function boxOf({ x, y, width, height, lines }: Box): string {
  const frame = `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="6" fill="${INK.box}" stroke="${INK.edge}"/>`;
  const rows = lines.map((line, index) =>
    text(x + BOX_PADDING, y + BOX_PADDING + (index + 0.7) * LINE_HEIGHT, line, index === 0 ? `fill="${INK.session}"` : ""),
  );
  return frame + rows.join("");
}

/** Session order goes from side to side. Reads leave and arrive above or below, so that they pass between the lanes; what is wrong goes below all that it concerns. */
function arrowOf({ from, to, kind, label }: Arrow, boxes: readonly Box[], nth: number): string {
  const [start, end] = [boxes[from], boxes[to]];
  const style = `fill="none" stroke="${INK[kind]}" stroke-width="${kind === "wrong" ? 2 : 1.5}" marker-end="url(#${kind})"${kind === "wrong" ? ` stroke-dasharray="6 4"` : ""}`;
  const [startX, endX] = [start.x + start.width / 2, end.x + end.width / 2];
  if (kind === "wrong") {
    const below = Math.max(start.y + start.height, end.y + end.height);
    const y = below + LANE_GAP * (0.5 + 0.35 * nth);
    const [x1, x2] = [startX - 8 * (nth + 1), endX + 8 * (nth + 1)];
    const path = `<path d="M ${x1} ${start.y + start.height} C ${x1} ${y}, ${x2} ${y}, ${x2} ${end.y + end.height + 2}" ${style}/>`;
    return path + wrongLabel((x1 + x2) / 2, (below + 3 * y) / 4 + 4, label);
  }
  if (start.y === end.y && kind === "read") {
    const y = start.y - LANE_GAP * 0.4;
    return `<path d="M ${startX} ${start.y} C ${startX} ${y}, ${endX} ${y}, ${endX} ${end.y - 2}" ${style}/>`;
  }
  if (start.y === end.y || kind === "session") {
    const [x1, y1, x2, y2] = [start.x + start.width, start.y + start.height / 2, end.x - 2, end.y + end.height / 2];
    const bend = Math.max(24, (x2 - x1) / 2);
    return `<path d="M ${x1} ${y1} C ${x1 + bend} ${y1}, ${x2 - bend} ${y2}, ${x2} ${y2}" ${style}/>`;
  }
  const isDown = start.y < end.y;
  const [y1, y2] = isDown ? [start.y + start.height, end.y - 2] : [start.y, end.y + end.height + 2];
  const bend = (isDown ? 1 : -1) * LANE_GAP * 0.8;
  return `<path d="M ${startX} ${y1} C ${startX} ${y1 + bend}, ${endX} ${y2 - bend}, ${endX} ${y2}" ${style}/>`;
}

function wrongLabel(x: number, y: number, content: string): string {
  return text(x, y, content, `text-anchor="middle" font-size="11" fill="${INK.wrong}" stroke="#ffffff" stroke-width="3" paint-order="stroke"`);
}

function markerOf(kind: Arrow["kind"]): string {
  return `<marker id="${kind}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M 0 0 L 10 5 L 0 10 z" fill="${INK[kind]}"/></marker>`;
}

function legend(y: number): string {
  return LEGEND.map(([kind, name], index) => {
    const x = MARGIN + index * 170;
    const dash = kind === "wrong" ? ` stroke-dasharray="6 4"` : "";
    return `<line x1="${x}" y1="${y - 4}" x2="${x + 30}" y2="${y - 4}" stroke="${INK[kind]}" stroke-width="2" marker-end="url(#${kind})"${dash}/>${text(x + 38, y, name)}`;
  }).join("");
}

function text(x: number, y: number, content: string, attributes = ""): string {
  return `<text x="${round(x)}" y="${round(y)}"${attributes === "" ? "" : ` ${attributes}`}>${escaped(content)}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Names come from the history; characters that XML has no place for are shown as such. */
function escaped(content: string): string {
  const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
  return content.replace(/[&<>]/g, (character) => ENTITIES[character]).replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, "\uFFFD");
}
