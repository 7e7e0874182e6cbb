// What the tests of other packages rely on when they look for ports and programs.

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { folderOf, freePort } from "../src/machine.js";

const folder = mkdtempSync(join(tmpdir(), "causalmesh-machine-"));
afterAll(() => rmSync(folder, { recursive: true }));

function program(...path: string[]): void {
  const file = join(folder, ...path);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, "");
  chmodSync(file, 0o755);
}

it("the newest version of a program is found, by number and not by text, then any in PATH", () => {
  program("server", "9", "bin", "an-engine");
  program("server", "15", "bin", "an-engine");
  mkdirSync(join(folder, "server", "16", "bin"), { recursive: true });
  expect(folderOf("an-engine", [join(folder, "server", "*", "bin")])).toBe(join(folder, "server", "15", "bin"));
  expect(folderOf("an-engine", [join(folder, "absent", "*", "bin")])).toBeUndefined();
  expect(folderOf("node", [join(folder, "absent")])).toBeDefined();
});

it("a free port can be listened on", async () => {
  const port = await freePort();
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  await new Promise((resolve) => server.close(resolve));
});
