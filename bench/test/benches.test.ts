// The benches' command line: each bench runs through in its shortest form and prints one well-formed line. What is measured is no
// business of tests.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const TIMEOUT_MS = 60_000;

/** Those that the project's aims are about; `set…` likewise. */
const HIT_RATIOS = ["echo1", "echo16", "echo128", "ioredisCpu", "nodeRedisCpu", "redisServerCpu"];

const run = promisify(execFile);

interface Line {
  readonly bench: string;
  readonly ratios?: Record<string, number>;
  readonly aims: readonly { readonly name: string; readonly value: number; readonly met: boolean }[];
  readonly figures: Record<string, unknown>;
}

/** What a bench prints in its shortest form: one repetition of a smoke run. */
async function lineOf(name: string): Promise<Line> {
  const { stdout } = await run(process.execPath, [MAIN, name, "--quick", "--repetitions", "1", "--json"]);
  expect(stdout.endsWith("\n")).toBe(true);
  expect(stdout.trimEnd()).not.toContain("\n");
  return JSON.parse(stdout) as Line;
}

describe("a bench prints one line", () => {
  test.each([
    ["checker", []],
    ["embedded", ["map", "lruCache"]],
    ["session", ["inHand"]],
    ["transaction", ["rate", "p99"]],
    ["memory", ["map", "mapOfStrings"]],
    ["ring", []],
    ["eviction", ["warm", "afterScan"]],
    ["flush", ["lmdbBatches", "redisBatches", "postgresBatches", "postgresSingle", "dynamodbBatches"]],
    ["miss", ["lmdb", "lmdbSingle", "redis", "redisSingle", "postgres", "postgresSingle", "dynamodb", "dynamodbSingle"]],
    ["cold", ["lmdbReadingAll", "postgresReadingAll"]],
    ["acknowledge", ["lmdb stored", "redis stored", "postgres stored", "dynamodb stored"]],
    ["hit", [...HIT_RATIOS, ...HIT_RATIOS.map((name) => `set${name[0].toUpperCase()}${name.slice(1)}`)]],
  ])(
    "%s",
    async (name, ratios) => {
      const line = await lineOf(name);
      expect(line.bench).toBe(name);
      for (const { value } of line.aims) expect(Number.isFinite(value)).toBe(true);
      expect(Object.keys(line.ratios ?? {})).toEqual(expect.arrayContaining(ratios));
      for (const ratio of Object.values(line.ratios ?? {})) expect(Number.isFinite(ratio)).toBe(true);
    },
    TIMEOUT_MS,
  );
});

describe("the command line", () => {
  test(
    "ends with all its processes when it is interrupted",
    async () => {
      const bench = spawn(process.execPath, [MAIN, "hit", "--quick"], { stdio: ["ignore", "ignore", "pipe"] });
      await once(bench.stderr, "data");
      bench.kill("SIGINT");
      // The children share its standard error, which closes when the last of them has ended.
      const [[code]] = await Promise.all([once(bench, "exit"), once(bench.stderr, "close")]);
      expect(code).toBe(130);
    },
    TIMEOUT_MS,
  );

  test("lists the benches", async () => {
    const { stdout } = await run(process.execPath, [MAIN, "--list"]);
    expect(stdout).toBe("hit\nembedded\nsession\ntransaction\nring\nmemory\neviction\nflush\nmiss\ncold\nacknowledge\nchecker\n");
  });

  test.each([[["nothing"]], [[]], [["hit", "--nothing"]], [["hit", "--repetitions", "0"]]])("refuses %j", async (args) => {
    const error = await run(process.execPath, [MAIN, ...args]).then(
      () => undefined,
      (thrown: unknown) => thrown as { code: number; stdout: string; stderr: string },
    );
    expect(error?.code).toBe(2);
    expect(error?.stdout).toBe("");
    expect(error?.stderr).not.toBe("");
  });
});
