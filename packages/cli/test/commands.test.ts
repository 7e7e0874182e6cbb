// Commands against a mesh that runs, and those that fail before one does.

import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { inspectToken, MeshError, type Entry, type MeshStatus, type Session } from "@causalmesh/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { showStatus } from "../src/commands/cluster.js";
import { fittingToken } from "../src/fitting-token.js";
import { EXIT, run } from "../src/index.js";
import { Printer } from "../src/printer.js";
import { temporaryFolder } from "./folder.js";
import { runningNodes } from "./mesh.js";
import { testTerminal, type TestTerminalOptions } from "./terminal.js";

async function running(argv: readonly string[], options: TestTerminalOptions = {}) {
  const terminal = testTerminal({ cwd: temporaryFolder(), ...options });
  return { exitCode: await run(argv, terminal), out: terminal.out(), err: terminal.err() };
}

const urlOf = (address: string): string => `mesh://${address}`;

describe("kv", () => {
  it("sets values that no token could carry, and prints one that does not", async () => {
    const nodes = await runningNodes(3);
    for (const [index, bytes] of [60_000, 1_000_000].entries()) {
      const url = urlOf(nodes[index].address);
      const { exitCode, out, err } = await running(["kv", "set", "page", "-", "--string", "--json", "--url", url], { stdin: "x".repeat(bytes) });
      expect({ exitCode, err }).toEqual({ exitCode: EXIT.ok, err: "" });
      const { session } = JSON.parse(out) as { session: string };
      expect(inspectToken(session).own).toEqual([]);
      const read = await running(["kv", "get", "page", "--json", "--session", session, "--url", urlOf(nodes[2].address)]);
      expect((JSON.parse(read.out) as { value: string }).value).toHaveLength(bytes);
    }
  });

  it("begins at a node that was named, and goes on at another one that was when that is away", async () => {
    const nodes = await runningNodes(3);
    const reads = (): number[] => nodes.map((node) => node.status().reads);
    for (let time = 0; time < 5; time++) {
      expect(await running(["kv", "get", "k", "--url", urlOf(nodes[2].address)])).toMatchObject({ exitCode: EXIT.ok });
    }
    expect(reads()).toEqual([0, 0, 5]);
    expect(await running(["kv", "get", "k"], { env: { CAUSALMESH_URL: urlOf(nodes[1].address) } })).toMatchObject({ exitCode: EXIT.ok });
    expect(reads()).toEqual([0, 1, 5]);
    const urls = `mesh://127.0.0.1:1,${urlOf(nodes[1].address)}`;
    expect(await running(["kv", "get", "k", "--url", urls])).toMatchObject({ exitCode: EXIT.ok });
    expect(reads()).toEqual([0, 2, 5]);
  });

  it("takes a negative number as a value, and other values with a dash after --", async () => {
    const [node] = await runningNodes(1);
    const url = ["--json", "--url", urlOf(node.address)];
    for (const [flags, value] of [
      [["-5", ...url], -5],
      [[...url, "--", "--dry-run"], "--dry-run"],
    ] as const) {
      await running(["kv", "set", "k", ...flags]);
      const { out } = await running(["kv", "get", "k", ...url]);
      expect(JSON.parse(out)).toMatchObject({ value });
    }
  });

  it("takes a time to live that no timer could hold", async () => {
    const [node] = await runningNodes(1);
    expect(await running(["kv", "set", "k", "v", "--ttl", "30d", "--url", urlOf(node.address)])).toMatchObject({ exitCode: EXIT.ok, err: "" });
    expect(await running(["kv", "set", "k", "v", "--ttl", "0", "--json"])).toMatchObject({
      exitCode: EXIT.usage,
      err: expect.stringContaining("TTL_INVALID"),
    });
  });

  it("says which flag allows more time", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void silent.close());
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const [node] = await runningNodes(1);
    const urls = `mesh://127.0.0.1:${port},${urlOf(node.address)}`;
    const { exitCode, err } = await running(["kv", "get", "k", "--timeout", "200ms", "--url", urls]);
    expect(exitCode).toBe(EXIT.timeout);
    expect(err).toMatch(/allow more with --timeout/);
    expect(err).not.toContain("timeoutMs");
  });
});

