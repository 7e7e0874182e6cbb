// What other checkers are given: read back, it has the verdict of the original.

import { describe, expect, it } from "vitest";
import { exportHistory, type HistoryLine, type OperationLine, type TransactionLine } from "../src/index.js";
import { judge } from "../src/judge.js";
import { LEVELS } from "../src/levels.js";
import { int, randomFrom, randomLines } from "./random-lines.js";
import { reference } from "./reference.js";
import { historyOf, seedOf, textOf } from "./support.js";

const plumeOf = (lines: readonly HistoryLine[]): string => [...exportHistory(historyOf(lines), "plume")].join("");
const elleOf = (lines: readonly HistoryLine[]): string => [...exportHistory(historyOf(lines), "elle")].join("");

/** Plume's text as lines of ours, with nothing taken for initial that does not stand there. */
function fromPlume(text: string): TransactionLine[] {
  const transactions = new Map<string, TransactionLine & { ops: OperationLine[] }>();
  let aborted = 0;
  for (const line of text.trimEnd().split("\n")) {
    const [, kind, key, value, session, txn] = /^([rw])\((\d+),(\d+),(\d+),(-?\d+)\)$/.exec(line)!;
    const name = txn === "-1" ? `aborted ${++aborted}` : txn;
    if (!transactions.has(name)) transactions.set(name, { session, txn: name, ops: [], ...(txn === "-1" ? { status: "aborted" } : {}) });
    transactions.get(name)!.ops.push([kind as "r" | "w", key, Number(value)]);
  }
  return [...transactions.values()];
}

describe("an export for Plume and AWDIT", () => {
  it("begins with a transaction that writes every key, which every session reads first", () => {
    const transactions = fromPlume(
      plumeOf([
        { session: "a", ops: [["w", "x", "one"]] },
        { session: "b", ops: [["r", "y", null]] },
        { session: "c", from: ["a", "b"] },
        { session: "c", ops: [["r", "x", "one"]] },
      ]),
    );
    const [initial, ...others] = transactions;
    const keys = new Set(transactions.flatMap(({ ops }) => ops.map(([, key]) => key)));
    expect(new Set(initial.ops.map(([kind, key]) => kind + key))).toEqual(new Set([...keys].map((key) => `w${key}`)));
    const firsts = new Map<string, OperationLine>();
    for (const { session, ops } of others) if (!firsts.has(session)) firsts.set(session, ops[0]);
    expect([...firsts.values()]).toEqual([...firsts.values()].map(() => ["r", "0", 1]));
    expect(firsts.size).toBe(3);
  });

  it("has first reads and last writes alone", () => {
    const lines: HistoryLine[] = [
      {
        session: "a",
        ops: [
          ["r", "x", null],
          ["w", "x", 1],
          ["r", "x", 1],
          ["w", "x", 2],
          ["r", "y", null],
          ["r", "y", null],
        ],
      },
    ];
    const [, , transaction] = fromPlume(plumeOf(lines));
    expect(transaction.ops.map(([kind]) => kind)).toEqual(["r", "r", "w"]);
  });

  const seed = seedOf();
  it(`keeps the verdict (seed ${seed})`, () => {
    let broken = 0;
    let compared = 0;
    for (let index = 0; index < 3_000; index++) {
      const random = randomFrom(seed + index);
      const lines = randomLines(random, 1 + int(random, 6)).map((line) => ("stamp" in line ? { ...line, stamp: undefined } : line));
      const judgement = judge(historyOf(lines));
      // What is wrong within a transaction is not in what is left of it, nor is a second read.
      const seen = judgement.facts.problems.map(({ anomaly }) => anomaly);
      if (seen.length > 0 || rereads(lines)) continue;
      compared += 1;
      const exported = judge(historyOf(fromPlume(plumeOf(lines))));
      // A session that goes on from another reads its mark, which is causal order and no session order: to read atomic that is less.
      const isPlain = lines.every((line) => !("from" in line) && (line as TransactionLine).status === undefined);
      // What was lost has keys of its own there, so what its readers should have seen of the real key is not asked: nothing that is right becomes wrong by it.
      const hasLost = lines.some((line) => (line as TransactionLine).status === "lost");
      for (const level of LEVELS.filter((one) => isPlain || one !== "read atomic")) {
        if (hasLost && judgement.holds[level] === false) continue;
        expect(exported.holds[level], `seed ${seed + index}: ${level} of\n${textOf(lines)}`).toBe(judgement.holds[level]);
      }
      if (judgement.holds.causal === false) broken += 1;
    }
    expect(broken).toBeGreaterThan(compared / 10);
    expect(broken).toBeLessThan(compared * 0.9);
  });

  it("shows an initial value that is read too late to whoever knows nothing of initial values", () => {
    const lines: HistoryLine[] = [
      { session: "a", ops: [["w", "x", 1]] },
      { session: "a", ops: [["r", "x", null]] },
    ];
    expect(reference(fromPlume(plumeOf(lines))).causal).toBe(false);
  });
});

function rereads(lines: readonly HistoryLine[]): boolean {
  return lines.some((line) => {
    const keys = "ops" in line ? line.ops.flatMap(([kind, key]) => (kind === "r" ? [key] : [])) : [];
    return new Set(keys).size < keys.length;
  });
}

describe("an export for Elle", () => {
  it("has an invocation and a completion for each transaction, in EDN", () => {
    expect(
      elleOf([
        {
          session: "a",
          ops: [
            ["r", "x", null],
            ["w", "x", 5],
          ],
        },
        { session: "b", ops: [["w", "y", 6]], status: "aborted" },
      ]),
    ).toBe(
      [
        "{:index 0, :time 0, :type :invoke, :process 0, :f :txn, :value [[:w 0 1] [:w 1 1] [:w 2 1]]}",
        "{:index 1, :time 1, :type :ok, :process 0, :f :txn, :value [[:w 0 1] [:w 1 1] [:w 2 1]]}",
        "{:index 2, :time 2, :type :invoke, :process 1, :f :txn, :value [[:r 0 nil]]}",
        "{:index 3, :time 3, :type :ok, :process 1, :f :txn, :value [[:r 0 1]]}",
        "{:index 4, :time 4, :type :invoke, :process 1, :f :txn, :value [[:r 1 nil] [:w 1 2]]}",
        "{:index 5, :time 5, :type :ok, :process 1, :f :txn, :value [[:r 1 1] [:w 1 2]]}",
        "{:index 6, :time 6, :type :invoke, :process 2, :f :txn, :value [[:w 2 3]]}",
        "{:index 7, :time 7, :type :fail, :process 2, :f :txn, :value [[:w 2 3]]}",
        "",
      ].join("\n"),
    );
  });
});
