// cluster status --watch: what the picture says, and how it is drawn and ended.

import { EventEmitter } from "node:events";
import { PassThrough } from "node:stream";
import type { Member, MemberStatus } from "@causalmesh/core";
import { describe, expect, it } from "vitest";
import type { ClusterStatus } from "../src/cluster-table.js";
import { EXIT, run } from "../src/index.js";
import { Printer } from "../src/printer.js";
import { visibleWidth } from "../src/table.js";
import { formatCount, frame, sparkline, summary, type Picture } from "../src/watch/frame.js";
import { RateMeter, sum } from "../src/watch/rates.js";
import { temporaryFolder } from "./folder.js";
import { runningNodes } from "./mesh.js";
import { MEMBER } from "./status.js";
import { testTerminal } from "./terminal.js";

const RING: readonly Member[] = [7, 8, 9].map((replica) => ({ replica, address: `10.0.0.${replica}:7400`, share: replica - 7 }));
const member = (replica: number, more: Partial<MemberStatus> = {}): MemberStatus => ({
  ...MEMBER,
  replica,
  address: `10.0.0.${replica}:7400`,
  ring: RING,
  cacheBytes: 64 * 1024 * 1024,
  cacheBytesMax: 256 * 1024 * 1024,
  flushLagMs: 12,
  ...more,
});
const RATES = { reads: 9_000, hits: 8_820, writes: 1_000, errors: 0, linkBytes: 2_000_000 };

function picture(status: Partial<ClusterStatus> = {}, more: Partial<Picture> = {}): Picture {
  const full = { epoch: 4, members: RING.map(({ replica }) => member(replica)), unreachable: [], ...status };
  return { status: full, rates: new Map(full.members.map(({ replica }) => [replica, RATES])), history: [1, 2, 3], time: "17:00:00", ...more };
}

const drawn = (what: Picture, columns: number): string[] => frame(what, columns, new Printer(testTerminal(), {})).map((line) => line.trimEnd());

describe("the picture", () => {
  it("fits 80 columns", () => {
    expect(drawn(picture(), 80)).toEqual([
      " epoch 4   3 of 3 serve   store ok                                     17:00:00",
      "",
      " 30k ops/s   27k reads/s   3k writes/s   98.0% hits   0 errors/s",
      " 3 ms lag   6 pending   12 ms flush lag   192.0 MiB memory",
      "",
      " ▃▆█ ops/s, at most 3",
      "",
      "      node           state    ops/s   hits   lag  pending  flush lag     cache",
      " ╭▸●  10.0.0.7:7400  serving    10k  98.0%  3 ms        2      12 ms  64.0 MiB",
      " │ ●  10.0.0.8:7400  serving    10k  98.0%  3 ms        2      12 ms  64.0 MiB",
      " ╰─●  10.0.0.9:7400  serving    10k  98.0%  3 ms        2      12 ms  64.0 MiB",
    ]);
  });

  it("has more columns where there is room, and the most important ones where there is not", () => {
    const head = (columns: number): string[] => drawn(picture(), columns)[7].trim().split(/ {2,}/);
    expect(head(120)).toEqual(["node", "#", "state", "ops/s", "reads/s", "writes/s", "hits", "lag", "pending", "flush lag", "cache", "full", "errors/s"]);
    expect(head(52)).toEqual(["node", "state", "ops/s", "lag", "flush lag"]);
    for (const columns of [60, 80, 100, 120, 160]) for (const line of drawn(picture(), columns).slice(7)) expect(line.length).toBeLessThanOrEqual(columns);
  });

  it("shows where the ring is broken, who does not answer, and a store that fails", () => {
    const members = [member(7, { linked: false, storeFailing: true, flushLagMs: 65_000 }), member(9, { state: "leaving" })];
    const lines = drawn(picture({ members, unreachable: ["10.0.0.8:7400"] }), 80);
    expect(lines[0]).toMatch(/^ epoch 4 {3}1 of 3 serve {3}the store fails/);
    expect(lines[3]).toContain("1 min 5 s flush lag");
    expect(lines.slice(8)).toEqual([
      expect.stringMatching(/^ ╭▸✕ {2}10\.0\.0\.7:7400 {2}serving .* 1 min 5 s/),
      " │ ✕  10.0.0.8:7400  no answer",
      expect.stringMatching(/^ ╰─● {2}10\.0\.0\.9:7400 {2}leaving /),
    ]);
  });

  it("keeps what was seen last while nobody answers, and says why", () => {
    const lines = drawn(picture({}, { problem: "cannot connect to 10.0.0.7:7400" }), 80);
    expect(lines[2]).toContain("30k ops/s");
    expect(lines.at(-1)).toBe(" no answer: cannot connect to 10.0.0.7:7400");
  });

  it("goes by the newest view, and shows who is not in it any more below", () => {
    const lines = drawn(
      picture({ members: [member(7, { epoch: 3, ring: RING }), member(8, { epoch: 5, ring: RING.slice(1) }), member(9, { epoch: 5, ring: RING.slice(1) })] }),
      80,
    );
    expect(lines.slice(8).map((line) => line.slice(0, 19).trimEnd())).toEqual([" ╭▸●  10.0.0.8:7400", " ╰─●  10.0.0.9:7400", "      10.0.0.7:7400"]);
  });

  it("is one line elsewhere than in a window", () => {
    expect(summary(picture({ unreachable: ["10.0.0.1:1"] }))).toBe(
      "17:00:00  epoch 4  3 of 3 serve  30k ops/s  hits 98.0%  errors 0/s  lag 3 ms  pending 6  flush lag 12 ms  memory 192.0 MiB  store ok  unreachable 10.0.0.1:1",
    );
    expect(summary(picture({}, { rates: new Map() }))).toContain("  - ops/s  hits -  errors -/s");
  });

  it("colours what is worth a look, and colours take no width", () => {
    const lines = frame(picture({ members: [member(7, { flushLagMs: 6_000, ring: RING.slice(0, 1) })] }), 80, new Printer(testTerminal({ isTTY: true }), {}));
    expect(lines.join("\n")).toContain("\u001B[31m6.0 s\u001B[0m");
    for (const line of lines) expect(visibleWidth(line)).toBeLessThanOrEqual(80);
  });
});

