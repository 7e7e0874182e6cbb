// The demo as people run it: the built program in a process of its own, and the page in a real browser.

import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { startPostgres, startRedis } from "@causalmesh/test-servers";
import { Browser, chromium } from "./chromium.js";

const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const INSTALL_TIMEOUT_MS = 300_000;

/** Where the demo puts its folders; it leaves none there, however it ends. */
const SCRATCH = mkdtempSync(join(tmpdir(), "causalmesh-demo-test-"));
const ENVIRONMENT = { ...process.env, TMPDIR: SCRATCH };
afterEach(() => expect(readdirSync(SCRATCH)).toEqual([]));
afterAll(() => rmSync(SCRATCH, { recursive: true, force: true }));

/** Processes whose parent is this one. */
function childrenOf(parent: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ")[1] === String(parent);
      } catch {
        return false;
      }
    });
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1][0] !== "Z";
  } catch {
    return false;
  }
};

/** Waits until none of the processes is left. */
async function gone(pids: readonly number[]): Promise<void> {
  for (let attempt = 0; attempt < 100 && pids.some(isAlive); attempt++) await new Promise((resolve) => setTimeout(resolve, 100));
  expect(pids.filter(isAlive)).toEqual([]);
}

interface Started {
  readonly demo: ChildProcess;
  readonly line: (pattern: RegExp) => Promise<string>;
  /** What the demo and its processes have complained of. */
  readonly complaints: () => string;
}

function start(...args: string[]): Started {
  const demo = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"], env: ENVIRONMENT });
  const lines = createInterface({ input: demo.stdout });
  let complaints = "";
  demo.stderr.setEncoding("utf8").on("data", (text: string) => (complaints += text));
  return {
    demo,
    line: (pattern) =>
      new Promise((resolve, reject) => {
        lines.on("line", (text) => pattern.test(text) && resolve(text));
        lines.once("close", () => reject(new Error(`the demo ended before it said ${pattern}: ${complaints}`)));
      }),
    complaints: () => complaints,
  };
}

describe("npm run demo -- --store", () => {
  it.each([
    ["postgres", startPostgres],
    ["redis", startRedis],
  ])("runs on %s, each system under a prefix of its own", async (_, startServer) => {
    const server = await startServer();
    onTestFinished(() => server.stop());
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, "--once", "--port", "0", "--workflows", "600", "--json", "--store", server.url], {
      encoding: "utf8",
      env: ENVIRONMENT,
    });
    // So few workflows need not catch the plain caches at it; that CausalMesh has no anomaly holds for any number.
    expect(stderr).not.toContain(new URL(server.url).password || "password");
    expect([0, 1]).toContain(status);
    expect(JSON.parse(stdout.trim().split("\n").at(-1)!)).toMatchObject({
      systems: {
        causalmesh: { workflows: 600, anomalies: { "own write missing": 0, "going backwards": 0, "effect without its cause": 0 } },
        plain: { workflows: 600 },
      },
    });
  });
});

