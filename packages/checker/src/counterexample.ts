// The smallest part of a history that still breaks what the whole breaks, and why: what a person looks at. It begins with a circle, or with the transactions that break a guarantee, and
// takes operations away for as long as the rest breaks the same.

import { causalOrder } from "./causal-order.js";
import type { LocalAnomaly, LocalProblem } from "./facts.js";
import { BY_CONCLUSION, BY_READ, cheapestPath, type Edge, type Graph } from "./graph.js";
import { GUARANTEES, turnsOf, type Guarantee } from "./guarantees.js";
import { type History } from "./history.js";
import { CRITERIA, judge, type BrokenLevel, type Criterion, type Judgement } from "./judge.js";
import { causalGraph, type Level } from "./levels.js";
import { anomalyOf, type LevelAnomaly } from "./anomaly.js";
import { partOf, without } from "./part.js";

export type Anomaly = LocalAnomaly | Guarantee | LevelAnomaly;

export interface Counterexample {
  readonly anomaly: Anomaly;
  /** The criteria that this part of the history alone breaks. */
  readonly breaks: readonly Criterion[];
  readonly history: History;
  /** Of a problem of one transaction, what shows it; the operations are those of `history`. */
  readonly problem: LocalProblem | undefined;
  /** Otherwise a circle: each edge says that one transaction comes before another, the last leads back to the first. */
  readonly circle: readonly Edge[];
  readonly judgement: Judgement;
}

/** Circles that are tried for the cheapest one in a component. */
const CIRCLES_TRIED_MAX = 64;

/** One counterexample for each criterion that is broken, the most telling first. */
export function counterexamplesOf(judgement: Judgement): Counterexample[] {
  const found: Counterexample[] = [];
  const isNews = (criterion: Criterion): boolean => !found.some(({ breaks }) => breaks.includes(criterion));
  for (const anomaly of new Set(judgement.facts.problems.map((problem) => problem.anomaly))) found.push(ofProblem(judgement, anomaly));
  if (judgement.circle !== undefined) return [...found, ofCircle(judgement, judgement.circle)];
  for (const [guarantee, { witnesses }] of judgement.brokenGuarantees) if (isNews(guarantee)) found.push(shrunk(judgement, guarantee, witnesses));
  // What is wrong in single transactions breaks every level; what else does is said beside it.
  const told = found.filter(({ problem }) => problem === undefined);
  for (const [level, broken] of [...judgement.brokenLevels].reverse())
    if (!told.some(({ breaks }) => breaks.includes(level))) {
      const counterexample = shrunk(judgement, level, witnessesOf(judgement, broken));
      told.push(counterexample);
      found.push(counterexample);
    }
  return found;
}

function ofProblem({ facts }: Judgement, anomaly: LocalAnomaly): Counterexample {
  const { history, problems, ownerOf } = facts;
  const problem = problems.find((one) => one.anomaly === anomaly)!;
  const shown = [problem.operation, ...(problem.other === undefined ? [] : [problem.other])];
  const hides = anomaly === "intermediate read" ? laterWrites(history, problem.other!, ownerOf(problem.other!)) : [];
  const part = partOf(history, shown.map(ownerOf), (operation) => shown.includes(operation) || hides.includes(operation));
  const judgement = judge(part);
  return { anomaly, breaks: breaksOf(judgement), history: part, problem: judgement.facts.problems.find((one) => one.anomaly === anomaly), circle: [], judgement };
}

/** The last write of the same transaction to the same key. */
function laterWrites({ operations }: History, write: number, owner: number): number[] {
  const later: number[] = [];
  for (let index = write + 1; index < operations.from[owner + 1]; index++) if (operations.key[index] === operations.key[write]) later.push(index);
  return later.slice(-1);
}

