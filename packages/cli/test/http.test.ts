// `node start --http`: the front beside a node, its keys from a file, and what is refused; `dev --http-port`.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { run } from "../src/run.js";
import { temporaryFolder } from "./folder.js";
import { testTerminal } from "./terminal.js";

const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const SECRET = "the secret of this test's mesh";

interface Started {
  readonly child: ChildProcess;
  readonly ready: { readonly nodes: readonly string[]; readonly http?: readonly string[] };
  readonly log: string[];
  readonly ended: Promise<number | null>;
}

async function start(args: readonly string[], env: Record<string, string> = {}): Promise<Started> {
  const folder = temporaryFolder();
  const child = spawn(process.execPath, [MAIN, ...args, "--json"], {
    cwd: folder,
    env: { PATH: process.env.PATH, CAUSALMESH_SECRET: SECRET, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const log: string[] = [];
  createInterface({ input: child.stderr! }).on("line", (line) => log.push(line));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const line = new Promise<string>((resolve) => createInterface({ input: child.stdout! }).once("line", resolve));
  const first = await Promise.race([line, ended.then((code) => Promise.reject(new Error(`ended with ${code}: ${log.join("\n")}`)))]);
  return { child, ready: JSON.parse(first) as Started["ready"], log, ended };
}

const status = async (url: string, key: string, init: RequestInit = {}): Promise<number> =>
  (await fetch(`${url}/v1/shop/k`, { ...init, headers: { authorization: `Bearer ${key}`, ...(init.headers as Record<string, string>) } })).status;

describe("node start --http", () => {
  it("serves with the keys of the file, which is read again when it changes and on SIGHUP", async () => {
    const file = join(temporaryFolder(), "keys.json");
    const write = (...keys: string[]): void =>
      writeFileSync(file, JSON.stringify(keys.map((key) => ({ name: key, key, role: "write", namespaces: ["shop"] }))));
    write("the-first-key-of-all");
    const { child, ready, log, ended } = await start([
      "node",
      "start",
      "--store",
      "memory:",
      "--listen",
      "127.0.0.1:0",
      "--no-admin",
      "--http",
      "127.0.0.1:0",
      "--http-keys",
      file,
    ]);
    const [url] = ready.http!;
    const put = { method: "PUT", body: "1", headers: { "content-type": "application/json" } };
    expect([await status(url, "the-first-key-of-all", put), await status(url, "the-second-key-of-all")]).toEqual([204, 401]);

    write("the-second-key-of-all");
    await expect.poll(() => status(url, "the-second-key-of-all"), { timeout: 20_000 }).toBe(200);
    expect(await status(url, "the-first-key-of-all")).toBe(401);

    write("the-third-key-of-all");
    child.kill("SIGHUP");
    await expect.poll(() => status(url, "the-third-key-of-all"), { timeout: 20_000 }).toBe(200);

    writeFileSync(file, "no keys");
    child.kill("SIGHUP");
    await expect.poll(() => log.some((line) => line.includes("the API keys stay as they were")), { timeout: 20_000 }).toBe(true);
    expect(await status(url, "the-third-key-of-all")).toBe(200);

    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    await expect(status(url, "the-third-key-of-all")).rejects.toThrow("fetch failed");
  });

  it("takes the address from the environment, and none with --no-http", async () => {
    const args = ["node", "start", "--store", "memory:", "--listen", "127.0.0.1:0", "--no-admin"];
    const open = await start(args, { CAUSALMESH_HTTP: "127.0.0.1:0" });
    expect((await fetch(`${open.ready.http![0]}/v1/shop/k`)).status).toBe(404);
    expect((await start([...args, "--no-http"], { CAUSALMESH_HTTP: "127.0.0.1:0" })).ready.http).toBeUndefined();
  });

  it.each([
    [["--http", "0.0.0.0:0"], SECRET, "--http-keys FILE"],
    [["--http", "127.0.0.1:0", "--http-keys", "keys.json"], "", "--secret-file"],
    [["--http", "127.0.0.1:0", "--http-keys", "nowhere.json"], SECRET, "cannot be read"],
    [["--http-keys", "keys.json"], SECRET, "--http HOST:PORT"],
    [["--http", "nonsense"], SECRET, "--http"],
  ])("refuses %j", async (args, secret, message) => {
    const terminal = testTerminal({ cwd: temporaryFolder(), env: { CAUSALMESH_SECRET: secret } });
    expect(await run(["node", "start", "--store", "memory:", "--listen", "127.0.0.1:0", "--no-admin", ...args], terminal)).toBe(2);
    expect(terminal.err()).toContain(message);
  });
});

describe("dev --http-port", () => {
  it("serves HTTP at each node: a session goes from one to the other", async () => {
    const { child, ready, ended } = await start(["dev", "--nodes", "2", "--port", "0", "--http-port", "0", "--store", "lmdb:./data"]);
    const [first, second] = ready.http!;
    const put = await fetch(`${first}/v1/shop/k`, { method: "PUT", body: "1", headers: { "content-type": "application/json" } });
    const got = await fetch(`${second}/v1/shop/k`, { headers: { "causalmesh-session": put.headers.get("causalmesh-session")! } });
    expect([got.status, await got.text()]).toEqual([200, "1"]);
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  });
});
