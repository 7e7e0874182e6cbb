// Servers end with the test that started them, however it ends.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
// The guard stands beside the built library.
import { startPostgres } from "../dist/index.js";

const STARTS = `
  import { startPostgres } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)};
  console.log((await startPostgres({ own: true })).url);`;

async function listens(url: string): Promise<boolean> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

describe("a Postgres server", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "causalmesh-servers-"));
    // Another user runs the server below it.
    chmodSync(folder, 0o755);
    vi.stubEnv("TMPDIR", folder);
  });

  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });

  it.each(["SIGKILL", "SIGINT"] as const)("does not outlive a test that is ended by %s, nor does its folder", async (signal) => {
    const test = spawn(process.execPath, ["--input-type=module", "--eval", `${STARTS} setInterval(() => undefined, 1000);`], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const url = (await createInterface({ input: test.stdout })[Symbol.asyncIterator]().next()).value as string;
    expect(await listens(url)).toBe(true);
    expect(readdirSync(folder).length).toBe(1);
    test.kill(signal);
    await expect.poll(async () => await listens(url), { timeout: 5_000 }).toBe(false);
    await expect.poll(() => readdirSync(folder), { timeout: 5_000 }).toEqual([]);
  });

  it("does not keep a test alive that has nothing else to do", async () => {
    const test = spawn(process.execPath, ["--input-type=module", "--eval", STARTS], { stdio: ["ignore", "pipe", "inherit"] });
    const url = (await createInterface({ input: test.stdout })[Symbol.asyncIterator]().next()).value as string;
    expect(await once(test, "exit")).toEqual([0, null]);
    await expect.poll(async () => await listens(url), { timeout: 5_000 }).toBe(false);
  });

  it("is there again after it was killed, and is gone with its folder when it is stopped", async () => {
    const server = await startPostgres({ own: true });
    await server.kill();
    expect(await listens(server.url)).toBe(false);
    await server.restart();
    expect(await listens(server.url)).toBe(true);
    await server.stop();
    expect(await listens(server.url)).toBe(false);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("that the environment names is used and left alone", async () => {
    vi.stubEnv("CAUSALMESH_TEST_POSTGRES_URL", "postgres://db.example/tests");
    const server = await startPostgres();
    expect(server.url).toBe("postgres://db.example/tests");
    await expect(server.kill()).rejects.toThrow(/CAUSALMESH_TEST_POSTGRES_URL/);
    await server.stop();
  });
});
