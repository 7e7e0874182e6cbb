// Folders for stores under test, and processes that work on them.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const CHILD = fileURLToPath(new URL("child.mjs", import.meta.url));

export function freshFolder(): string {
  return mkdtempSync(join(tmpdir(), "causalmesh-lmdb-"));
}

export function startChild(...args: (string | number)[]): ChildProcess {
  return spawn(process.execPath, [CHILD, ...args.map(String)], { stdio: ["pipe", "pipe", "inherit"] });
}

/** The lines that a child prints, as they come. */
export function linesOf(child: ChildProcess): AsyncIterableIterator<string> {
  return createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
}

/** Waits for the end of a child that must succeed. */
export async function succeeds(child: ChildProcess): Promise<void> {
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  if (code !== 0) throw new Error(`the child ended with ${signal ?? `code ${code}`}`);
}
