// The classic anomalies, each as the shortest history that shows it and nothing else.

import type { OperationLine, SessionLine, TransactionLine } from "../src/format.js";
import type { Anomaly, Criterion } from "../src/index.js";

export interface Example {
  readonly anomaly: Anomaly;
  readonly what: string;
  readonly breaks: readonly Criterion[];
  readonly lines: readonly (TransactionLine | SessionLine)[];
}

const LEVELS: readonly Criterion[] = ["read committed", "read atomic", "causal"];
const w = (key: string, value: number): OperationLine => ["w", key, value];
const r = (key: string, value: number | null): OperationLine => ["r", key, value];
const of = (session: string, ...ops: OperationLine[]): TransactionLine => ({ session, ops });

export const EXAMPLES: readonly Example[] = [
  { anomaly: "thin-air read", what: "a value from nowhere", breaks: LEVELS, lines: [of("a", w("x", 1)), of("b", r("x", 2))] },
  {
    anomaly: "aborted read",
    what: "dirty read, G1a",
    breaks: LEVELS,
    lines: [{ ...of("a", w("x", 1)), status: "aborted" }, of("b", r("x", 1))],
  },
  { anomaly: "intermediate read", what: "G1b", breaks: LEVELS, lines: [of("a", w("x", 1), w("x", 2)), of("b", r("x", 1))] },
  { anomaly: "future read", what: "reads what it writes later", breaks: LEVELS, lines: [of("a", r("x", 1), w("x", 1))] },
  { anomaly: "own write not read", what: "misses what it wrote before", breaks: LEVELS, lines: [of("a", w("x", 1)), of("b", w("x", 2), r("x", 1))] },
  {
    anomaly: "circular information flow",
    what: "G1c",
    breaks: LEVELS,
    lines: [of("a", r("x", 2), w("y", 1)), of("b", r("y", 1), w("x", 2))],
  },
  {
    anomaly: "observed transaction vanishes",
    what: "OTV",
    breaks: LEVELS,
    lines: [of("a", w("x", 1), w("y", 1)), of("b", r("x", 1), w("x", 2), w("y", 2)), of("c", r("y", 2), r("x", 1))],
  },
  {
    anomaly: "fractured read",
    what: "one half of a transfer",
    breaks: ["read atomic", "causal"],
    lines: [of("a", w("x", 1), w("y", 1)), of("b", r("x", null), r("y", 1))],
  },
  {
    anomaly: "unrepeatable read",
    what: "the same key twice, P2",
    breaks: ["read atomic", "causal"],
    lines: [of("a", w("x", 1)), of("b", w("x", 2)), of("c", r("x", 1), r("x", 2))],
  },
  {
    anomaly: "read your writes",
    what: "the own write is not there",
    breaks: ["read atomic", "causal", "read your writes"],
    lines: [of("a", w("x", 1)), of("a", r("x", null))],
  },
  {
    anomaly: "read your writes",
    what: "on a branch that joined others",
    breaks: ["read atomic", "causal", "read your writes"],
    lines: [of("a", w("x", 1)), of("b", w("y", 1)), { session: "c", from: ["a", "b"] }, of("c", r("x", null))],
  },
  {
    anomaly: "monotonic reads",
    what: "time goes backwards",
    breaks: ["causal", "monotonic reads"],
    lines: [of("a", w("x", 1)), of("a", w("x", 2)), of("b", r("x", 2)), of("b", r("x", 1))],
  },
  {
    anomaly: "monotonic writes",
    what: "the comment without the post",
    breaks: ["causal", "monotonic writes"],
    lines: [of("a", w("x", 1)), of("a", w("y", 1)), of("b", r("y", 1)), of("b", r("x", null))],
  },
  {
    anomaly: "writes follow reads",
    what: "the reply without the message",
    breaks: ["causal", "writes follow reads"],
    lines: [of("a", w("x", 1)), of("b", r("x", 1)), of("b", w("y", 1)), of("c", r("y", 1)), of("c", r("x", null))],
  },
  {
    anomaly: "causality violation",
    what: "across three sessions",
    breaks: ["causal"],
    lines: [of("a", w("x", 1)), of("a", w("y", 1)), of("b", r("y", 1)), of("b", w("z", 1)), of("c", r("z", 1)), of("c", r("x", null))],
  },
  {
    anomaly: "conflicting orders",
    what: "two readers, two winners",
    breaks: ["causal"],
    lines: [of("a", w("x", 1)), of("b", w("x", 2)), of("c", r("x", 1)), of("c", r("x", 2)), of("d", r("x", 2)), of("d", r("x", 1))],
  },
  {
    anomaly: "conflicting orders",
    what: "long fork of writes that overwrite each other",
    breaks: ["causal"],
    lines: [
      of("a", w("x", 1)),
      of("a", w("y", 1)),
      of("b", w("y", 2)),
      of("b", w("x", 2)),
      of("c", r("x", 1), r("y", 2)),
      of("c", r("y", 2)),
      of("d", r("y", 1)),
      of("d", r("x", 2)),
      of("d", r("y", 1)),
      of("c", r("x", 2)),
      of("c", r("x", 1)),
      of("d", r("x", 1)),
    ],
  },
  {
    anomaly: "arbitration violation",
    what: "a read of the loser",
    breaks: ["causal"],
    lines: [{ ...of("a", w("x", 1)), stamp: [1, 1] }, { ...of("b", w("x", 2)), stamp: [2, 2] }, of("c", r("x", 2)), of("c", r("x", 1))],
  },
  {
    anomaly: "arbitration violation",
    what: "a write of an earlier rank than what it follows",
    breaks: ["causal"],
    lines: [{ ...of("a", w("x", 1)), stamp: [2, 1] }, of("b", r("x", 1)), { ...of("b", w("y", 2)), stamp: [1, 2] }],
  },
];
