// Every checker on hand-made histories: good ones that it must accept, among them those that look wrong, and bad ones that it
// must find and name. A checker that cannot fail is worth nothing.

import { describe, expect, it } from "vitest";
import { Causality } from "../src/testing/causality.js";
import { checkArbitration } from "../src/testing/checkers/arbitration.js";
import { checkCausalOrder } from "../src/testing/checkers/causal-order.js";
import { checkHistory } from "../src/testing/checkers/check-history.js";
import { checkConvergence } from "../src/testing/checkers/convergence.js";
import { checkReadCuts } from "../src/testing/checkers/read-cuts.js";
import { checkSessionGuarantees } from "../src/testing/checkers/session-guarantees.js";
import { checkStoreCut } from "../src/testing/checkers/store-cut.js";
import { checkTransactions } from "../src/testing/checkers/transactions.js";
import type { Checker } from "../src/testing/checkers/violation.js";
import { History, type Observation, type RecordedTransaction, type Stamp, type WriteDetails } from "../src/testing/history.js";

/** A history written down by hand. Times are the numbers of the operations. */
class Story extends History {
  write(session: string, keys: string, stamp?: readonly [timestamp: number, replica: number, counter: number], details?: WriteDetails): number {
    const write = this.openWrite(session, "n", keys.split(" "), this.operations.length, details);
    this.closeWrite(write, "done", this.operations.length, stamp && stampOf(stamp));
    return write.id;
  }

  delete(session: string, keys: string, stamp?: readonly [timestamp: number, replica: number, counter: number]): number {
    return this.write(session, keys, stamp, { deletion: true });
  }

  see(session: string, values: Record<string, number | undefined>): void {
    this.read(session, "n", this.observations(values), this.operations.length);
  }

  observations(values: Record<string, number | undefined>): Observation[] {
    return Object.entries(values).map(([key, write]) => ({ key, write, absent: write === undefined || this.writes[write].deletion }));
  }

  sample(node: string, cut: string, values: Record<string, number | undefined>, final = false): void {
    this.samples.push({ node, cut, observed: this.observations(values), final });
  }

  /** The store holds these writes, and counts these counters as flushed. */
  stored(values: Record<string, number>, flushed: Record<number, number>): void {
    const rows = Object.entries(values).map(([key, write]) => ({ key, write, stamp: this.writes[write].stamp! }));
    this.storeStates.push({ atMs: this.operations.length, rows, flushed });
  }

  verdict(checker: Checker): string[] {
    return [...new Set(checker(this, new Causality(this)).map(({ rule }) => rule))];
  }
}

function stampOf([timestamp, replica, counter]: readonly [timestamp: number, replica: number, counter: number]): Stamp {
  return { timestamp, replica, counter };
}

function story(...sessions: string[]): Story {
  const told = new Story();
  for (const session of sessions) told.begin(session);
  return told;
}

describe("ground truth", () => {
  it("follows session order and reads-from, transitively, and nothing else", () => {
    const told = story("a", "b", "c");
    const x = told.write("a", "x");
    told.see("b", { x });
    const y = told.write("b", "y");
    const other = told.write("c", "y");
    told.see("c", { y });
    const z = told.write("c", "z");
    const truth = new Causality(told);
    expect([truth.precedes(x, y), truth.precedes(x, z), truth.precedes(other, z)]).toEqual([true, true, true]);
    expect([truth.precedes(y, x), truth.precedes(other, y), truth.precedes(x, other), truth.precedes(x, x)]).toEqual([false, false, false, false]);
  });

  it("follows forks and joins", () => {
    const told = story("a");
    const before = told.write("a", "x");
    told.begin("b", ["a"]);
    const left = told.write("a", "y");
    const right = told.write("b", "z");
    told.begin("c", ["a", "b"]);
    const joined = told.write("c", "x");
    const truth = new Causality(told);
    expect(truth.precedes(before, right)).toBe(true);
    expect(truth.precedes(left, right)).toBe(false);
    expect([before, left, right].every((write) => truth.precedes(write, joined))).toBe(true);
  });

  it("leaves a write of unknown outcome out of its session's past, and keeps the session's past in it", () => {
    const told = story("a");
    const before = told.write("a", "x");
    const lost = told.openWrite("a", "n", ["y"]);
    told.closeWrite(lost, "unknown");
    const after = told.write("a", "z");
    const truth = new Causality(told);
    expect(truth.precedes(before, lost.id)).toBe(true);
    expect(truth.precedes(lost.id, after)).toBe(false);
  });
});

