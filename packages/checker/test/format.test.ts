// What a file may say, what it may not, and how reads of nothing are taken.

import { MeshError } from "@causalmesh/core";
import { describe, expect, it } from "vitest";
import { readHistory, type HistoryLine, type OperationLine } from "../src/index.js";
import { textOf, verdictOf } from "./support.js";

const GOOD = `{"session":"a","ops":[["w","x",1]]}`;

describe("a file", () => {
  it("is read in pieces of any size, as text or as bytes, with empty lines", async () => {
    const text = `{"history":"causalmesh","version":1}\n\n${GOOD}\r\n{"session":"ä","ops":[["r","x",1],["r","ключ",null]],"txn":"ü","at":1.5,"node":"n","stamp":[1,2]}`;
    const bytes = new TextEncoder().encode(text);
    for (const size of [1, 2, 3, 7, 1000]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
      const history = await readHistory(chunks);
      expect(history.sessions).toEqual(["a", "ä"]);
      expect(history.keys).toEqual(["x", "ключ"]);
      expect([...history.labels.line]).toEqual([0, 3, 4]);
    }
  });

  it.each([
    [`{"session":"a"`, "line 2 of the history is no JSON"],
    ["7", "is no object"],
    [`{"history":"other","version":1}`, "another format"],
    [`{"history":"causalmesh","version":2}`, "another format"],
    [`{"session":7,"ops":[]}`, `no "session"`],
    [`{"session":"b"}`, `neither "ops" nor "from"`],
    [`{"session":"b","from":"a"}`, "no list of sessions"],
    [`{"session":"b","from":["c"]}`, `goes on from the session "c", which no earlier line names`],
    [`{"session":"a","from":[]}`, `begins the session "a", which an earlier line names`],
    [`{"session":"b","ops":[["x","k",1]]}`, "none of"],
    [`{"session":"b","ops":[["r","k"]]}`, "none of"],
    [`{"session":"b","ops":[["r","k",{}]]}`, "none of"],
    [`{"session":"b","ops":[["w","k",null]]}`, "none of"],
    [`{"session":"b","ops":[["w","k",1,"soon"]]}`, "none of"],
    [`{"session":"b","ops":["r"]}`, "no [kind, key, …]"],
    [`{"session":"b","ops":[],"status":"ok"}`, `a "status" that is none of`],
    [`{"session":"b","ops":[],"txn":{}}`, `a "txn"`],
    [`{"session":"b","ops":[],"node":1}`, `a "node"`],
    [`{"session":"b","ops":[],"at":"now"}`, `an "at"`],
    [`{"session":"b","ops":[],"stamp":[1]}`, `a "stamp"`],
  ])("with %s says that its second line %s", async (line, problem) => {
    const error = await readHistory([`${GOOD}\n${line}\n`]).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MeshError);
    expect((error as MeshError).code).toBe("VALUE_INVALID");
    expect((error as MeshError).message).toMatch(/^line 2 of the history /);
    expect((error as MeshError).message).toContain(problem);
  });

  it("is refused where two writes cannot be told apart, with both lines", () => {
    const lines: HistoryLine[] = [
      { session: "a", ops: [["w", "x", 1]] },
      { session: "b", ops: [["w", "y", 1]] },
      { session: "b", ops: [["w", "x", 1]] },
    ];
    expect(() => verdictOf(lines)).toThrow(`line 3 of the history writes "x" = 1, as line 1 does`);
    // A number is no string.
    expect(verdictOf([lines[0], { session: "b", ops: [["w", "x", "1"]] }, { session: "b", ops: [["r", "x", "1"]] }]).ok).toBe(true);
  });

  it("without lines is a history of nothing", async () => {
    expect((await readHistory([textOf([])])).transactions).toBe(1);
    expect(verdictOf([])).toMatchObject({ ok: true, transactions: 0 });
  });
});

describe("a read of nothing", () => {
  const r = (key: string, value: number | null): OperationLine => ["r", key, value];
  const reads = (...lines: HistoryLine[]): boolean => verdictOf(lines).ok;
  const written: HistoryLine = { session: "a", ops: [["w", "x", 1]] };

  it("saw a deletion where there is one", () => {
    expect(reads(written, { session: "a", ops: [r("x", null)] })).toBe(false);
    expect(reads(written, { session: "a", ops: [["d", "x"]] }, { session: "a", ops: [r("x", null)] })).toBe(true);
    // A concurrent one too.
    expect(reads(written, { session: "b", ops: [["d", "x"]] }, { session: "a", ops: [r("x", null)] })).toBe(true);
  });

  it("saw none that its past has overwritten", () => {
    const deleted: HistoryLine = { session: "a", ops: [["d", "x"]] };
    const again: HistoryLine = { session: "a", ops: [["w", "x", 2]] };
    const { holds, counterexamples } = verdictOf([written, deleted, again, { session: "a", ops: [r("x", null)] }]);
    expect(holds.causal).toBe(false);
    expect(holds["read your writes"]).toBe(false);
    expect(counterexamples.map(({ anomaly }) => anomaly)).toEqual(["read your writes"]);
  });

  it("saw the one that it names", () => {
    const deleted: HistoryLine = { session: "a", ops: [["d", "x", 7]] };
    const again: HistoryLine = { session: "a", ops: [["w", "x", 2]] };
    expect(reads(written, deleted, { session: "b", ops: [r("x", 7)] })).toBe(true);
    expect(reads(written, deleted, again, { session: "b", ops: [r("x", 2)] }, { session: "b", ops: [r("x", 7)] })).toBe(false);
  });

  it("saw a write that has expired by then, and none that has not", () => {
    const expiring: HistoryLine = { session: "a", ops: [["w", "x", 1, 100]] };
    expect(reads(expiring, { session: "a", ops: [r("x", null)], at: 100 })).toBe(true);
    expect(reads(expiring, { session: "a", ops: [r("x", null)], at: 99 })).toBe(false);
    expect(reads(expiring, { session: "a", ops: [r("x", null)] })).toBe(true);
  });

  it("in the transaction that deleted saw that", () => {
    expect(reads(written, { session: "b", ops: [["d", "x"], r("x", null)] })).toBe(true);
    expect(reads(written, { session: "b", ops: [["d", "x"], r("x", 1)] })).toBe(false);
  });
});

describe("a transaction of which it is not known whether it happened", () => {
  const unknown: HistoryLine = { session: "a", ops: [["w", "x", 1]], status: "unknown" };

  it("need not be seen, not even by its own session", () => {
    expect(verdictOf([unknown, { session: "a", ops: [["r", "x", null]] }]).ok).toBe(true);
  });

  it("is there for good once somebody has seen it", () => {
    const seen: HistoryLine[] = [unknown, { session: "a", ops: [["r", "x", 1]] }, { session: "a", ops: [["r", "x", null]] }];
    expect(verdictOf(seen).holds["monotonic reads"]).toBe(false);
  });

  it("may be gone again where it was lost", () => {
    const seen: HistoryLine[] = [
      { ...unknown, status: "lost" },
      { session: "a", ops: [["r", "x", 1]] },
      { session: "a", ops: [["r", "x", null]] },
    ];
    expect(verdictOf(seen).ok).toBe(true);
  });
});