describe("npm run demo", () => {
  it("--once ends with the figures of both systems, and exit 0 because only the plain caches had anomalies", () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, "--once", "--json", "--port", "0", "--workflows", "2500", "--seed", "1"], {
      encoding: "utf8",
      timeout: 55_000,
      env: ENVIRONMENT,
    });
    expect(stderr).toBe("");
    const result = JSON.parse(stdout) as { held: boolean; systems: Record<string, { workflows: number; anomalies: Record<string, number> }> };
    const total = (system: string): number => Object.values(result.systems[system].anomalies).reduce((sum, count) => sum + count, 0);
    expect(result.systems["causalmesh"].workflows).toBe(2500);
    expect(total("causalmesh")).toBe(0);
    expect(total("plain")).toBeGreaterThan(0);
    expect([result.held, status]).toEqual([true, 0]);
  });

  it.each(["SIGINT", "SIGTERM"] as const)("%s in the middle ends every process", async (signal) => {
    const { demo, line, complaints } = start("--once", "--port", "0", "--workflows", "100000");
    await line(/^ +2 s/);
    const children = childrenOf(demo.pid!);
    expect(children.length).toBe(10);
    demo.kill(signal);
    expect(await once(demo, "exit")).toEqual([130, null]);
    await gone(children);
    expect(complaints()).toBe("");
  });

  it.each(["SIGINT", "SIGTERM"] as const)("%s to all of its processes at once is no failure", async (signal) => {
    const { demo, line, complaints } = start("--once", "--port", "0", "--workflows", "100000");
    await line(/^ +1 s/);
    const children = childrenOf(demo.pid!);
    // The others may get it first, and must not take it for the end.
    const ended = once(demo, "exit");
    for (const child of children) process.kill(child, signal);
    await new Promise((resolve) => setTimeout(resolve, 300));
    demo.kill(signal);
    expect(await ended).toEqual([130, null]);
    await gone(children);
    expect(complaints()).toBe("");
  });

  it("leaves no process behind when it is killed", async () => {
    const { demo, line } = start("--once", "--port", "0", "--workflows", "100000");
    await line(/^ +1 s/).catch(() => undefined);
    const children = childrenOf(demo.pid!);
    demo.kill("SIGKILL");
    await gone(children);
  });

  it("ends when one of its processes is lost", async () => {
    const { demo, line, complaints } = start("--once", "--port", "0", "--workflows", "100000");
    await line(/^ +1 s/);
    const children = childrenOf(demo.pid!);
    process.kill(children[0], "SIGKILL");
    expect(await once(demo, "exit")).toEqual([1, null]);
    await gone(children);
    expect(complaints()).toMatch(/^a [a-z-]+ process \(\d+\) ended with SIGKILL\n$/);
  });

  it.each([
    [["--workflows", "many"], /--workflows is "many"/],
    [["--port", "70000"], /--port is "70000"/],
    [["--unknown"], /--unknown/],
  ])("refuses %j", (args, message) => {
    const { status, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8", env: ENVIRONMENT });
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr).toContain("usage:");
  });

  it("says what to do when the port is in use", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const { status, stderr } = spawnSync(process.execPath, [MAIN, "--once", "--port", String(port)], { encoding: "utf8", timeout: 20_000, env: ENVIRONMENT });
    server.close();
    expect(status).toBe(1);
    expect(stderr).toContain(`port ${port} is in use; give another with --port`);
  });

  it("--once takes another port where nobody asked for the one that is in use", async () => {
    const server = createServer();
    onTestFinished(() => void server.close());
    // Where somebody else has the port, that does as well.
    await new Promise<void>((resolve) => server.once("error", () => resolve()).listen(8080, "127.0.0.1", resolve));
    const { demo, line } = start("--once");
    const said = Promise.all([line(/^port 8080 is in use; the page takes another one$/), line(/^the page: http:/)]);
    const [, page] = await said;
    expect(page).not.toContain(":8080");
    demo.kill("SIGINT");
    expect(await once(demo, "exit")).toEqual([130, null]);
  });
});

describe("the page", () => {
  let program: string;
  beforeAll(async () => void (program = await chromium()), INSTALL_TIMEOUT_MS);

  it("shows the run live in a real browser, and stays until Ctrl-C", async () => {
    const folder = mkdtempSync(join(tmpdir(), "causalmesh-browser-"));
    const { demo, line } = start("--port", "0", "--workflows", "1500");
    const ended = line(/^The page stays/);
    const url = /http:\S+/.exec(await line(/^the page: /))![0];
    const browser = new Browser(program, folder);
    try {
      const figure = (id: string): Promise<unknown> => browser.evaluate(`document.getElementById("${id}").textContent`);
      await browser.open(url);
      // A write travels for a moment only, so this looks until it sees one while the run goes on.
      await until(async () => /^running: \d+ of 3000 workflows$/.test(String(await figure("state"))) && Number(await figure("mesh-workflows")) > 0);
      await until(async () => Number(await browser.evaluate("document.querySelectorAll('#ring .write').length")) > 0);
      expect(await figure("state")).toMatch(/^running/);

      await ended;
      await until(async () => /^done: 3000 workflows in \d+ s$/.test(String(await figure("state"))));
      expect(await figure("mesh-anomalies")).toBe("0");
      expect(await figure("mesh-workflows")).toBe("1500");
      expect(await figure("plain-workflows")).toBe("1500");
      expect(await browser.evaluate("document.getElementById('ring').textContent")).toMatch(/node 1\d+ pending\d+ keys cachednode 2/);
      expect(await browser.evaluate("document.querySelectorAll('#anomalies .bar').length")).toBeGreaterThan(4);
      expect(await browser.evaluate("document.querySelectorAll('#latency polyline').length")).toBe(4);
      expect(await browser.evaluate("document.getElementById('kinds').textContent")).toContain("own write missing");
    } finally {
      await browser.close();
      const children = childrenOf(demo.pid!);
      demo.kill("SIGINT");
      await once(demo, "exit");
      await gone(children);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  });
});

/** Resolves when it holds; a test that waits for what never comes ends by its own time limit. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}
