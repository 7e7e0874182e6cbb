// How each system looks in every plot: colours of Okabe and Ito, which colour-blind people tell apart, with dashes and symbols where two share a hue.

export interface Style {
  readonly colour: string;
  readonly dash: string;
  readonly symbol: "circle" | "square" | "triangle" | "diamond" | "cross" | "star" | "wye";
}

const SOLID = "none";
const DASHED = "6 4";

const STYLES: Readonly<Record<string, Style>> = {
  causalmesh: { colour: "#0072B2", dash: SOLID, symbol: "circle" },
  "causalmesh-tcc": { colour: "#0072B2", dash: DASHED, symbol: "square" },
  "causalmesh-paper": { colour: "#D55E00", dash: SOLID, symbol: "triangle" },
  "causalmesh-paper-tcc": { colour: "#D55E00", dash: DASHED, symbol: "diamond" },
  "hydrocache-con": { colour: "#009E73", dash: SOLID, symbol: "square" },
  "hydrocache-opt": { colour: "#009E73", dash: DASHED, symbol: "circle" },
  faastcc: { colour: "#CC79A7", dash: SOLID, symbol: "diamond" },
  weak: { colour: "#000000", dash: SOLID, symbol: "cross" },
  none: { colour: "#999999", dash: DASHED, symbol: "wye" },
  redis: { colour: "#E69F00", dash: SOLID, symbol: "star" },
  "ring, p50": { colour: "#0072B2", dash: SOLID, symbol: "circle" },
  "ring, p99": { colour: "#0072B2", dash: DASHED, symbol: "square" },
  "ring of rings, by arithmetic": { colour: "#E69F00", dash: DASHED, symbol: "diamond" },
  "tree of 8, by arithmetic": { colour: "#009E73", dash: DASHED, symbol: "triangle" },
  "everybody to everybody, by arithmetic": { colour: "#999999", dash: DASHED, symbol: "cross" },
  "all together, one region": { colour: "#0072B2", dash: SOLID, symbol: "circle" },
  "per node, one region": { colour: "#0072B2", dash: DASHED, symbol: "square" },
  "all together, three regions": { colour: "#D55E00", dash: SOLID, symbol: "triangle" },
  "per node, three regions": { colour: "#D55E00", dash: DASHED, symbol: "diamond" },
  "a write on a link": { colour: "#0072B2", dash: SOLID, symbol: "circle" },
  "a write's key and value": { colour: "#999999", dash: DASHED, symbol: "cross" },
  "a session": { colour: "#D55E00", dash: SOLID, symbol: "triangle" },
  "the paper's DAX": { colour: "#E69F00", dash: DASHED, symbol: "star" },
};

export function styleOf(name: string): Style {
  return STYLES[name] ?? { colour: "#56B4E9", dash: SOLID, symbol: "circle" };
}
