// Each classic anomaly by its name, with what it breaks, and a counterexample of nothing that is not needed.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CRITERIA, storyOf, storyPicture, storyText } from "../src/index.js";
import { judge } from "../src/judge.js";
import { without } from "../src/part.js";
import { EXAMPLES } from "./anomalies.js";
import { int, randomFrom, randomLines } from "./random-lines.js";
import { historyOf, seedOf, textOf, verdictOf } from "./support.js";

describe("the classic anomalies", () => {
  it.each(EXAMPLES)("$anomaly: $what", ({ anomaly, breaks, lines }) => {
    const { ok, holds, counterexamples } = verdictOf(lines);
    expect(ok).toBe(false);
    expect(CRITERIA.filter((criterion) => holds[criterion] === false)).toEqual(breaks);
    expect(counterexamples.map((one) => one.anomaly)).toEqual([anomaly]);
    expect(counterexamples[0].breaks).toEqual(breaks);
  });

  it("are not seen where a store is merely allowed to choose", () => {
    // Write skew, lost update, and concurrent writes that everybody sees in one order: all of them causal.
    const { ok } = verdictOf([
      {
        session: "a",
        ops: [
          ["r", "x", null],
          ["r", "y", null],
          ["w", "x", 1],
        ],
      },
      {
        session: "b",
        ops: [
          ["r", "x", null],
          ["r", "y", null],
          ["w", "y", 1],
        ],
      },
      {
        session: "c",
        ops: [
          ["r", "n", null],
          ["w", "n", 1],
        ],
      },
      {
        session: "d",
        ops: [
          ["r", "n", null],
          ["w", "n", 2],
        ],
      },
      { session: "e", ops: [["r", "n", 1]] },
      { session: "e", ops: [["r", "n", 2]] },
      { session: "f", ops: [["r", "n", 2]] },
    ]);
    expect(ok).toBe(true);
  });
});

describe("counterexamples", () => {
  const seed = seedOf();
  it(`break what the whole breaks, and nothing when any operation is taken away (seed ${seed})`, () => {
    let counterexamples = 0;
    for (let index = 0; index < 500; index++) {
      const random = randomFrom(seed + index);
      const lines = randomLines(random, 4 + int(random, 12));
      const verdict = verdictOf(lines);
      const broken = CRITERIA.filter((criterion) => verdict.holds[criterion] === false);
      expect(new Set(verdict.counterexamples.flatMap(({ breaks }) => breaks)), textOf(lines)).toEqual(new Set(broken));
      for (const { history, anomaly, problem } of verdict.counterexamples) {
        counterexamples += 1;
        const criterion = CRITERIA.filter((one) => judge(history).holds[one] === false);
        if (problem !== undefined) continue;
        for (let operation = 0; operation < history.operations.kind.length; operation++) {
          const left = judge(without(history, operation)).holds;
          expect(
            criterion.every((one) => left[one] === false),
            `${anomaly} of\n${textOf(lines)}needs no operation ${operation}`,
          ).toBe(false);
        }
      }
    }
    expect(counterexamples).toBeGreaterThan(500);
  });

  it("say what happened and why it cannot be, in words", () => {
    const story = storyOf(verdictOf(EXAMPLES.find(({ anomaly }) => anomaly === "monotonic reads")!.lines).counterexamples[0]);
    expect(storyText(story)).toBe(
      [
        "monotonic reads: A session saw something older than what it had seen before.",
        "breaks: causal, monotonic reads",
        "",
        "  line 1  a  writes x = 1",
        "  line 2  a  writes x = 2",
        "  line 3  b  reads x = 2 from line 2",
        "  line 4  b  reads x = 1 from line 1",
        "",
        "  line 2 comes before line 1, since line 4 reads x = 1 although it follows line 2, which wrote x too (line 2 → line 3 → line 4)",
        "  line 1 comes before line 2, in session a",
        "  so line 2 would come before itself",
      ].join("\n"),
    );
  });

  it.each(EXAMPLES)("draw a picture of $anomaly ($what): each session, each operation, each reason", ({ lines }) => {
    const story = storyOf(verdictOf(lines).counterexamples[0]);
    const picture = storyPicture(story);
    for (const { session, operations } of story.scenes) {
      expect(picture).toContain(`>${session}</text>`);
      for (const { text } of operations) expect(picture).toContain(`>${text}</text>`);
    }
    for (const reason of story.reasons) expect(picture).toContain(`>${reason}</text>`);
    expect(picture.match(/marker-end="url\(#wrong\)"/g)!.length).toBe(1 + story.arrows.filter(({ kind }) => kind === "wrong").length);
  });

  it("take names for text, whatever they are", () => {
    const name = `<script>alert("&")</script>\u0000`;
    const picture = storyPicture(storyOf(verdictOf([{ session: name, ops: [["r", name, name]], txn: name, node: name }]).counterexamples[0]));
    expect(picture).not.toContain("<script");
    expect(picture).toContain('&lt;script&gt;alert("&amp;")&lt;/script&gt;\uFFFD');
    expect(historyOf([]).transactions).toBe(1);
  });
});

describe("the README", () => {
  it("has an example that runs", () => {
    const [, code] = /<!-- example -->\n```js\n([\s\S]*?)```/.exec(readFileSync(new URL("../README.md", import.meta.url), "utf8"))!;
    const printed = execFileSync(process.execPath, ["--input-type=module", "--eval", code], { cwd: new URL("..", import.meta.url), encoding: "utf8" });
    expect(printed).toMatch(/^false false true\n/);
    // The page shows the same.
    expect(readFileSync(new URL("../../../docs/history.md", import.meta.url), "utf8")).toContain(printed.slice(printed.indexOf("\n") + 1).trimEnd());
  });
});