describe("causal order", () => {
  it("accepts what is new, what is concurrent, and absence before any cause", () => {
    const told = story("a", "b");
    told.see("b", { x: undefined });
    const first = told.write("a", "x");
    const second = told.write("a", "x");
    told.see("b", { x: first });
    told.see("b", { x: second });
    const concurrent = told.write("b", "y");
    const also = told.write("a", "y");
    told.see("a", { y: concurrent });
    told.see("a", { y: also });
    expect(told.verdict(checkCausalOrder)).toEqual([]);
  });

  it("finds an overwritten value behind a chain of sessions and keys", () => {
    const told = story("a", "b", "c");
    const old = told.write("a", "x");
    told.write("a", "x");
    const y = told.write("a", "y");
    told.see("b", { y });
    const z = told.write("b", "z");
    told.see("c", { z });
    told.see("c", { x: old });
    expect(told.verdict(checkCausalOrder)).toEqual(["causal order"]);
  });

  it("finds a value that is missing although its effect was seen", () => {
    const told = story("a", "b");
    told.write("a", "x");
    const y = told.write("a", "y");
    told.see("b", { y });
    told.see("b", { x: undefined });
    expect(told.verdict(checkCausalOrder)).toEqual(["causal order"]);
  });

  it("accepts absence where a deletion may explain it, and not where that is overwritten", () => {
    const told = story("a", "b");
    const x = told.write("a", "x");
    told.delete("b", "x");
    told.see("a", { x: undefined });
    expect(told.verdict(checkCausalOrder)).toEqual([]);
    const later = story("a", "b");
    later.write("a", "x");
    later.delete("a", "x");
    later.write("a", "x");
    later.see("a", { x: undefined });
    expect(later.verdict(checkCausalOrder)).toEqual(["causal order"]);
    const before = story("a", "b");
    before.write("a", "x");
    before.see("a", { x: undefined });
    before.delete("b", "x");
    expect(before.verdict(checkCausalOrder)).toEqual(["causal order"]);
    told.see("b", { x });
    expect(told.verdict(checkCausalOrder)).toEqual([]);
  });

  it("accepts absence of a value that may have expired, and not earlier", () => {
    const told = story("a");
    told.write("a", "x", undefined, { expiresFromMs: 4 });
    told.read("a", "n", told.observations({ x: undefined }), 1, 5);
    expect(told.verdict(checkCausalOrder)).toEqual([]);
    told.read("a", "n", told.observations({ x: undefined }), 2, 3);
    expect(told.verdict(checkCausalOrder)).toEqual(["causal order"]);
  });

  it("finds values of another key, of a refused write and of a deletion", () => {
    const elsewhere = story("a");
    elsewhere.see("a", { y: elsewhere.write("a", "x") });
    expect(elsewhere.verdict(checkCausalOrder)).toEqual(["causal order"]);
    const refused = story("a", "b");
    const write = refused.openWrite("a", "n", ["x"]);
    refused.closeWrite(write, "refused");
    refused.see("b", { x: write.id });
    expect(refused.verdict(checkCausalOrder)).toEqual(["causal order"]);
    const deleted = story("a");
    const deletion = deleted.delete("a", "x");
    deleted.read("a", "n", [{ key: "x", write: deletion, absent: false }]);
    expect(deleted.verdict(checkCausalOrder)).toEqual(["causal order"]);
  });
});

