import { createServer } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { formatStatus, formatVector } from "../src/cluster-table.js";
import { formatLogLine } from "../src/log-lines.js";
import { parseTime, parseTtl, parseWhole } from "../src/numbers.js";
import { takePorts } from "../src/ports.js";
import { Printer } from "../src/printer.js";
import { fitLines, formatBytes, formatTable, visibleWidth } from "../src/table.js";
import { parseValue } from "../src/value.js";
import { MEMBER } from "./status.js";
import { testTerminal } from "./terminal.js";

describe("values", () => {
  it.each<[string, unknown]>([
    ['{"a":[1,2]}', { a: [1, 2] }],
    ["5", 5],
    ["0.1", 0.1],
    ["9007199254740991", 9_007_199_254_740_991],
    ["true", true],
    ["null", null],
    ['"quoted"', "quoted"],
    ["hello", "hello"],
    ["hello world", "hello world"],
    ["{not json", "{not json"],
    ["", ""],
    ["007", "007"],
  ])("%j is JSON where it parses, else text", (text, value) => {
    expect(parseValue(text)).toEqual(value);
  });

  it.each(["9007199254740993", "-12345678901234567890", "1e999"])("%s is not rounded silently", (text) => {
    expect(() => parseValue(text)).toThrow(expect.objectContaining({ code: "VALUE_INVALID", message: expect.stringContaining("--string") }));
  });
});

describe("numbers", () => {
  it.each([
    ["500", 500],
    ["500ms", 500],
    ["1.5s", 1500],
    ["2m", 120_000],
    ["1h", 3_600_000],
    ["1d", 86_400_000],
  ])("%s", (text, ms) => {
    expect(parseTime(text, "--timeout")).toBe(ms);
  });

  it.each(["", "-1", "0", "1 s", "1w", "NaN", "Infinity", "1e3", "s"])("%j is no time", (text) => {
    expect(() => parseTime(text, "--timeout")).toThrow(/--timeout/);
  });

  it.each([
    ["500", 500],
    [" 5m", 300_000],
    ["30d", 2_592_000_000],
    ["36500d", 3_153_600_000_000],
  ])("%s to live", (text, ms) => {
    expect(parseTtl(text, "--ttl")).toBe(ms);
  });

  it.each(["", "0", "0s", "-1", "1w", "36501d", "1e3"])("%j is no time to live", (text) => {
    expect(() => parseTtl(text, "--ttl")).toThrow(
      expect.objectContaining({ code: "TTL_INVALID", message: expect.stringMatching(/^--ttl .* above 0 .*up to 100 years$/) }),
    );
  });

  it.each(["", "-1", "0", "65", "1.5", "3x", "0x3", "1e1"])("%j is no number of nodes", (text) => {
    expect(() => parseWhole(text, "--nodes", 1, 64)).toThrow("--nodes must be a whole number from 1 to 64");
  });
});

describe("tables", () => {
  it("aligns by what is seen, not by colour codes", () => {
    const rows = [
      ["a", "number"],
      ["\u001B[31mlong name\u001B[0m", "5"],
    ];
    expect(formatTable(rows, ["left", "right"])).toBe("a          number\n\u001B[31mlong name\u001B[0m       5");
  });

  it("fit a window: lines are cut to its width, and what does not fit its height is counted", () => {
    const lines = ["short", "\u001B[31mred and long\u001B[0m", "3", "4", "5"];
    expect(fitLines(lines, 80, 24)).toEqual(lines);
    expect(fitLines(lines, 6, 5)).toEqual(["short", "\u001B[31mred a…\u001B[0m", "3", "4", "5"]);
    expect(fitLines(lines, 80, 4)).toEqual([...lines.slice(0, 3), "… 2 more lines: the window is too small"]);
    for (const line of fitLines(lines, 6, 2)) expect(visibleWidth(line)).toBeLessThanOrEqual(6);
  });

  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1536, "1.5 KiB"],
    [256 * 1024 * 1024, "256.0 MiB"],
  ])("%i bytes", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe("cluster status", () => {
  it("shows what each member knows, and who does not answer", () => {
    const numbers = {
      pending: 1,
      log: 2,
      logBytes: 2048,
      cacheEntries: 3,
      cacheBytes: 4096,
      evictions: 0,
      versionBytes: 0,
      writes: 5,
      linkBytes: 0,
      clockMs: 0,
    };
    const vectors = { received: { "1": 5, "3": 7 }, common: { "1": 5 }, applied: { "1": 4 }, flushed: {} };
    const text = formatStatus(
      {
        epoch: 4,
        members: [{ ...MEMBER, replica: 1, ...vectors, ...numbers, reads: 8, hits: 6 }],
        unreachable: ["127.0.0.1:7401"],
      },
      new Printer(testTerminal(), {}),
    );
    expect(text.split("\n")).toEqual([
      "epoch 4, 1 of 2 members answer",
      "",
      "replica  address         received     common  applied  flushed  pending          log        cache   hits",
      "      1  127.0.0.1:7400  1:5 3:7      1:5     1:4      -              1  2 (2.0 KiB)  3 (4.0 KiB)  75.0%",
      "      -  127.0.0.1:7401  unreachable",
    ]);
  });

  it("shows an empty vector as a dash", () => {
    expect(formatVector({})).toBe("-");
  });
});

describe("log lines", () => {
  const format = (line: string): string => {
    const terminal = testTerminal();
    return formatLogLine(line, 2, new Printer(terminal, {}), terminal.stderr);
  };

  it("are short for people", () => {
    const line = '{"level":"info","time":"2024-05-01T10:00:00Z","replica":5,"address":"a:1","admin":"http://x","note":"two words","msg":"listening"}';
    expect(format(line)).toBe('[node 2] info  listening admin=http://x note="two words"');
  });

  it("show an error by its message", () => {
    expect(format('{"level":"fatal","err":{"type":"Error","message":"disk full","stack":"Error: disk full\\n at x"},"msg":"stopped"}')).toBe(
      '[node 2] fatal stopped err="disk full"',
    );
  });

  it.each(["Segmentation fault", "{broken", ""])("leave %j as it is", (line) => {
    expect(format(line)).toBe(`[node 2] ${line}`);
  });
});

describe("ports", () => {
  it("finds different free ones", async () => {
    const ports = await takePorts("127.0.0.1", 0, 5, "--port");
    expect(new Set(ports).size).toBe(5);
    // All have been let go again.
    for (const port of ports) expect(await takePorts("127.0.0.1", port, 1, "--port")).toEqual([port]);
  });

  it("says which of a row is taken, and what to do", async () => {
    const server = createServer();
    const taken = await new Promise<number>((resolve) => server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port)));
    onTestFinished(() => void server.close());
    await expect(takePorts("127.0.0.1", taken, 1, "--port")).rejects.toMatchObject({
      code: "ADDRESS_IN_USE",
      message: expect.stringMatching(new RegExp(`127\\.0\\.0\\.1:${taken} is in use.*--port \\d+.*--port 0`)),
    });
  });

  it("refuses a row beyond the last port", async () => {
    await expect(takePorts("127.0.0.1", 65_534, 3, "--port")).rejects.toMatchObject({ code: "OPTION_INVALID" });
  });

  it("refuses a host that is not this machine's", async () => {
    await expect(takePorts("192.0.2.1", 0, 1, "--port")).rejects.toMatchObject({ code: "ADDRESS_INVALID" });
  });
});
