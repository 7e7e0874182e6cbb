// cluster add, drain and remove, and what node start says and does when it is told to stop: each node is a process.

import { setTimeout as sleep } from "node:timers/promises";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { lmdbStore } from "@causalmesh/adapter-lmdb";
import { formMesh } from "@causalmesh/core";
import { connect } from "@causalmesh/transport-tcp";
import { describe, expect, it, onTestFinished } from "vitest";
import { EXIT, run } from "../src/index.js";
import { takePorts } from "../src/ports.js";
import { temporaryFolder } from "./folder.js";
import { runningNodes } from "./mesh.js";
import { command, kv, SECRET, started, type Started } from "./program.js";
import { testTerminal } from "./terminal.js";

const MINUTE_MS = 60_000;
const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));

class Nodes {
  readonly store = `lmdb:${temporaryFolder()}`;

  start(...args: string[]): Promise<Started> {
    return started("node", "start", "--store", this.store, "--no-admin", ...(args.includes("--listen") ? args : ["--listen", "127.0.0.1:0", ...args]));
  }
}

const json = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;

describe("cluster drain", () => {
  it(
    "ends the node with 0 when its sessions and writes are with the others, and says what it did",
    async () => {
      const nodes = new Nodes();
      const [a, b] = [await nodes.start(), await nodes.start()];
      const session = await kv("set", "k", "1", "--url", b.nodes[0]);
      const drained = await command("cluster", "drain", b.nodes[0], "--json", "--url", a.nodes[0]);
      expect(drained, drained.err).toMatchObject({ exitCode: EXIT.ok, err: "" });
      expect(json(drained.out)).toMatchObject({ drained: b.nodes[0].slice("mesh://".length), replica: 2, members: 1 });
      expect(await b.ended).toBe(0);
      expect(b.logLines().map(({ msg }) => msg)).toEqual(["starting", "listening", "draining", "stopped"]);
      expect(b.logLines()[2]).toMatchObject({ reason: "operator" });
      expect(await kv("get", "k", "--session", session, "--url", a.nodes[0])).toBe("1");
      expect(a.logLines().filter(({ msg }) => msg === "the mesh has changed")).toMatchObject([
        { joined: [expect.stringContaining("(2)")] },
        { left: [expect.stringContaining("(2)")] },
      ]);
    },
    MINUTE_MS,
  );

  it(
    "asks before it ends the mesh, and names members where there is no such node",
    async () => {
      const a = await new Nodes().start();
      const url = ["--url", a.nodes[0]];
      expect(await command("cluster", "drain", "1", ...url)).toMatchObject({ exitCode: EXIT.usage, err: expect.stringContaining("--force") });
      expect(await command("cluster", "drain", "127.0.0.1:1", ...url)).toMatchObject({ exitCode: EXIT.usage, err: expect.stringContaining("(replica 1)") });
      expect(await command("cluster", "drain", "1", "--force", "--json", ...url)).toMatchObject({ exitCode: EXIT.ok });
      expect(await a.ended).toBe(0);
    },
    MINUTE_MS,
  );

  it(
    "needs the mesh's secret",
    async () => {
      const a = await new Nodes().start();
      expect(await command("cluster", "drain", "1", "--force", "--url", a.nodes[0], "--secret", "another secret altogether")).toMatchObject({
        exitCode: EXIT.failed,
        err: expect.stringContaining("UNAUTHENTICATED"),
      });
      expect((await command("cluster", "status", "--url", a.nodes[0])).exitCode).toBe(EXIT.ok);
    },
    MINUTE_MS,
  );

  it(
    "says that a node cannot be told so where its program takes no orders",
    async () => {
      const [a, b] = await runningNodes(2);
      const terminal = testTerminal({ cwd: temporaryFolder() });
      expect(await run(["cluster", "drain", b.address, "--url", a.address], terminal)).toBe(EXIT.usage);
      expect(terminal.err()).toContain("takes no order to leave");
    },
    MINUTE_MS,
  );
});

