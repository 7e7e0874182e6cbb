// Folders for stores under test, and processes that work on them.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";

export const CHILD = fileURLToPath(new URL("child.mjs", import.meta.url));

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** An empty folder, which is gone when the tests of this file are over. */
export function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "causalmesh-lmdb-"));
  folders.push(folder);
  return folder;
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