describe("session guarantees", () => {
  it("names a write of its own that a session does not see, also after a fork and a join", () => {
    const told = story("a", "z");
    const older = told.write("z", "x");
    told.see("a", { x: older });
    told.write("a", "x");
    told.begin("b", ["a"]);
    told.begin("c", ["a", "b"]);
    told.see("c", { x: older });
    expect(told.verdict(checkSessionGuarantees)).toContain("read your writes");
    const missing = story("a");
    missing.write("a", "x");
    missing.see("a", { x: undefined });
    expect(missing.verdict(checkSessionGuarantees)).toEqual(["read your writes"]);
  });

  it("names a read that goes backwards", () => {
    const told = story("a", "b");
    const old = told.write("a", "x");
    const recent = told.write("a", "x");
    told.see("b", { x: recent });
    told.see("b", { x: old });
    expect(told.verdict(checkSessionGuarantees)).toEqual(["monotonic reads"]);
  });

  it("names an effect without what its writer had read", () => {
    const told = story("a", "b", "c");
    const message = told.write("a", "message");
    told.see("b", { message });
    const reply = told.write("b", "reply");
    told.see("c", { reply });
    told.see("c", { message: undefined });
    expect(told.verdict(checkSessionGuarantees)).toEqual(["writes follow reads"]);
  });

  it("names writes of one session that are seen out of order", () => {
    const told = story("a", "b");
    told.write("a", "x");
    const y = told.write("a", "y");
    told.see("b", { y });
    told.see("b", { x: undefined });
    expect(told.verdict(checkSessionGuarantees)).toEqual(["monotonic writes"]);
  });

  it("accepts concurrent writes in any order", () => {
    const told = story("a", "b", "c");
    const left = told.write("a", "x");
    const right = told.write("b", "x");
    told.see("c", { x: left });
    told.see("c", { x: right });
    told.see("a", { x: right });
    told.see("b", { x: left });
    expect(told.verdict(checkSessionGuarantees)).toEqual([]);
  });
});

describe("read cuts", () => {
  it("finds a write of two keys that is seen in one of them only", () => {
    const told = story("a", "b");
    const old = told.write("a", "x y");
    const both = told.write("a", "x y");
    told.see("b", { x: both, y: old });
    expect(told.verdict(checkReadCuts)).toEqual(["read cut"]);
    const missing = story("a", "b");
    missing.see("b", { x: missing.write("a", "x y"), y: undefined });
    expect(missing.verdict(checkReadCuts)).toEqual(["read cut"]);
  });

  it("finds an effect beside a value that its cause had overwritten", () => {
    const told = story("a", "b", "c");
    const old = told.write("a", "x");
    const recent = told.write("a", "x");
    told.see("b", { x: recent });
    const y = told.write("b", "y");
    told.see("c", { x: old, y });
    expect(told.verdict(checkReadCuts)).toEqual(["read cut"]);
    expect(told.verdict(checkCausalOrder)).toEqual([]);
  });

  it("accepts concurrent values side by side, and single reads that would be no cut", () => {
    const told = story("a", "b", "c");
    const both = told.write("a", "x y");
    const other = told.write("b", "y");
    told.see("c", { x: both, y: other });
    const fresh = story("a", "b");
    const old = fresh.write("a", "x");
    fresh.see("b", { x: old });
    fresh.write("a", "x");
    fresh.see("b", { y: fresh.write("a", "y") });
    expect([told.verdict(checkReadCuts), fresh.verdict(checkReadCuts)]).toEqual([[], []]);
  });
});

describe("arbitration", () => {
  it("finds a session that goes backwards among concurrent writes", () => {
    const told = story("a", "b", "c");
    const loser = told.write("a", "x", [5, 1, 1]);
    const winner = told.write("b", "x", [5, 2, 1]);
    told.see("c", { x: loser });
    told.see("c", { x: winner });
    expect(told.verdict(checkArbitration)).toEqual([]);
    told.see("c", { x: loser });
    expect(told.verdict(checkArbitration)).toEqual(["arbitration"]);
    expect(told.verdict(checkCausalOrder)).toEqual([]);
  });

  it("finds an own write that hides a winner which the session knows of", () => {
    const told = story("a", "b");
    const winner = told.write("b", "x", [9, 2, 1]);
    told.see("a", { y: told.write("b", "y", [10, 2, 2]) });
    const own = told.write("a", "x", [3, 1, 1]);
    told.see("a", { x: own });
    expect(winner).toBe(0);
    expect(told.verdict(checkArbitration)).toEqual(["arbitration"]);
  });

  it("finds stamps that do not grow along causality", () => {
    const told = story("a");
    told.write("a", "x", [9, 1, 1]);
    told.write("a", "y", [9, 1, 2]);
    expect(told.verdict(checkArbitration)).toEqual(["arbitration"]);
  });
});

