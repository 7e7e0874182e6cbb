// The program itself, in a process of its own, and calls of the meshes that it runs.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import { EXIT, run } from "../src/index.js";
import { temporaryFolder } from "./folder.js";
import { testTerminal } from "./terminal.js";

const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
export const SECRET = "the secret of this test's mesh";

export interface Started {
  /** As its ready line says. */
  readonly nodes: string[];
  readonly admin: string[];
  readonly http?: string[];
  /** What it has logged so far. */
  log(): string;
  /** The same, line by line. */
  logLines(): Record<string, unknown>[];
  /** Resolves with the exit code when it ends by itself. */
  readonly ended: Promise<number | null>;
  /** Sends a signal that it may survive. */
  send(signal: NodeJS.Signals): void;
  /** Sends the signal; resolves with the exit code, or with null where the signal ended it. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<number | null>;
}

/** Runs the program until the test ends, and resolves with its ready line. */
export async function started(...args: string[]): Promise<Started> {
  const child: ChildProcess = spawn(process.execPath, [MAIN, ...args, "--json"], {
    cwd: temporaryFolder(),
    env: { ...process.env, CAUSALMESH_SECRET: SECRET },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (log += text));
  const exited = once(child, "exit") as Promise<[number | null]>;
  const ended = exited.then(([code]) => code);
  const lines = (): Record<string, unknown>[] => log.split("\n").flatMap((text) => (text.startsWith("{") ? [JSON.parse(text) as Record<string, unknown>] : []));
  const end = async (signal: "SIGTERM" | "SIGKILL"): Promise<number | null> => {
    child.kill(signal);
    return (await exited)[0];
  };
  onTestFinished(async () => void (await end("SIGTERM")));
  const line = (await createInterface({ input: child.stdout! })[Symbol.asyncIterator]().next()).value as string | undefined;
  expect(line, log).toBeDefined();
  return {
    ...(JSON.parse(line!) as Pick<Started, "nodes" | "admin" | "http">),
    end,
    ended,
    log: () => log,
    logLines: lines,
    send: (signal) => child.kill(signal),
  };
}

/** Runs a command against meshes of `started`, within this process. */
export async function command(...args: string[]): Promise<{ exitCode: number; out: string; err: string }> {
  const terminal = testTerminal({ cwd: temporaryFolder(), env: { CAUSALMESH_SECRET: SECRET } });
  return { exitCode: await run(args, terminal), out: terminal.out(), err: terminal.err() };
}

/** What `causalmesh kv` prints. */
export async function kv(...args: string[]): Promise<string> {
  const terminal = testTerminal({ cwd: temporaryFolder(), env: { CAUSALMESH_SECRET: SECRET } });
  expect(await run(["kv", ...args], terminal), terminal.err()).toBe(EXIT.ok);
  return terminal.out().trim();
}
