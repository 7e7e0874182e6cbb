// The server that tests get: it answers, keeps what it was told through a kill, and ends with the process that started it.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { startRedis } from "../src/index.js";

async function ask(url: string, command: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  try {
    socket.write(`${command}\r\n`);
    return String((await once(socket, "data"))[0]);
  } finally {
    socket.destroy();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("startRedis", () => {
  it("keeps what was answered when it is killed and started again, and forgets it without persistence", async () => {
    for (const [persistence, kept] of [["always", "$2\r\nit\r\n"] as const, ["none", "$-1\r\n"] as const]) {
      const server = await startRedis({ own: true, persistence });
      expect(await ask(server.url, "SET kept it")).toBe("+OK\r\n");
      const { pid } = server;
      await server.kill();
      await expect(ask(server.url, "PING")).rejects.toThrow("ECONNREFUSED");
      expect(isAlive(pid!)).toBe(false);
      await server.restart();
      expect(await ask(server.url, "GET kept")).toBe(kept);
      await server.stop();
    }
  });

  it("takes the address in the environment, and refuses to kill what is not its own", async () => {
    const before = process.env.CAUSALMESH_TEST_REDIS_URL;
    process.env.CAUSALMESH_TEST_REDIS_URL = "redis://elsewhere:1";
    try {
      const server = await startRedis();
      expect([server.url, server.pid]).toEqual(["redis://elsewhere:1", undefined]);
      await expect(server.kill()).rejects.toThrow("not ours");
      await server.stop();
    } finally {
      if (before === undefined) delete process.env.CAUSALMESH_TEST_REDIS_URL;
      else process.env.CAUSALMESH_TEST_REDIS_URL = before;
    }
  });

  it("fails with one line that says what to install where there is nothing", async () => {
    const program = `const { startRedis } = await import(${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)});
      await startRedis({ own: true }).catch(({ message }) => console.log(message));`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program], { env: { PATH: "/nowhere" } });
    expect(stdout).toMatch(/^no Redis for the tests: install it .*CAUSALMESH_TEST_REDIS_URL\n$/);
  });

  it("ends with the process that started it, even when that is killed, and leaves nothing behind", async () => {
    const program = `const { startRedis } = await import(${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)});
      const { pid, url } = await startRedis({ own: true }); console.log(JSON.stringify({ pid, url })); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], { stdio: ["ignore", "pipe", "inherit"] });
    const line = (await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next()).value as string;
    const { pid, url } = JSON.parse(line) as { pid: number; url: string };
    const folder = (await ask(url, "CONFIG GET dir")).trimEnd().split("\r\n").at(-1)!;
    expect([isAlive(pid), existsSync(folder)]).toEqual([true, true]);
    child.kill("SIGKILL");
    await expect.poll(() => [isAlive(pid), existsSync(folder)], { timeout: 5_000 }).toEqual([false, false]);
  });
});