describe("cluster remove", () => {
  it(
    "takes a node out that does not answer, and refuses one that does",
    async () => {
      const nodes = new Nodes();
      const [a, b, c] = [await nodes.start(), await nodes.start(), await nodes.start()];
      const refused = await command("cluster", "remove", b.nodes[0], "--url", a.nodes[0]);
      expect(refused).toMatchObject({ exitCode: EXIT.failed, out: "" });
      expect(refused.err).toMatch(/is alive: (nothing|\d+ writes?).+cluster drain/);
      await b.end("SIGKILL");
      const removed = await command("cluster", "remove", "2", "--json", "--url", `${a.nodes[0]},${c.nodes[0]}`);
      // The mesh may have been faster.
      if (removed.exitCode === EXIT.ok) expect(json(removed.out)).toMatchObject({ replica: 2, members: 2 });
      else expect(removed.err).toContain("is no member");
      const session = await kv("set", "k", "1", "--url", a.nodes[0]);
      expect(await kv("get", "k", "--session", session, "--url", c.nodes[0])).toBe("1");
    },
    MINUTE_MS,
  );

  it(
    "with --force takes out one that lives, which joins again by itself",
    async () => {
      const nodes = new Nodes();
      const [a, b] = [await nodes.start(), await nodes.start()];
      const { exitCode, out, err } = await command("cluster", "remove", b.nodes[0], "--force", "--url", a.nodes[0]);
      expect({ exitCode, err }).toMatchObject({ exitCode: EXIT.ok });
      expect(out).toContain("joins again");
      expect(await command("cluster", "add", b.nodes[0], "--wait", "30s", "--json", "--url", a.nodes[0])).toMatchObject({ exitCode: EXIT.ok });
      const session = await kv("set", "k", "1", "--url", a.nodes[0]);
      expect(await kv("get", "k", "--session", session, "--url", b.nodes[0])).toBe("1");
    },
    MINUTE_MS,
  );
});

describe("cluster add", () => {
  it(
    "says how to start the node, and waits until it serves",
    async () => {
      const nodes = new Nodes();
      const a = await nodes.start();
      const [port] = await takePorts("127.0.0.1", 0, 1, "--listen");
      const address = `127.0.0.1:${port}`;
      const adding = command("cluster", "add", address, "--store", nodes.store, "--url", a.nodes[0]);
      await sleep(300);
      await nodes.start("--listen", address);
      const { exitCode, out, err } = await adding;
      expect({ exitCode, err }).toMatchObject({ exitCode: EXIT.ok });
      expect(err).toContain(`causalmesh node start --store ${nodes.store} --listen ${address} --secret-file FILE`);
      expect(out).toMatch(/serves as replica 2 after .+: epoch \d+, 2 members\./);
      // A node that serves already needs no waiting and no advice.
      const again = await command("cluster", "add", address, "--json", "--url", a.nodes[0]);
      expect(again).toMatchObject({ exitCode: EXIT.ok, err: "" });
      expect(json(again.out)).toMatchObject({ added: address, replica: 2 });
    },
    MINUTE_MS,
  );

  it(
    "refuses the store of another mesh, and gives up after --wait",
    async () => {
      const [a, other] = [await new Nodes().start(), new Nodes()];
      await other.start();
      const args = ["cluster", "add", "127.0.0.1:1", "--url", a.nodes[0]];
      expect(await command(...args, "--store", other.store)).toMatchObject({ exitCode: EXIT.usage, err: expect.stringContaining("another mesh") });
      expect(await command(...args, "--wait", "500ms")).toMatchObject({ exitCode: EXIT.timeout, err: expect.stringContaining("TIMEOUT") });
    },
    MINUTE_MS,
  );
});

