// Transactions: all reads of one come from one closed cut, its snapshot, and see each key alike; nobody sees what waits in one, or was rolled back;
// it is committed once, however often that was asked for; and it is not given up where nothing is wrong. That its write is seen whole or not at
// all is what the checkers of cuts judge, as for any write.

import type { Causality } from "../causality.js";
import type { History, Observation, RecordedCommit, RecordedTransaction } from "../history.js";
import type { Violation } from "./violation.js";

export function checkTransactions(history: History, truth: Causality): Violation[] {
  return [
    ...history.transactions.flatMap((transaction) => [...snapshotViolations(history, truth, transaction), ...doubleCommits(history, transaction)]),
    ...repeatedCommits(history),
    ...readsOfBuffered(history),
    ...needlessAborts(history),
  ];
}

function snapshotViolations(history: History, truth: Causality, { session, reads }: RecordedTransaction): Violation[] {
  if (reads.length === 0) return [];
  const violations: Violation[] = [];
  const observed = reads.flatMap((read) => history.operations[read].observed);
  // Judged as one read, by whoever had not read anything of it; the snapshot may have moved until the last one.
  const within = truth.withSeen(history.operations[reads[0]], observed);
  const last = history.operations[reads.at(-1)!];
  const seen = new Map<string, Observation>();
  for (const observation of observed) {
    const { key, write } = observation;
    const missed = truth.missed(last, observation, within);
    if (missed !== undefined) {
      const values = observed.map((one) => `${one.key}=${one.write ?? "nothing"}`).join(" ");
      violations.push({ rule: "snapshot", message: `a transaction of ${session} reads ${values}: ${key} lacks write ${missed}`, operations: reads });
    }
    const before = seen.get(key);
    if (before !== undefined && before.write !== write)
      violations.push({
        rule: "snapshot",
        message: `a transaction of ${session} reads ${key} as write ${before.write}, and then as write ${write}`,
        operations: reads,
      });
    seen.set(key, observation);
  }
  return violations;
}

function readsOfBuffered(history: History): Violation[] {
  const violations: Violation[] = [];
  for (const { id, session, observed } of history.operations) {
    for (const { key, write } of observed) {
      if (write === undefined || (history.writes[write].operation >= 0 && history.writes[write].operation < id)) continue;
      const message = `#${id} ${session} reads ${key} and sees write ${write}, which waits in its transaction`;
      violations.push({ rule: "buffered writes", message, operations: [id] });
    }
  }
  return violations;
}

/** Once every node has a commit, no other one of the same transaction is made. Before that, uses of a token at several nodes may not know of each other. */
function doubleCommits(history: History, { session, commits }: RecordedTransaction): Violation[] {
  const violations: Violation[] = [];
  const known = commits.filter(({ everywhere }) => everywhere);
  for (const first of known) {
    for (const second of commits) {
      if (second.fromMs < first.untilMs || second.version === first.version) continue;
      const message = `a transaction of ${session} was committed as ${describe(first)}, and again as ${describe(second)}`;
      violations.push({ rule: "one commit", message, operations: [first, second].map(({ write }) => history.writes[write].operation) });
    }
  }
  return violations;
}

/**
 * A commit that one program asks for, however often and wherever, is made once; but for those that died with their nodes. Such a one may be made again by each
 * fork of its session, under the timestamp that it had: to do that twice is to do it once.
 */
function repeatedCommits(history: History): Violation[] {
  return [...history.commitsInRing].flatMap(([id, stamps]) => {
    const kept = new Map(stamps.filter(({ replica, counter }) => counter <= history.finalOf(replica)).map((stamp) => [stamp.timestamp, stamp]));
    if (kept.size < 2) return [];
    const message = `transaction ${id} was committed as ${[...kept.values()].map(({ replica, counter }) => `${replica}:${counter}`).join(" and as ")}`;
    return [{ rule: "one commit", message, operations: [] }];
  });
}

function describe({ write, version }: RecordedCommit): string {
  return `write ${write} (${version})`;
}

function needlessAborts(history: History): Violation[] {
  const causes = Object.entries(history.aborts);
  if (history.mayAbort || causes.length === 0) return [];
  return [
    { rule: "no needless abort", message: `transactions were given up: ${causes.map(([cause, count]) => `${count} for ${cause}`).join(", ")}`, operations: [] },
  ];
}
