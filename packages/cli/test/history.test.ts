// Histories judged and exported by the command line.

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { EXIT, run } from "../src/index.js";
import { temporaryFolder } from "./folder.js";
import { testTerminal, type TestTerminalOptions } from "./terminal.js";

const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const lines = (...all: unknown[]): string => all.map((line) => `${JSON.stringify(line)}\n`).join("");
const LEGAL = lines(
  { history: "causalmesh", version: 1 },
  { session: "s1", ops: [["w", "cart", 7]], txn: 1 },
  { session: "s2", ops: [["r", "cart", 7]], txn: 2 },
);
const STALE = LEGAL + lines({ session: "s1", ops: [["w", "cart", 8]], txn: 3 }, { session: "s1", ops: [["r", "cart", 7]], txn: 4, node: "10.0.0.7:7400" });

async function running(argv: readonly string[], options: TestTerminalOptions = {}) {
  const terminal = testTerminal({ cwd: temporaryFolder({ "legal.jsonl": LEGAL, "stale.jsonl": STALE }), ...options });
  return { exitCode: await run(["history", ...argv], terminal), out: terminal.out(), err: terminal.err(), cwd: terminal.cwd };
}

describe("history check", () => {
  it("says what holds, and exits with 0 where all does", async () => {
    const { exitCode, out } = await running(["check", "legal.jsonl"]);
    expect(exitCode).toBe(EXIT.ok);
    expect(out).toContain("2 transactions, 2 operations, 2 sessions, 1 key");
    expect(out).toMatch(/^causal +holds$/m);
  });

  it("exits with 1 where something is broken, names it and shows it", async () => {
    const { exitCode, out } = await running(["check", "stale.jsonl"]);
    expect(exitCode).toBe(EXIT.failed);
    expect(out).toMatch(/^causal +broken$/m);
    expect(out).toMatch(/^monotonic writes +holds$/m);
    expect(out).toContain("read your writes: A session did not see what it had written itself, but something older.");
    expect(out).toContain("#4  s1 at 10.0.0.7:7400  reads cart = 7 from #1");
  });

  it("prints one object with --json, and leaves pictures where it is told to", async () => {
    const { exitCode, out, err, cwd } = await running(["check", "stale.jsonl", "--json", "--pictures", "some/pictures"]);
    expect({ exitCode, err }).toEqual({ exitCode: EXIT.failed, err: "" });
    const printed = JSON.parse(out) as { ok: boolean; holds: Record<string, boolean>; counterexamples: { anomaly: string }[]; pictures: string[] };
    expect(printed).toMatchObject({
      ok: false,
      holds: { causal: false, "read committed": true },
      counterexamples: [{ anomaly: "read your writes" }],
      transactions: 4,
    });
    const folder = join(cwd, "some/pictures");
    expect(readdirSync(folder)).toEqual(["1-read-your-writes.svg"]);
    expect(printed.pictures).toEqual([join(folder, "1-read-your-writes.svg")]);
    expect(readFileSync(printed.pictures[0], "utf8")).toMatch(/^<svg [^>]*>[^]*<\/svg>\n$/);
  });

  it("reads standard input", async () => {
    expect((await running(["check", "-"], { stdin: STALE })).exitCode).toBe(EXIT.failed);
    const { status, stdout } = spawnSync(process.execPath, [MAIN, "history", "check", "-", "--json"], { input: LEGAL, encoding: "utf8" });
    expect({ status, ok: (JSON.parse(stdout) as { ok: boolean }).ok }).toEqual({ status: 0, ok: true });
  });

  it.each([
    ["a file that is not there", ["check", "none.jsonl"], "none.jsonl cannot be read"],
    ["a folder", ["check", "."], "cannot be read"],
    ["no file", ["check"], "missing required argument"],
  ])("exits with 2 for %s", async (_, argv, message) => {
    const { exitCode, err } = await running(argv);
    expect(exitCode).toBe(EXIT.usage);
    expect(err).toContain(message);
  });

  it("exits with 2 for what is no history, and names the line", async () => {
    const { exitCode, err, cwd } = await running(["check", "-", "--pictures", "pictures"], { stdin: `${LEGAL}nonsense\n` });
    expect(exitCode).toBe(EXIT.usage);
    expect(err).toContain("line 4 of the history is no JSON: nonsense");
    expect(existsSync(join(cwd, "pictures"))).toBe(false);
  });
});

describe("history export", () => {
  it("prints Plume's text", async () => {
    const { exitCode, out } = await running(["export", "legal.jsonl", "--format", "plume"]);
    expect(exitCode).toBe(EXIT.ok);
    expect(out).toBe("w(0,1,0,0)\nw(1,1,0,0)\nr(0,1,1,1)\nw(1,2,1,2)\nr(0,1,2,3)\nr(1,2,2,4)\n");
  });

  it("prints EDN for Elle", async () => {
    const { exitCode, out } = await running(["export", "-", "--format", "elle"], { stdin: LEGAL });
    expect(exitCode).toBe(EXIT.ok);
    expect(out.split("\n").filter((line) => line.includes(":type :ok"))).toHaveLength(5);
  });

  it.each([
    ["another format", ["--format", "csv"], "--format takes plume or elle"],
    ["no format", [], "--format"],
  ])("exits with 2 for %s", async (_, argv, message) => {
    const { exitCode, err } = await running(["export", "legal.jsonl", ...argv]);
    expect(exitCode).toBe(EXIT.usage);
    expect(err).toContain(message);
  });
});