describe("convergence", () => {
  it("finds nodes that differ at equal cuts or at rest, and accepts that they differ otherwise", () => {
    const told = story("a");
    const [one, two] = [told.write("a", "x"), told.write("a", "x")];
    told.sample("n1", "1:1", { x: one });
    told.sample("n2", "1:2", { x: two });
    told.sample("n2", "1:1", { x: one });
    expect(told.verdict(checkConvergence)).toEqual([]);
    told.sample("n3", "1:2", { x: one });
    expect(told.verdict(checkConvergence)).toEqual(["convergence"]);
    const rest = story("a", "b");
    const [left, right] = [rest.write("a", "x"), rest.write("b", "x")];
    rest.sample("n1", "c", { x: left }, true);
    rest.sample("n2", "d", { x: right }, true);
    expect(rest.verdict(checkConvergence)).toEqual(["convergence"]);
  });

  it("finds a loser, an overwritten value and a lost write at rest", () => {
    const overwritten = story("a");
    const old = overwritten.write("a", "x");
    overwritten.write("a", "x");
    overwritten.sample("n1", "c", { x: old }, true);
    const loser = story("a", "b");
    loser.write("a", "x", [2, 1, 1]);
    loser.sample("n1", "c", { x: loser.write("b", "x", [1, 2, 1]) }, true);
    const lost = story("a");
    lost.write("a", "x");
    lost.sample("n1", "c", { x: undefined }, true);
    const deleted = story("a");
    deleted.write("a", "x");
    deleted.delete("a", "x");
    deleted.sample("n1", "c", { x: undefined }, true);
    const verdicts = [overwritten, loser, lost, deleted].map((told) => told.verdict(checkConvergence));
    expect(verdicts).toEqual([["convergence"], ["convergence"], ["convergence"], []]);
  });

  it("finds a store that ends with something else", () => {
    const told = story("a", "b");
    const x = told.write("a", "x", [1, 1, 1]);
    const other = told.write("b", "x", [2, 2, 1]);
    told.sample("n1", "c", { x: other, y: undefined }, true);
    told.stored({ x: other }, { 1: 1, 2: 1 });
    expect(told.verdict(checkConvergence)).toEqual([]);
    told.stored({ x }, { 1: 1 });
    expect(told.verdict(checkConvergence)).toEqual(["convergence"]);
  });
});

describe("store cut", () => {
  const causeAndEffect = () => {
    const told = story("a", "b");
    const x = told.write("a", "x", [1, 1, 1]);
    told.see("b", { x });
    return { told, x, y: told.write("b", "y", [2, 2, 1]) };
  };

  it("accepts causes before effects and later winners in the place of causes", () => {
    const { told, x, y } = causeAndEffect();
    const winner = told.write("a", "x", [3, 1, 2]);
    told.stored({ x }, { 1: 1 });
    told.stored({ x, y }, { 1: 1, 2: 1 });
    told.stored({ x: winner, y }, { 1: 2, 2: 1 });
    expect(told.verdict(checkStoreCut)).toEqual([]);
  });

  it("finds an effect without its cause, and with a value that the cause had overwritten or that loses against it", () => {
    const { told, y } = causeAndEffect();
    told.stored({ y }, { 2: 1 });
    expect(told.verdict(checkStoreCut)).toEqual(["store cut (I6)"]);
    const behind = story("a");
    const old = behind.write("a", "x", [1, 1, 1]);
    behind.write("a", "x", [2, 1, 2]);
    behind.stored({ x: old, y: behind.write("a", "y", [3, 1, 3]) }, { 1: 1 });
    expect(behind.verdict(checkStoreCut)).toEqual(["store cut (I6)"]);
    const losing = story("a", "b");
    const loser = losing.write("b", "x", [1, 2, 1]);
    losing.write("a", "x", [2, 1, 1]);
    losing.stored({ x: loser, y: losing.write("a", "y", [3, 1, 2]) }, { 1: 2, 2: 1 });
    expect(losing.verdict(checkStoreCut)).toEqual(["store cut (I6)"]);
  });

  it("finds half of a write of two keys", () => {
    const told = story("a");
    told.stored({ x: told.write("a", "x y", [1, 1, 1]) }, { 1: 1 });
    expect(told.verdict(checkStoreCut)).toEqual(["store cut (I6)"]);
  });

  it("finds a row that does not count as flushed, and a flushed write without a row", () => {
    const { told, x } = causeAndEffect();
    told.stored({ x }, {});
    expect(told.verdict(checkStoreCut)).toEqual(["store cut (I6)"]);
    const missing = causeAndEffect();
    missing.told.stored({ x: missing.x }, { 1: 1, 2: 1 });
    expect(missing.told.verdict(checkStoreCut)).toEqual(["store cut (I6)"]);
  });
});