describe("a token that has to fit", () => {
  const signal = new AbortController().signal;
  const session = (tooLarge: number): Session & { reads: number } => {
    const fake = {
      reads: 0,
      token: () => (fake.reads < tooLarge ? Promise.reject(new MeshError("TOKEN_TOO_LARGE", "the token would take 80000 bytes")) : Promise.resolve("token")),
      getEntry: () => {
        fake.reads += 1;
        return Promise.resolve({} as Entry<unknown>);
      },
    };
    return fake as unknown as Session & { reads: number };
  };

  it("is asked for again after each read, and no read is made where it fits", async () => {
    for (const tooLarge of [0, 1, 4]) {
      const fake = session(tooLarge);
      expect(await fittingToken(fake, "k", { deadline: performance.now() + 5_000, signal })).toBe("token");
      expect(fake.reads).toBe(tooLarge);
    }
  });

  it("is given up after the time for a call, with what to do", async () => {
    await expect(fittingToken(session(Infinity), "k", { deadline: performance.now() + 60, signal })).rejects.toMatchObject({
      code: "TIMEOUT",
      message: expect.stringMatching(/are made.*--timeout/),
    });
  });

  it("leaves other failures alone", async () => {
    const fake = { token: () => Promise.reject(new MeshError("CLOSED", "closed")) } as unknown as Session;
    await expect(fittingToken(fake, "k", { deadline: performance.now() + 60, signal })).rejects.toMatchObject({ code: "CLOSED" });
  });
});

describe("session decode", () => {
  it("exits with 1 where the signature does not hold", async () => {
    const [node] = await runningNodes(1);
    const { out } = await running(["kv", "set", "k", "v", "--url", urlOf(node.address)]);
    expect(await running(["session", "decode", out.trim(), "--json"])).toMatchObject({ exitCode: EXIT.ok });
    const decoded = await running(["session", "decode", out.trim(), "--json", "--secret", "not the secret of the mesh"]);
    expect(decoded).toMatchObject({ exitCode: EXIT.failed, err: "" });
    expect(JSON.parse(decoded.out)).toMatchObject({ signature: "unknown key" });
  });
});

describe("cluster status", () => {
  it("exits with 0 where all members answer, and names no unreachable one", async () => {
    const nodes = await runningNodes(2);
    const { exitCode, out } = await running(["cluster", "status", "--json", "--url", urlOf(nodes[0].address)]);
    expect(exitCode).toBe(EXIT.ok);
    expect(JSON.parse(out)).toMatchObject({ epoch: 1, members: [{}, {}], unreachable: [] });
  });

  it("prints what the README shows", async () => {
    const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    const [line] = /^\{"epoch".*$/m.exec(readme)!;
    const [node] = await runningNodes(1);
    const { out } = await running(["cluster", "status", "--json", "--url", urlOf(node.address)]);
    const [shown, printed] = [line, out].map((text) => JSON.parse(text) as MeshStatus);
    expect(Object.keys(shown).sort()).toEqual(Object.keys(printed).sort());
    expect(Object.keys(shown.members[0])).toEqual(Object.keys(printed.members[0]));
  });

  it("exits with 1 where a member does not answer, and names it", async () => {
    const [node] = await runningNodes(1);
    const status: MeshStatus & { unreachable: string[] } = { epoch: 1, members: [node.status()], unreachable: ["127.0.0.1:7402"] };
    const text = testTerminal();
    expect(showStatus(status, { printer: new Printer(text, {}) })).toBe(EXIT.failed);
    expect(text.out()).toMatch(/^epoch 1, 1 of 2 members answer\n[^]*\n +- {2}127\.0\.0\.1:7402 +unreachable\n$/);
    const json = testTerminal();
    showStatus(status, { printer: new Printer(json, { json: true }) });
    expect(JSON.parse(json.out())).toMatchObject({ unreachable: ["127.0.0.1:7402"] });
  });
});

describe("a dev that fails", () => {
  it.each([
    ["the port is in use", (port: number) => ["--port", String(port)], "ADDRESS_IN_USE"],
    ["an admin port is in use", (port: number) => ["--port", "0", "--admin-port", String(port)], "ADDRESS_IN_USE"],
    ["the host is none of this machine", () => ["--host", "192.0.2.1", "--insecure-no-authentication"], "ADDRESS_INVALID"],
  ])("because %s makes no store", async (_why, flags, code) => {
    const taken = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void taken.close());
    await once(taken, "listening");
    const cwd = temporaryFolder();
    const { exitCode, err } = await running(["dev", "--json", ...flags((taken.address() as AddressInfo).port)], { cwd });
    expect(exitCode).not.toBe(EXIT.ok);
    expect(err).toContain(code);
    expect(readdirSync(cwd)).toEqual([]);
  });

  it("because a host beyond this machine needs a secret names the host as it was given", async () => {
    const { err } = await running(["dev", "--host", "0.0.0.0"]);
    expect(err).toMatch(/^error: 0\.0\.0\.0 can be reached/);
  });

  it("leaves a folder that was there", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void taken.close());
    await once(taken, "listening");
    const cwd = temporaryFolder();
    mkdirSync(join(cwd, "data"));
    await running(["dev", "--store", "lmdb:./data", "--port", String((taken.address() as AddressInfo).port)], { cwd });
    expect(existsSync(join(cwd, "data"))).toBe(true);
  });
});
