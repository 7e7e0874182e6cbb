// The monitor as a process: lines from files, standard input and requests, what it says of them, and what it keeps. At the end a mesh of which one node lacks a rule, observed and judged as in production.

import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { memoryStore } from "@causalmesh/adapter-memory";
import { connectMesh, formMesh, memoryTransport, startNode, type Mesh } from "@causalmesh/core";
import { MUTATIONS, startMutant } from "@causalmesh/core/testing";
import { observed, postLines } from "@causalmesh/monitor";
import { describe, expect, it, onTestFinished } from "vitest";
import { EXIT, run } from "../src/index.js";
import { Evidence, EVIDENCE_MAX } from "../src/monitor/evidence.js";
import { formatMonitorMetrics } from "../src/monitor/monitor-metrics.js";
import { temporaryFolder } from "./folder.js";
import { listeningMonitor, until } from "./monitors.js";
import { testTerminal } from "./terminal.js";

const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const text = (...lines: unknown[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join("");
const LEGAL = text({ session: "s1", ops: [["w", "k", "1:1"]] }, { session: "s1", ops: [["w", "k", "1:2"]] });
const STALE = text({ session: "s1", ops: [["r", "k", "1:1"]] });

/** Judges what stands on standard input, to its end. */
async function judged(stdin: string, ...flags: string[]) {
  const terminal = testTerminal({ cwd: temporaryFolder(), stdin });
  const exitCode = await run(["monitor", "-", ...flags], terminal);
  return { exitCode, out: terminal.out(), err: terminal.err(), cwd: terminal.cwd };
}

describe("monitor", () => {
  it("judges standard input to its end, and exits with 1 where something is broken", async () => {
    const once = (input: string) => spawnSync(process.execPath, [MAIN, "monitor", "-", "--json"], { input, encoding: "utf8", cwd: temporaryFolder() });
    expect(once(LEGAL).status).toBe(EXIT.ok);
    const { status, stdout } = once(LEGAL + STALE);
    const printed = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect({ status, printed }).toMatchObject({
      status: EXIT.failed,
      printed: [{ violation: "read your writes" }, { judged: 3, dropped: 0, refusedLines: 0, violations: { "read your writes": 1 } }],
    });
    const { out } = await judged(LEGAL + STALE);
    expect(out).toMatch(/^read your writes: A session did not see .* Evidence: .*\n3 operations judged, 1 violation\n$/);
  });

  it("keeps evidence in which history check finds the same", async () => {
    const { cwd } = await judged(`${LEGAL}no line\n${STALE}`, "--evidence", "kept");
    const [name, ...others] = readdirSync(join(cwd, "kept"));
    expect(others).toEqual([]);
    const story = readFileSync(join(cwd, "kept", name, "story.txt"), "utf8");
    expect(story).toContain("read your writes: A session did not see");
    expect(readFileSync(join(cwd, "kept", name, "picture.svg"), "utf8")).toMatch(/^<svg /);
    const terminal = testTerminal({ cwd });
    expect(await run(["history", "check", join("kept", name, "history.jsonl")], terminal)).toBe(EXIT.failed);
    expect(terminal.out()).toMatch(/^read your writes +broken$/m);
    // Word for word, with the numbers of the same lines.
    expect(terminal.out()).toContain(story);
  });

  it("keeps the evidence of the last violations alone, and leaves alone what is not its own", async () => {
    const folder = temporaryFolder({ "notes.txt": "mine" });
    const evidence = new Evidence(folder);
    const story = { anomaly: "monotonic reads", meaning: "", breaks: [], scenes: [], arrows: [], reasons: [] } as const;
    const kept = Array.from({ length: EVIDENCE_MAX + 3 }, (_, index) =>
      evidence.keep({ story, lines: [] }, new Date(1_700_000_000_000 + Math.floor(index / 4))),
    );
    expect(kept.map((path) => existsSync(path))).toEqual(kept.map((_, index) => index >= 3));
    expect(existsSync(join(folder, "notes.txt"))).toBe(true);
  });

  it("takes lines by request and from files that grow, counts what is none, and ends with a summary", async () => {
    const file = join(temporaryFolder({ "lines.jsonl": LEGAL }), "lines.jsonl");
    const monitor = await listeningMonitor(file);
    await until(async () => (await monitor.metric("causalmesh_monitor_operations_total")) === 2);
    expect(await monitor.metric("causalmesh_violations_total")).toBe(0);
    expect([await monitor.post("no line\n\n"), await monitor.post(LEGAL, "text/plain"), await monitor.post("x".repeat(2 ** 20 + 1))]).toEqual([204, 415, 413]);
    expect(await monitor.metric("causalmesh_monitor_refused_lines_total")).toBe(1);
    appendFileSync(file, STALE.slice(0, 20));
    appendFileSync(file, STALE.slice(20));
    await until(async () => (await monitor.metric("causalmesh_violations_total")) === 1);
    // Somebody begins the file anew.
    writeFileSync(file, text({ session: "s", ops: [["w", "l", "1:3"]] }));
    await until(async () => (await monitor.metric("causalmesh_monitor_operations_total")) === 4);
    expect((await fetch(monitor.url)).status).toBe(404);
    expect(await monitor.end("SIGTERM")).toBe(EXIT.failed);
  });

  it.each([
    ["a file that is not there", ["none.jsonl"], "none.jsonl cannot be read"],
    ["an address beyond this machine", ["--listen", "0.0.0.0:0"], "asks nobody who they are"],
    ["a window that is too small", ["-", "--window", "10"], "--window must be a whole number from 100"],
  ])("exits with 2 for %s", async (_, argv, message) => {
    const terminal = testTerminal({ cwd: temporaryFolder() });
    expect(await run(["monitor", ...argv], terminal)).toBe(EXIT.usage);
    expect(terminal.err()).toContain(message);
  });

  it("has the metrics of docs/METRICS.md", () => {
    const page = readFileSync(new URL("../../../docs/METRICS.md", import.meta.url), "utf8");
    const documented = [...page.slice(page.indexOf("## The monitor")).matchAll(/^\| `(\w+)` \| (\w+) \|/gm)];
    const numbers = { judged: 1, dropped: 0, kept: 1, windows: 1, violations: {}, refusedLines: 0 };
    const printed = [...formatMonitorMetrics(numbers, { cpuSeconds: 1, residentBytes: 1, startTime: 1 }).matchAll(/^# TYPE (causalmesh_\w+) (\w+)$/gm)];
    const pairs = (matches: RegExpExecArray[]): string[] => matches.map(([, name, type]) => `${name} ${type}`).sort();
    expect(pairs(documented)).toEqual(pairs(printed));
  });
});

/** A mesh of three nodes, of which the second may lack a rule. */
async function meshWith(mutation: string | undefined): Promise<Mesh> {
  const shared = { store: memoryStore(), transport: memoryTransport() };
  const { members } = await formMesh(shared.store, ["a", "b", "c"]);
  const lacking = MUTATIONS.find(({ name }) => name === mutation);
  const nodes = await Promise.all(
    members.map((member) =>
      lacking !== undefined && member.address === "b" ? startMutant({ ...shared, ...member }, lacking) : startNode({ ...shared, ...member }),
    ),
  );
  const mesh = await connectMesh({ nodes: ["a", "b", "c"] }, shared.transport);
  onTestFinished(async () => {
    await mesh.close();
    await Promise.allSettled(nodes.map((node) => node.close()));
  });
  return mesh;
}

describe("a mesh that is observed and monitored", () => {
  it.each([
    ["is found out within a minute of load where one node lets the last write to arrive win", "last-arrival"],
    ["is not where all is sound", undefined],
  ])("%s", async (_, mutation) => {
    const monitor = await listeningMonitor();
    const poster = postLines({ url: monitor.url });
    const mesh = observed(await meshWith(mutation), { sample: 1, report: poster.report });
    const end = performance.now() + (mutation === undefined ? 3_000 : 30_000);
    let isOver = false;
    const nodes = ["a", "b", "c"];
    // Each goes on with its token, from node to node.
    const visitor = async (first: number): Promise<void> => {
      let session = mesh.session();
      for (let visit = first; !isOver; visit++) {
        session = mesh.session(await session.token(), { node: nodes[visit % nodes.length] });
        for (let call = 0; call < 3; call++) await session.get("stock");
        for (let call = 0; call < visit % 3; call++) await session.set("stock", { left: call });
        // Without a pause, timers and sockets would wait for as long as nodes in one process have something to say.
        if (visit % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
    };
    const visitors = nodes.map((_node, index) => visitor(index));
    await until(async () => performance.now() > end || (await monitor.metric("causalmesh_violations_total")) > 0);
    isOver = true;
    await Promise.all(visitors);
    await poster.close();
    await until(async () => (await monitor.metric("causalmesh_monitor_operations_total")) > 50);
    expect(poster.dropped).toBe(0);
    expect((await monitor.metric("causalmesh_violations_total")) > 0).toBe(mutation !== undefined);
    const kept = readdirSync(monitor.evidence).map((name) => readFileSync(join(monitor.evidence, name, "history.jsonl"), "utf8"));
    expect(kept.length > 0).toBe(mutation !== undefined);
    expect(kept.join("")).not.toMatch(/stock|left/);
  });
});
