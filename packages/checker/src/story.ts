// A counterexample in words: what happened, in an order that respects causality, what follows from what, and what is wrong with it. The text and the picture are drawn from it.

import { causalOrder } from "./causal-order.js";
import type { Anomaly, Counterexample } from "./counterexample.js";
import type { LocalProblem } from "./facts.js";
import { BY_CONCLUSION, BY_READ, BY_STAMP, cheapestPath, type Edge } from "./graph.js";
import { DELETION, INITIAL, NOTHING, READ, nameOf, type History } from "./history.js";
import { causalGraph } from "./levels.js";

export interface Scene {
  readonly name: string;
  readonly session: string;
  readonly node: string | undefined;
  /** Such as `writes x = 1`, and for a read the transaction that it reads from, where that is shown. */
  readonly operations: readonly { readonly text: string; readonly from: string | undefined }[];
  /** Whether it is known to have happened, where it is not simply committed. */
  readonly status: string | undefined;
}

export interface Arrow {
  /** Places in `Story.scenes`. */
  readonly from: number;
  readonly to: number;
  readonly kind: "session" | "read" | "wrong";
  /** Of what is wrong: why it is said. */
  readonly label: string;
}

export interface Story {
  readonly anomaly: Anomaly;
  /** What the anomaly is, in general. */
  readonly meaning: string;
  /** The criteria that it breaks. */
  readonly breaks: readonly string[];
  readonly scenes: readonly Scene[];
  readonly arrows: readonly Arrow[];
  /** What is wrong here, step by step. */
  readonly reasons: readonly string[];
}

const MEANINGS: Readonly<Record<Anomaly, string>> = {
  "thin-air read": "A read saw a value that nobody wrote.",
  "aborted read": "A read saw a write that did not happen.",
  "intermediate read": "A read saw a write that its own transaction had overwritten.",
  "future read": "A transaction saw what it wrote only afterwards.",
  "own write not read": "A transaction did not see what it had written itself.",
  "read your writes": "A session did not see what it had written itself, but something older.",
  "monotonic reads": "A session saw something older than what it had seen before.",
  "monotonic writes": "A later write of a session was seen without an earlier one.",
  "writes follow reads": "A write was seen without what its session had seen before it.",
  "circular information flow": "Transactions follow each other in a circle.",
  "observed transaction vanishes": "A transaction saw a write of another one, and then what that one had overwritten.",
  "fractured read": "A transaction saw one part of another one, and of another part what was there before.",
  "unrepeatable read": "A transaction read a key twice and saw two different writes.",
  "causality violation": "A read misses a write of its causal past, and saw what that one had overwritten.",
  "conflicting orders": "Concurrent writes were seen in different orders, so that none of them can have won everywhere.",
  "arbitration violation": "What was seen does not agree with the ranks of the writes.",
};

/** The name of everything that may be found. */
export const ANOMALIES = Object.keys(MEANINGS) as readonly Anomaly[];

/** Tells a counterexample. */
export function storyOf(counterexample: Counterexample): Story {
  return new Teller(counterexample).story();
}

class Teller {
  readonly #counterexample: Counterexample;
  readonly #history: History;
  readonly #order: readonly number[];

  constructor(counterexample: Counterexample) {
    this.#counterexample = counterexample;
    this.#history = counterexample.history;
    const causal = causalOrder(counterexample.judgement.facts);
    const order = "order" in causal ? [...causal.order] : Array.from({ length: this.#history.transactions }, (_, index) => index);
    this.#order = order.filter((transaction) => transaction !== INITIAL);
  }

  story(): Story {
    const { anomaly, breaks, problem, circle } = this.#counterexample;
    return {
      anomaly,
      meaning: MEANINGS[anomaly],
      breaks,
      scenes: this.#order.map((transaction) => this.#scene(transaction)),
      arrows: this.#arrows(),
      reasons: problem === undefined ? this.#reasons(circle) : [this.#problem(problem)],
    };
  }

  #scene(transaction: number): Scene {
    const { history } = this.#counterexample;
    const { from } = history.operations;
    const operations = Array.from({ length: from[transaction + 1] - from[transaction] }, (_, index) => {
      const operation = from[transaction] + index;
      return { text: this.#operation(operation), from: this.#sourceOf(operation) };
    });
    const status = ["", "it may have happened", "it did not happen", "it was lost later"][history.status[transaction]];
    return {
      name: nameOf(history, transaction),
      session: this.#sessionOf(transaction),
      node: history.labels.node[transaction],
      operations,
      status: status === "" ? undefined : status,
    };
  }

  #sourceOf(operation: number): string | undefined {
    const { reads } = this.#counterexample.judgement.facts;
    const read = reads.operation.indexOf(operation);
    return read < 0 || reads.source[read] === INITIAL ? undefined : nameOf(this.#history, reads.source[read]);
  }

  #sessionOf(transaction: number): string {
    return this.#history.sessions[this.#history.session[transaction]];
  }

  #operation(operation: number): string {
    const { kind, key, value } = this.#history.operations;
    const name = this.#history.keys[key[operation]];
    if (kind[operation] === DELETION) return `deletes ${name}`;
    return `${kind[operation] === READ ? "reads" : "writes"} ${name} = ${this.#value(value[operation])}`;
  }