function ofCircle(judgement: Judgement, circle: readonly number[]): Counterexample {
  const { facts } = judgement;
  const graph = causalGraph(facts);
  const members = new Set(circle);
  const way = cheapestPath(graph, circle[0], circle[0], (transaction) => members.has(transaction))!;
  const part = minimal(partOf(facts.history, turnsOf(way)), (history) => "circle" in causalOrder(judge(history).facts));
  const small = judge(part);
  const smallWay = cheapestPath(causalGraph(small.facts), small.circle![0], small.circle![0], () => true)!;
  return { anomaly: "circular information flow", breaks: breaksOf(small), history: part, problem: undefined, circle: smallWay, judgement: small };
}

/** The transactions of the cheapest circle, and those that its conclusions follow from. */
function witnessesOf({ facts }: Judgement, { graph, components, componentOf }: BrokenLevel): number[] {
  const members = [...components].sort((a, b) => a.length - b.length)[0];
  const circle = cheapestCircle(graph, members, componentOf);
  const causal = causalGraph(facts);
  const witnesses = new Set<number>();
  for (const { before, after, reason, read } of circle) {
    witnesses.add(before).add(after);
    if (reason !== BY_CONCLUSION) continue;
    const reader = facts.reads.transaction[read];
    witnesses.add(reader);
    for (const turn of turnsOf(cheapestPath(causal, before, reader, () => true) ?? [])) witnesses.add(turn);
  }
  return [...witnesses];
}

function cheapestCircle(graph: Graph, members: readonly number[], componentOf: Int32Array): readonly Edge[] {
  const component = componentOf[members[0]];
  const circles: (readonly Edge[])[] = [];
  for (const member of members) {
    if (circles.length === CIRCLES_TRIED_MAX) break;
    for (let edge = graph.from[member]; edge < graph.from[member + 1] && circles.length < CIRCLES_TRIED_MAX; edge++) {
      const before = graph.before[edge];
      if (graph.reason[edge] <= BY_READ || componentOf[before] !== component) continue;
      const way = cheapestPath(graph, member, before, (transaction) => componentOf[transaction] === component);
      if (way !== undefined) circles.push([{ before, after: member, reason: graph.reason[edge] as Edge["reason"], read: graph.read[edge] }, ...way]);
    }
  }
  const conclusions = (circle: readonly Edge[]): number => circle.reduce((sum, { reason }) => sum + (reason <= BY_READ ? 1 : 100), 0);
  return circles.sort((a, b) => conclusions(a) - conclusions(b))[0];
}

function shrunk({ facts }: Judgement, criterion: Criterion, witnesses: readonly number[]): Counterexample {
  const history = minimal(partOf(facts.history, witnesses), (part) => judge(part).holds[criterion] === false);
  const judgement = judge(history);
  const broken = judgement.brokenLevels.get(weakestBroken(judgement))!;
  const circle = cheapestCircle(broken.graph, broken.components[0], broken.componentOf);
  const { brokenGuarantees } = judgement;
  const guarantee = GUARANTEES.find((one) => one === criterion) ?? [...brokenGuarantees.keys()].at(0);
  const anomaly = guarantee ?? anomalyOf(judgement, weakestBroken(judgement), circle);
  return { anomaly, breaks: breaksOf(judgement), history, problem: undefined, circle, judgement };
}

function weakestBroken({ brokenLevels }: Judgement): Level {
  return [...brokenLevels.keys()].at(-1)!;
}

function breaksOf({ holds }: Judgement): Criterion[] {
  return CRITERIA.filter((criterion) => holds[criterion] === false);
}

/** Takes operations away for as long as what is left is still wrong. */
function minimal(history: History, isWrong: (history: History) => boolean): History {
  let smallest = history;
  for (let operation = history.operations.kind.length - 1; operation >= 0; operation--) {
    // After something was taken away, the numbers of what stands before it are the same.
    if (operation >= smallest.operations.kind.length) continue;
    const smaller = without(smallest, operation);
    if (isWrong(smaller)) smallest = smaller;
  }
  return smallest;
}