describe("transactions", () => {
  /** A transaction of a session that has read these values, one read after the other. */
  function transaction(told: Story, session: string, ...reads: Record<string, number | undefined>[]): RecordedTransaction {
    const record: RecordedTransaction = {
      session,
      reads: reads.map((values) => told.read(session, "n", told.observations(values), told.operations.length).id),
      commits: [],
    };
    told.transactions.push(record);
    return record;
  }

  it("accepts a snapshot of which later reads would be no part, and values that are concurrent", () => {
    const told = story("a", "b", "c");
    const [x, y] = [told.write("a", "x"), told.write("a", "y")];
    const other = told.write("b", "z");
    const both = told.write("a", "x y");
    told.see("b", { x: both });
    transaction(told, "c", { x }, { y, z: other }, { x, w: undefined });
    expect(told.verdict(checkTransactions)).toEqual([]);
  });

  it("finds reads of two moments, also where the later one read what is newer", () => {
    for (const newerFirst of [false, true]) {
      const told = story("a", "b");
      const [x, y] = [told.write("a", "x"), told.write("a", "y")];
      const both = told.write("a", "x y");
      transaction(told, "b", ...(newerFirst ? [{ x: both }, { y }] : [{ x }, { y: both }]));
      expect(told.verdict(checkTransactions)).toEqual(["snapshot"]);
    }
  });

  it("finds a key that is not the same twice, though either value could be seen", () => {
    const told = story("a", "b", "c");
    const [first, second] = [told.write("a", "x"), told.write("b", "x")];
    transaction(told, "c", { x: first }, { x: second });
    expect(told.verdict(checkTransactions)).toEqual(["snapshot"]);
  });

  it("finds a write that is seen before it is committed, or though it never was", () => {
    const told = story("a", "b");
    const waiting = told.declareWrite();
    told.see("b", { x: waiting.id });
    expect(told.verdict(checkTransactions)).toEqual(["buffered writes"]);
    told.beginWrite(waiting, "a", "n", ["x"], 5);
    expect(told.verdict(checkTransactions)).toEqual(["buffered writes"]);
    told.closeWrite(waiting, "refused");
    expect(told.verdict(checkCausalOrder)).toEqual(["causal order"]);
  });

  it("finds two commits where the first was known everywhere, and accepts them where it was not", () => {
    for (const [everywhere, version, rules] of [
      [true, "2:1", ["one commit"]],
      [true, "1:1", []],
      [false, "2:1", []],
    ] as const) {
      const told = story("a", "b");
      const [first, second] = [told.write("a", "x"), told.write("b", "x")];
      const { commits } = transaction(told, "a");
      commits.push({ write: first, version: "1:1", isMade: true, everywhere, fromMs: 1, untilMs: 2 });
      commits.push({ write: second, version, isMade: true, everywhere: false, fromMs: 3, untilMs: 4 });
      expect(told.verdict(checkTransactions)).toEqual(rules);
    }
  });

  it("finds a commit that nodes received twice, but for one that died with its node", () => {
    const told = story("a");
    const [first, second] = [
      { timestamp: 5, replica: 1, counter: 7 },
      { timestamp: 9, replica: 2, counter: 3 },
    ];
    told.commitsInRing.set("id", [first, second, first]);
    expect(told.verdict(checkTransactions)).toEqual(["one commit"]);
    told.finals.set(1, 6);
    expect(told.verdict(checkTransactions)).toEqual([]);
    told.finals.clear();
    // Made again by two forks, under the timestamp that it had.
    told.commitsInRing.set("id", [first, { ...second, timestamp: 5 }]);
    expect(told.verdict(checkTransactions)).toEqual([]);
  });

  it("finds that a transaction was given up without a reason", () => {
    const told = story("a");
    told.aborts.retention = 1;
    expect(told.verdict(checkTransactions)).toEqual(["no needless abort"]);
    told.mayAbort = true;
    expect(told.verdict(checkTransactions)).toEqual([]);
  });
});

describe("all checkers together", () => {
  it("report what failed, and nothing about a run without fault", () => {
    const told = story("a");
    told.see("a", { x: told.write("a", "x", [1, 1, 1]) });
    expect(checkHistory(told)).toEqual([]);
    told.failures.push("a read timed out");
    expect(checkHistory(told)).toEqual([{ rule: "no call fails", message: "a read timed out", operations: [] }]);
  });
});
