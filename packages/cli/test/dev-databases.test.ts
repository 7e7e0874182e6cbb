// `causalmesh dev` on real servers with a password: the nodes are processes of their own that share the database.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { startDynamodb, startPostgres, startRedis } from "@causalmesh/test-servers";
import { describe, expect, it, onTestFinished } from "vitest";
import { EXIT, run } from "../src/index.js";
import { openStore, parseStoreUrl } from "../src/store-url.js";
import { temporaryFolder } from "./folder.js";
import { testTerminal } from "./terminal.js";

const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));

/** A store's URL with the server's password, and that password. */
interface Place {
  readonly url: string;
  readonly password: string;
}

async function postgres(): Promise<Place> {
  const server = await startPostgres();
  onTestFinished(() => server.stop());
  return { url: `${server.url}?schema=dev_${process.pid}`, password: new URL(server.url).password };
}

async function redis(): Promise<Place> {
  const password = "correct-horse-battery";
  const server = await startRedis({ args: ["--requirepass", password] });
  onTestFinished(() => server.stop());
  return { url: `${server.url.replace("//", `//:${password}@`)}/1?prefix=dev`, password };
}

async function dynamodb(): Promise<Place> {
  const server = await startDynamodb();
  onTestFinished(() => server.stop());
  // An emulator takes any secret, also one that is looked for afterwards.
  const password = server.credentials.secretAccessKey === "test" ? "correct-horse-battery" : server.credentials.secretAccessKey;
  Object.assign(process.env, server.env, { AWS_SECRET_ACCESS_KEY: password });
  return { url: `${server.url(`dev-${process.pid}`)}&prefix=dev`, password };
}

async function kv(...args: string[]): Promise<string> {
  const terminal = testTerminal({ cwd: temporaryFolder() });
  expect(await run(["kv", ...args], terminal), terminal.err()).toBe(EXIT.ok);
  return terminal.out().trim();
}

describe("causalmesh dev with CAUSALMESH_STORE", () => {
  it.each([
    ["postgres", postgres],
    ["redis", redis],
    ["dynamodb", dynamodb],
  ])("runs a mesh on %s, keeps what it is given, and shows the password to nobody", async (scheme, place) => {
    const { url, password } = await place();
    const dev = spawn(process.execPath, [MAIN, "dev", "--nodes", "2", "--port", "0", "--json"], {
      cwd: temporaryFolder(),
      env: { ...process.env, CAUSALMESH_STORE: url },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let log = "";
    dev.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
    const exited = once(dev, "exit");
    try {
      const line = (await createInterface({ input: dev.stdout })[Symbol.asyncIterator]().next()).value as string | undefined;
      expect(line, log).toBeDefined();
      const [first, second] = (JSON.parse(line!) as { nodes: string[] }).nodes;
      const session = await kv("set", "cart:42", '{"items":3}', "--durability", "stored", "--url", first);
      expect(await kv("get", "cart:42", "--session", session, "--url", second)).toBe('{"items":3}');
      if (process.platform === "linux") {
        const commands = commandLines();
        expect(commands.some((command) => command.includes("--advertise"))).toBe(true);
        // A server of the test's may have got its password on its command line; nothing of ours may.
        expect(commands.filter((command) => command.includes(password) && !command.includes("redis-server"))).toEqual([]);
      }
    } finally {
      dev.kill("SIGTERM");
    }
    expect(await exited, log).toEqual([EXIT.ok, null]);
    expect(log).toContain(`${scheme}://${scheme === "dynamodb" ? "dev-" : "127.0.0.1:"}`);
    expect(log).not.toContain(password);

    const store = await openStore(parseStoreUrl(url, "/"));
    const [row] = await store.getMany(["cart:42"]);
    expect(Buffer.from(row!.value!).toString()).toBe('{"items":3}');
    await store.close();
  });
});

/** Of every process of this machine, as other users see them. */
function commandLines(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, "utf8")];
      } catch {
        // It has ended meanwhile.
        return [];
      }
    });
}
