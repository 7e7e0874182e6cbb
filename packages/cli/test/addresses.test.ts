// Nodes that listen at another address than the one at which others reach them.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { EXIT, run } from "../src/index.js";
import { takePorts } from "../src/ports.js";
import { temporaryFolder } from "./folder.js";
import { testTerminal } from "./terminal.js";

const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const SECRET = "the secret of this test's mesh";

/** Runs the program until the test ends, and returns its ready line. */
async function started(...args: string[]): Promise<{ nodes: string[] }> {
  const child = spawn(process.execPath, [MAIN, ...args, "--json"], {
    cwd: temporaryFolder(),
    env: { ...process.env, CAUSALMESH_SECRET: SECRET },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  const exited = once(child, "exit");
  onTestFinished(async () => {
    child.kill("SIGTERM");
    await exited;
  });
  const line = (await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next()).value as string | undefined;
  expect(line, log).toBeDefined();
  return JSON.parse(line!) as { nodes: string[] };
}

async function kv(...args: string[]): Promise<string> {
  const terminal = testTerminal({ cwd: temporaryFolder(), env: { CAUSALMESH_SECRET: SECRET } });
  expect(await run(["kv", ...args], terminal), terminal.err()).toBe(EXIT.ok);
  return terminal.out().trim();
}

describe("a mesh on all interfaces", () => {
  it("is reached, by its nodes too, at the address that this machine has for itself", async () => {
    const { nodes } = await started("dev", "--nodes", "2", "--host", "0.0.0.0", "--port", "0", "--store", "lmdb:./data");
    expect(nodes.every((node) => /^mesh:\/\/127\.0\.0\.1:\d+$/.test(node))).toBe(true);
    const session = await kv("set", "k", "1", "--durability", "everywhere", "--url", nodes[0]);
    expect(await kv("get", "k", "--session", session, "--url", nodes[1])).toBe("1");
  });

  it("has the advertised address in its view", async () => {
    const [port] = await takePorts("127.0.0.1", 0, 1, "--listen");
    const { nodes } = await started("node", "start", "--store", "memory:", "--listen", `0.0.0.0:${port}`, "--advertise", `localhost:${port}`);
    expect(nodes).toEqual([`mesh://localhost:${port}`]);
    await kv("set", "k", "1", "--durability", "stored", "--url", `mesh://127.0.0.1:${port}`);
  });
});
