// The smallest part of a history that still breaks what the whole breaks, and why: what a person looks at. It begins with a circle, or with the transactions that break a guarantee, and
// takes operations away for as long as the rest breaks the same.

import { causalOrder } from "./causal-order.js";
import type { LocalAnomaly, LocalProblem } from "./facts.js";
import { BY_CONCLUSION, BY_READ, cheapestPath, type Edge, type Graph } from "./graph.js";
import { GUARANTEES, turnsOf, type Guarantee } from "./guarantees.js";
import { READ, type History } from "./history.js";
import { CRITERIA, judge, type BrokenLevel, type Criterion, type Judgement } from "./judge.js";
import { causalGraph, LEVELS, type Level } from "./levels.js";
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
/** Components of a level that are looked at, the smallest first. */
const COMPONENTS_MAX = 4;

/** One counterexample for each criterion that is broken, and for what else is found wrong in another way; the most telling first. */
export function counterexamplesOf(judgement: Judgement): Counterexample[] {
  const { facts, circle, brokenGuarantees, brokenLevels } = judgement;
  const local = [...new Set(facts.problems.map(({ anomaly }) => anomaly))].map((anomaly) => ofProblem(judgement, anomaly));
  if (circle !== undefined) return [...local, ofCircle(judgement, circle)];
  const found: Counterexample[] = [];
  /** Lines of the file, by which transactions are known in every part of it. */
  const explained = new Set<number>();
  const add = (criterion: Criterion, witnesses: readonly number[]): void => {
    const counterexample = shrunk(judgement, criterion, witnesses);
    found.push(counterexample);
    for (const line of counterexample.history.labels.line.subarray(1)) explained.add(line);
  };
  const isTold = (criterion: Criterion): boolean => found.some(({ breaks }) => breaks.includes(criterion));
  for (const [guarantee, { witnesses }] of brokenGuarantees) if (!isTold(guarantee)) add(guarantee, witnesses);
  for (const [level, broken] of [...brokenLevels].reverse()) {
    const isExplained = (transaction: number): boolean => explained.has(facts.history.labels.line[transaction]);
    const members = [...broken.components].sort((a, b) => a.length - b.length).slice(0, COMPONENTS_MAX);
    for (const component of members) if (!isTold(level) || !component.some(isExplained)) add(level, witnessesOf(judgement, broken, component));
  }
  return [...local, ...found];
}

function ofProblem({ facts }: Judgement, anomaly: LocalAnomaly): Counterexample {
  const { history, problems, ownerOf } = facts;
  const problem = problems.find((one) => one.anomaly === anomaly)!;
  const shown = [problem.operation, ...(problem.other === undefined ? [] : [problem.other])];
  const hides = anomaly === "intermediate read" ? laterWrites(history, problem.other!, ownerOf(problem.other!)) : [];
  const part = partOf(history, shown.map(ownerOf), (operation) => shown.includes(operation) || hides.includes(operation));
  const judgement = judge(part);
  return {
    anomaly,
    breaks: breaksOf(judgement),
    history: part,
    problem: judgement.facts.problems.find((one) => one.anomaly === anomaly),
    circle: [],
    judgement,
  };
}

/** The last write of the same transaction to the same key. */
function laterWrites({ operations }: History, write: number, owner: number): number[] {
  const later: number[] = [];
  for (let index = write + 1; index < operations.from[owner + 1]; index++)
    if (operations.kind[index] !== READ && operations.key[index] === operations.key[write]) later.push(index);
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
function witnessesOf({ facts }: Judgement, { graph, componentOf }: BrokenLevel, members: readonly number[]): number[] {
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
  const history = minimal(partOf(facts.history, witnesses), (part) => isBroken(judge(part), criterion));
  const judgement = judge(history);
  const broken = judgement.brokenLevels.get(weakestBroken(judgement))!;
  const circle = cheapestCircle(broken.graph, broken.components[0], broken.componentOf);
  const { brokenGuarantees } = judgement;
  const guarantee = GUARANTEES.find((one) => one === criterion) ?? [...brokenGuarantees.keys()].at(0);
  const anomaly = guarantee ?? anomalyOf(judgement, weakestBroken(judgement), circle);
  return { anomaly, breaks: breaksOf(judgement), history, problem: undefined, circle, judgement };
}

/** Whether it is broken by what transactions do to each other, and not only by what is wrong within single ones. */
function isBroken({ brokenLevels, brokenGuarantees }: Judgement, criterion: Criterion): boolean {
  return LEVELS.some((level) => level === criterion && brokenLevels.has(level)) || GUARANTEES.some((one) => one === criterion && brokenGuarantees.has(one));
}

function weakestBroken({ brokenLevels }: Judgement): Level {
  return [...brokenLevels.keys()].at(-1)!;
}

function breaksOf({ holds }: Judgement): Criterion[] {
  return CRITERIA.filter((criterion) => holds[criterion] === false);
}

/** Takes operations away until every one that is left is needed. */
function minimal(history: History, isWrong: (history: History) => boolean): History {
  let smallest = history;
  for (let isSmaller = true; isSmaller;) {
    isSmaller = false;
    for (let operation = smallest.operations.kind.length - 1; operation >= 0; operation--) {
      // With a write, reads behind it may have gone.
      if (operation >= smallest.operations.kind.length) continue;
      const smaller = without(smallest, operation);
      if (!isWrong(smaller)) continue;
      smallest = smaller;
      isSmaller = true;
    }
  }
  return smallest;
}
