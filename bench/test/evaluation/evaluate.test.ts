// The evaluation's command line: a small run goes through from the first process to tables, plots and verdicts, and leaves nothing running.

import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { withResults } from "../../src/evaluation/report/document.js";
import { joinedResults, type Results } from "../../src/evaluation/report/results.js";

const MAIN = fileURLToPath(new URL("../../dist/evaluation/main.js", import.meta.url));
const TIMEOUT_MS = 240_000;
const folder = mkdtempSync(join(tmpdir(), "evaluation-test-"));
const run = promisify(execFile);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a run", () => {
  test(
    "writes what it has measured, and the checker's verdict on it",
    async () => {
      const { stdout, stderr } = await run(process.execPath, [MAIN, "--quick", "--only", "ycsb", "--systems", "causalmesh,weak", "--out", folder]);
      expect(stdout.trim()).toBe(folder);
      expect(stderr).toMatch(/^100 %, 0 s left: /m);
      expect(readdirSync(folder).sort()).toEqual(["results.json", "results.md", "ycsb.svg"]);
      const { ycsb = [] } = JSON.parse(readFileSync(join(folder, "results.json"), "utf8")) as Results;
      expect(ycsb.map(({ system, letter }) => `${letter} ${system}`).sort()).toEqual(
        ["A", "B", "C", "D", "E", "F"].flatMap((letter) => [`${letter} causalmesh`, `${letter} weak`]),
      );
      for (const { system, step } of ycsb) {
        expect(step.failed).toBe(0);
        expect(step.verdict.workflows).toBeGreaterThan(100);
        if (system === "causalmesh") expect(step.verdict.broken).toEqual([]);
        expect(step.cpuMicros.host).toBeGreaterThan(0);
        expect(step.wireBytes.client).toBeGreaterThan(0);
      }
      expect(readFileSync(join(folder, "results.md"), "utf8")).toContain("### YCSB");
    },
    TIMEOUT_MS,
  );

  test.each(["ycsb", "beyond"])(
    "of %s ends with all its processes when it is interrupted",
    async (experiment) => {
      const evaluation = spawn(process.execPath, [MAIN, "--quick", "--only", experiment, "--systems", "causalmesh", "--out", folder], {
        stdio: ["ignore", "ignore", "pipe"],
      });
      await once(evaluation.stderr, "data");
      evaluation.kill("SIGINT");
      // The children share its standard error, which closes when the last of them has ended.
      const [[code]] = await Promise.all([once(evaluation, "exit"), once(evaluation.stderr, "close")]);
      expect(code).toBe(130);
    },
    TIMEOUT_MS,
  );
});

describe("the command line", () => {
  test.each([
    [["--only", "nothing"], "There is no"],
    [["--systems", "causalmesh,nothing"], "There is no"],
    [["--repetitions", "0"], "whole number"],
    [["--nothing"], "unknown option"],
    [["--into", "nowhere"], "no results in it"],
  ])("refuses %j", async (args, message) => {
    const error = await run(process.execPath, [MAIN, ...args]).then(
      () => undefined,
      (thrown: unknown) => thrown as { code: number; stderr: string },
    );
    expect(error?.code).toBe(2);
    expect(error?.stderr).toContain(message);
  });

  test("tells what there is", () => {
    const help = execFileSync(process.execPath, [MAIN, "--help"], { encoding: "utf8" });
    for (const name of ["--quick", "--document", "micro", "ycsb", "beyond", "hydrocache-con", "faastcc"]) expect(help).toContain(name);
  });
});

describe("the document", () => {
  const [begin, end] = ["<!-- results: written by `npm run evaluate -- --document` -->", "<!-- end of results -->"];

  test("has a place for results", () => {
    const document = readFileSync(new URL("../../../docs/evaluation.md", import.meta.url), "utf8");
    const changed = withResults(document, "figures");
    expect(changed).toContain(`${begin}\n\nfigures\n\n${end}`);
    expect(withResults(changed, "other figures")).not.toContain("\nfigures\n");
  });

  test("without one is left alone", () => {
    expect(() => withResults(`${end} ${begin}`, "figures")).toThrow("no place for results");
  });
});

describe("results of two runs in one folder", () => {
  const run = (command: string, busyBefore: number, found: Partial<Results>): Results =>
    ({ date: command, command, seconds: 1, machine: { busyBefore }, settings: {}, ...found }) as unknown as Results;

  test("are those of the later one, and of the earlier one what the later has not measured", () => {
    const [first, second] = [run("a", 0.5, { ycsb: [], media: [] }), run("b", 0, { media: [] })];
    const joined = joinedResults(first, second);
    expect(joined.ycsb).toBe(first.ycsb);
    expect(joined.media).toBe(second.media);
    // What was measured on a busy machine stays that.
    expect(joined).toMatchObject({ date: "a", command: "a` and `b", seconds: 2, machine: { busyBefore: 0.5 } });
    expect(joinedResults(undefined, second)).toBe(second);
  });
});