  #value(value: number): string {
    return value === NOTHING ? "nothing" : String(this.#history.values[value]);
  }

  #arrows(): Arrow[] {
    const { facts } = this.#counterexample.judgement;
    const place = new Map(this.#order.map((transaction, index) => [transaction, index]));
    const arrows: Arrow[] = [];
    const add = (before: number, after: number, kind: Arrow["kind"], label: string): void => {
      const from = place.get(before);
      const to = place.get(after);
      if (from !== undefined && to !== undefined) arrows.push({ from, to, kind, label });
    };
    const { from, items } = this.#history.before;
    for (const after of this.#order) for (let at = from[after]; at < from[after + 1]; at++) add(items[at], after, "session", "");
    facts.reads.transaction.forEach((reader, read) => add(facts.reads.source[read], reader, "read", ""));
    const { problem, circle } = this.#counterexample;
    if (problem?.other !== undefined && facts.ownerOf(problem.other) !== problem.transaction)
      add(facts.ownerOf(problem.other), problem.transaction, "wrong", this.#operation(problem.operation));
    for (const edge of circle)
      if (edge.reason === BY_CONCLUSION)
        add(edge.before, edge.after, "wrong", `must come before, by ${nameOf(this.#history, facts.reads.transaction[edge.read])}`);
    return arrows;
  }

  /** Such as `x = 1`. */
  #seen(read: number): string {
    const { operation } = this.#counterexample.judgement.facts.reads;
    return this.#operation(operation[read]).replace(/^reads /, "");
  }

  #reason({ before, after, reason, read }: Edge): string {
    const [first, second] = [nameOf(this.#history, before), nameOf(this.#history, after)];
    if (reason === BY_READ) return `${first} comes before ${second}, which reads ${this.#seen(read)} from it`;
    if (reason === BY_STAMP) return `${first} comes before ${second} by their ranks`;
    if (reason !== BY_CONCLUSION) return `${first} comes before ${second}, in ${this.#lineage(before, after)}`;
    const { reads } = this.#counterexample.judgement.facts;
    const reader = reads.transaction[read];
    const key = this.#history.keys[reads.key[read]];
    const name = reader === after ? "it" : nameOf(this.#history, reader);
    const follows = `follows ${first}, which wrote ${key}${after === INITIAL ? "" : " too"}${this.#way(before, reader)}`;
    if (after === INITIAL) return `${name} reads ${this.#seen(read)} although it ${follows}`;
    return `${first} comes before ${second}, since ${name} reads ${this.#seen(read)} although it ${follows}`;
  }

  /** The steps by which one transaction follows another, where they are more than one. */
  #way(before: number, after: number): string {
    const way = cheapestPath(causalGraph(this.#counterexample.judgement.facts), before, after, () => true) ?? [];
    return way.length < 2 ? "" : ` (${[before, ...way.map((edge) => edge.after)].map((transaction) => nameOf(this.#history, transaction)).join(" → ")})`;
  }

  #lineage(before: number, after: number): string {
    const [session, other] = [this.#sessionOf(before), this.#sessionOf(after)];
    return session === other ? `session ${session}` : `session order: ${other} goes on from ${session}`;
  }

  /** Step by step. That everything comes after the beginning need not be said. */
  #reasons(circle: readonly Edge[]): string[] {
    const reasons = circle.filter(({ before }) => before !== INITIAL).map((edge) => this.#reason(edge));
    if (circle.length === 0 || circle.some(({ before }) => before === INITIAL)) return reasons;
    return [...reasons, `so ${nameOf(this.#history, circle[0].before)} would come before itself`];
  }

  #problem({ anomaly, transaction, operation, other }: LocalProblem): string {
    const name = nameOf(this.#history, transaction);
    const read = this.#operation(operation);
    const source = other === undefined ? "" : nameOf(this.#history, this.#counterexample.judgement.facts.ownerOf(other));
    switch (anomaly) {
      case "thin-air read":
        return `${name} ${read}, and no transaction wrote that`;
      case "aborted read":
        return `${name} ${read}, written by ${source}, which did not happen`;
      case "intermediate read":
        return `${name} ${read}, which ${source} overwrote itself before it was done`;
      case "future read":
        return `${name} ${read} before it writes that`;
      case "own write not read":
        return `${name} ${this.#operation(other!)}, and then ${read}`;
    }
  }
}
