// Judges a history: which of the criteria hold. What a person is shown of it is made in counterexample.ts.

import { causalOrder } from "./causal-order.js";
import { factsOf, type Facts } from "./facts.js";
import { components, type Graph } from "./graph.js";
import { brokenGuarantees, GUARANTEES, type BrokenGuarantee, type Guarantee } from "./guarantees.js";
import type { History } from "./history.js";
import { causalGraph, graphOfCausal, graphOfReadAtomic, graphOfReadCommitted, LEVELS, type Level } from "./levels.js";
import { Pasts, type Conclusions } from "./pasts.js";

/** What a history may satisfy: a level, or a session guarantee. */
export type Criterion = Level | Guarantee;

/** All of them, the weakest level first. */
export const CRITERIA: readonly Criterion[] = [...LEVELS, ...GUARANTEES];

/** A graph whose circles break a level, and the components that have them. */
export interface BrokenLevel {
  readonly graph: Graph;
  readonly components: readonly (readonly number[])[];
  readonly componentOf: Int32Array;
}

export interface Judgement {
  readonly facts: Facts;
  /** Whether a criterion holds; undefined where that could not be told. */
  readonly holds: Readonly<Record<Criterion, boolean | undefined>>;
  readonly brokenLevels: ReadonlyMap<Level, BrokenLevel>;
  readonly brokenGuarantees: ReadonlyMap<Guarantee, BrokenGuarantee>;
  /** Transactions each of which directly follows the one before it, in a circle. */
  readonly circle: readonly number[] | undefined;
  /** Chains of writers that it took: about as many as sessions that wrote at the same time. */
  readonly chains: number;
}

export function judge(history: History): Judgement {
  const facts = factsOf(history);
  const causal = causalOrder(facts);
  if ("circle" in causal) return circular(facts, causal.circle);
  const { order } = causal;
  const pasts = new Pasts(facts, "causal").walk(order);
  // What nothing in the past explains saw the beginning; said so, it is one of the reads that are stale.
  if (pasts.missedByVague.length > 0) return judge({ ...history, sawBeginning: new Set([...history.sawBeginning, ...pasts.missedByVague]) });
  const graph = graphOfCausal(facts, order, pasts.conclusions);
  const causalBreak = graph === undefined ? undefined : broken(graph);
  const brokenLevels = new Map<Level, BrokenLevel>();
  let guarantees: ReturnType<typeof brokenGuarantees> = { broken: new Map(), isComplete: true };
  if (causalBreak !== undefined) {
    brokenLevels.set("causal", causalBreak);
    const atomic = broken(graphOfReadAtomic(facts, order));
    if (atomic !== undefined) brokenLevels.set("read atomic", atomic);
    const committed = atomic === undefined ? undefined : broken(graphOfReadCommitted(facts));
    if (committed !== undefined) brokenLevels.set("read committed", committed);
    guarantees = brokenGuarantees(facts, order, causalGraph(facts), staleIn(causalBreak, pasts.conclusions));
  }
  const isLocallyRight = facts.problems.length === 0;
  const level = (name: Level): boolean => isLocallyRight && !brokenLevels.has(name);
  const guarantee = (name: Guarantee): boolean | undefined => (guarantees.broken.has(name) ? false : guarantees.isComplete ? true : undefined);
  return {
    facts,
    holds: holdsOf(level, guarantee),
    brokenLevels,
    brokenGuarantees: guarantees.broken,
    circle: undefined,
    chains: pasts.chains,
  };
}

/** The reads whose conclusions take part in a circle. */
function staleIn({ componentOf }: BrokenLevel, { before, after, read }: Conclusions): Set<number> {
  const reads = new Set<number>();
  for (let index = 0; index < read.length; index++) {
    const component = componentOf[before.at(index)];
    if (component >= 0 && component === componentOf[after.at(index)]) reads.add(read.at(index));
  }
  return reads;
}

/** Where information flows in a circle there is no past, and so nothing to say about sessions. */
function circular(facts: Facts, circle: readonly number[]): Judgement {
  const holds = holdsOf(
    () => false,
    () => undefined,
  );
  return { facts, holds, brokenLevels: new Map(), brokenGuarantees: new Map(), circle, chains: 0 };
}

function holdsOf(level: (name: Level) => boolean, guarantee: (name: Guarantee) => boolean | undefined): Record<Criterion, boolean | undefined> {
  return Object.fromEntries([...LEVELS.map((name) => [name, level(name)]), ...GUARANTEES.map((name) => [name, guarantee(name)])]) as Judgement["holds"];
}

function broken(graph: Graph): BrokenLevel | undefined {
  const { members, of } = components(graph);
  return members.length === 0 ? undefined : { graph, components: members, componentOf: of };
}