describe("a rolling restart", () => {
  it("of every node, as docs/operations.md describes it, fails no call and loses no write under load", async () => {
    const nodes = new Nodes();
    const running = [await nodes.start(), await nodes.start(), await nodes.start()];
    const addresses = running.map(({ nodes: [url] }) => url.slice("mesh://".length));
    const mesh = await connect({ nodes: addresses, secret: SECRET });
    let isOver = false;
    const failures: unknown[] = [];
    const written = [0, 0, 0, 0];
    const load = written.map(async (_, worker) => {
      const session = mesh.session();
      for (let value = 1; !isOver; value++) {
        try {
          await session.set(`worker-${worker}`, value);
          written[worker] = value;
          if ((await session.get(`worker-${worker}`)) !== value) failures.push(`worker ${worker} did not read its ${value}`);
        } catch (error) {
          failures.push(error);
        }
        // The nodes share this machine: one that gets no time is taken for dead.
        await sleep(1);
      }
    });
    for (const [index, address] of addresses.entries()) {
      const url = ["--url", addresses.filter((other) => other !== address).join(",")];
      expect(await command("cluster", "drain", address, ...url)).toMatchObject({ exitCode: EXIT.ok, err: expect.not.stringContaining("error") });
      expect(await running[index].ended).toBe(0);
      running[index] = await nodes.start("--listen", address);
      expect(await command("cluster", "add", address, ...url)).toMatchObject({ exitCode: EXIT.ok });
    }
    isOver = true;
    await Promise.all(load);
    expect(failures).toEqual([]);
    expect(Math.min(...written)).toBeGreaterThan(10);
    const reader = mesh.session();
    await expect.poll(async () => await reader.getMany(written.map((_, worker) => `worker-${worker}`)), { timeout: 5_000 }).toEqual(written);
    await mesh.close();
  }, 120_000);
});

describe("node start", () => {
  it(
    "ends at once, and with 0, when it is told to stop while it waits for a mesh that is down",
    async () => {
      const folder = temporaryFolder();
      const store = lmdbStore({ path: folder });
      await formMesh(store, ["127.0.0.1:1", "127.0.0.1:2"]);
      await store.close();
      const child = spawn(process.execPath, [MAIN, "node", "start", "--store", `lmdb:${folder}`, "--listen", "127.0.0.1:0"], {
        stdio: ["ignore", "ignore", "pipe"],
      });
      onTestFinished(() => void child.kill("SIGKILL"));
      let log = "";
      child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
      while (!log.includes("starting")) await sleep(20);
      await sleep(300);
      const begin = performance.now();
      child.kill("SIGINT");
      const [code] = (await once(child, "exit")) as [number | null];
      expect(code, log).toBe(EXIT.ok);
      // It would take the mesh over after ten seconds.
      expect(performance.now() - begin).toBeLessThan(8_000);
      expect(log).toContain("stopped before it served anybody");
    },
    MINUTE_MS,
  );

  it(
    "ends with 1 when it cannot hand over within its grace period, and with 130 at a second signal",
    async () => {
      for (const [args, signals, exitCode] of [
        [["--grace", "700ms"], ["SIGTERM"], EXIT.failed],
        [["--grace", "1h"], ["SIGINT", "SIGINT"], EXIT.interrupted],
      ] as const) {
        const nodes = new Nodes();
        const [a, b] = [await nodes.start(...args), await nodes.start()];
        // The one that it would hand over to stands still, and a write waits for it.
        b.send("SIGSTOP");
        await kv("set", "k", "1", "--durability", "memory", "--timeout", "1s", "--url", a.nodes[0]).catch(() => undefined);
        for (const signal of signals) {
          a.send(signal);
          await sleep(100);
        }
        expect(await a.ended, JSON.stringify(a.logLines())).toBe(exitCode);
        expect(a.logLines().some(({ msg }) => msg === "draining")).toBe(true);
        b.send("SIGCONT");
      }
    },
    MINUTE_MS,
  );
});