describe("rates", () => {
  it("are differences over the time between two looks; a member that is new has none", () => {
    const meter = new RateMeter();
    const look = (nowMs: number, ...members: MemberStatus[]) => meter.look({ epoch: 1, members, unreachable: [] }, nowMs);
    expect(look(0, member(7)).size).toBe(0);
    const rates = look(2_000, member(7, { reads: 300, hits: 290, writes: 14, errors: { OVERLOADED: 3, TIMEOUT: 3 } }), member(8));
    expect([...rates]).toEqual([[7, { reads: 100, hits: 100, writes: 1, errors: 2, linkBytes: 0 }]]);
    expect(sum([...rates.values(), ...rates.values()]).reads).toBe(200);
    // A counter that went back is one that began anew.
    expect(look(3_000, member(7, { reads: 0 })).get(7)!.reads).toBe(0);
  });
});

describe("numbers", () => {
  it.each([
    [0, "0"],
    [7.54, "7.5"],
    [9.96, "10"],
    [950.4, "950"],
    [1_234, "1.2k"],
    [12_000, "12k"],
    [123_456, "123k"],
    [999_499, "999k"],
    [999_500, "1M"],
    [4_560_000, "4.6M"],
  ])("%d is %s", (value, text) => {
    expect(formatCount(value)).toBe(text);
  });

  it("are as high as their share of the greatest", () => {
    expect(sparkline([0, 4, 8], 10)).toBe("▁▅█");
    expect(sparkline([0, 0], 10)).toBe("▁▁");
    expect(sparkline([1, 2, 3, 4], 2)).toBe("▇█");
  });
});

/** A keyboard as a terminal has one. */
class Keyboard extends PassThrough {
  readonly isTTY = true;
  isRaw = false;
  setRawMode(raw: boolean): this {
    this.isRaw = raw;
    return this;
  }
}

describe("the window", () => {
  async function watching(rows: number) {
    const [node] = await runningNodes(3);
    const keyboard = new Keyboard();
    const terminal = testTerminal({ cwd: temporaryFolder(), isTTY: true, columns: 60, rows, input: keyboard });
    const size = new EventEmitter();
    const stdout = Object.assign(size, terminal.stdout);
    const ended = run(["cluster", "status", "--watch", "--no-color", "--url", `mesh://${node.address}`], { ...terminal, stdout });
    await expect.poll(() => terminal.out()).toContain("of 3 serve");
    return { keyboard, ended, stdout, out: terminal.out };
  }

  const lastFrame = (out: string): string[] =>
    out
      .split("\u001B[H")
      .at(-1)!
      .replace(/\u001B\[\??\d*[A-Za-z]/g, "")
      .trimEnd()
      .split("\r\n");

  it("is the terminal's other buffer, and comes back as it was when q ends it", async () => {
    const { keyboard, ended, out } = await watching(30);
    expect(keyboard.isRaw).toBe(true);
    expect(out().startsWith("\u001B[?1049h\u001B[?25l")).toBe(true);
    keyboard.write("xq");
    expect(await ended).toBe(EXIT.ok);
    expect(keyboard.isRaw).toBe(false);
    expect(out().endsWith("\u001B[?25h\u001B[?1049l")).toBe(true);
    // No frame clears the window before it draws.
    expect(out()).not.toContain("\u001B[2J");
  });

  it("has no line longer and no frame higher than the terminal, whose size may change", async () => {
    const { keyboard, ended, stdout, out } = await watching(6);
    const lines = lastFrame(out());
    expect(lines).toHaveLength(6);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
    expect(lines[5]).toMatch(/^… \d+ more lines: the window is too small$/);
    Object.assign(stdout, { columns: 100, rows: 30 });
    stdout.emit("resize");
    expect(lastFrame(out()).at(-1)).toBe(" q ends it");
    keyboard.write("q");
    await ended;
    expect(stdout.listenerCount("resize")).toBe(0);
  });

  it("ends with Ctrl-C as any command does", async () => {
    const { ended, out } = await watching(30);
    process.emit("SIGINT");
    expect(await ended).toBe(EXIT.interrupted);
    expect(out().endsWith("\u001B[?1049l")).toBe(true);
  });
});

describe("elsewhere", () => {
  it("is one line, or one object with --json, each time", async () => {
    const [node] = await runningNodes(2);
    for (const [flag, pattern] of [
      ["--no-color", /^\d\d:\d\d:\d\d {2}epoch 1 {2}2 of 2 serve .+ store ok$/],
      ["--json", /^\{"epoch":1,.*"rates":\{.*\}\}$/],
    ] as const) {
      const terminal = testTerminal({ cwd: temporaryFolder() });
      const ended = run(["cluster", "status", "--watch", flag, "--url", `mesh://${node.address}`], terminal);
      await expect.poll(() => terminal.out().split("\n").length, { timeout: 5_000 }).toBeGreaterThan(2);
      process.emit("SIGINT");
      expect(await ended).toBe(EXIT.interrupted);
      for (const line of terminal.out().trimEnd().split("\n")) expect(line).toMatch(pattern);
    }
  });
});
