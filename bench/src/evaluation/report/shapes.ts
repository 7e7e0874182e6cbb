// What other shapes than the ring would give, by arithmetic from what the simulation has measured of it.

import type { Beyond } from "../beyond/beyond.js";

/** How something grows with the number of nodes: `fixed + nodes * perNode`, by least squares. */
export interface Growth {
  readonly fixed: number;
  readonly perNode: number;
}

/** Small meshes are within the noise of single steps. */
export const FITTED_FROM = 8;

/** undefined where fewer than two sizes were simulated. */
export function growthOf(runs: readonly Beyond[], value: (run: Beyond) => number): Growth | undefined {
  const points = runs.filter(({ nodes }) => nodes >= FITTED_FROM).map((run): [number, number] => [run.nodes, value(run)]);
  if (points.length < 2) return undefined;
  const mean = (of: (point: [number, number]) => number): number => points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean(([nodes]) => nodes), mean(([, found]) => found)];
  const perNode = mean(([nodes, found]) => (nodes - x) * (found - y)) / mean(([nodes]) => (nodes - x) ** 2);
  return { perNode, fixed: y - perNode * x };
}

/** The number of nodes at which it reaches a bound. */
export function nodesAt({ fixed, perNode }: Growth, bound: number): number {
  return (bound - fixed) / perNode;
}

/** Children of each node of a tree. */
export const FAN_OUT = 8;

export interface Shape {
  readonly name: string;
  /** Hops that a write takes to everybody, and that the word that everybody has it takes. */
  readonly hops: (nodes: number) => number;
  /** Messages for one write that travels alone. */
  readonly messages: (nodes: number) => number;
}

export const SHAPES: readonly Shape[] = [
  { name: "ring", hops: (nodes) => nodes, messages: (nodes) => 2 * nodes },
  { name: "ring of rings", hops: (nodes) => 2 * Math.sqrt(nodes), messages: (nodes) => 2 * nodes },
  { name: `tree of ${FAN_OUT}`, hops: (nodes) => 2 * Math.ceil(Math.log(nodes) / Math.log(FAN_OUT)), messages: (nodes) => 2 * nodes },
  { name: "everybody to everybody", hops: () => 1, messages: (nodes) => nodes * nodes },
];

/** Two trips, each of so many hops of what one takes in the ring. What the distance between regions adds is that of the ring. */
export function shownAfterMs({ fixed, perNode }: Growth, { hops }: Shape, nodes: number): number {
  return Math.max(0, fixed) + perNode * hops(nodes);
}
