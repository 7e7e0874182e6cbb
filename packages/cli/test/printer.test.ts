import { describe, expect, it } from "vitest";
import { MeshError } from "@causalmesh/core";
import { exitCodeOf } from "../src/exit-codes.js";
import { Printer } from "../src/printer.js";
import { testTerminal } from "./terminal.js";

const refused = new MeshError("NODE_UNREACHABLE", "127.0.0.1:7400 refused the connection; is the node running?", { cause: new Error("ECONNREFUSED") });

describe("results and notes", () => {
  it("prints one JSON line and no notes with --json", () => {
    const terminal = testTerminal();
    const printer = new Printer(terminal, { json: true });
    printer.note("hello");
    printer.result({ a: "line\nbreak" }, () => "text");
    expect(terminal.out()).toBe('{"a":"line\\nbreak"}\n');
    expect(terminal.err()).toBe("");
  });

  it("prints text, and notes beside it", () => {
    const terminal = testTerminal();
    const printer = new Printer(terminal, {});
    printer.note("hello");
    printer.result({}, () => "text");
    expect(terminal.out()).toBe("text\n");
    expect(terminal.err()).toBe("hello\n");
  });

  it("prints no notes with --quiet", () => {
    const terminal = testTerminal();
    new Printer(terminal, { quiet: true }).note("hello");
    expect(terminal.err()).toBe("");
  });
});

describe("errors", () => {
  it("are a line with the code, without a stack trace", () => {
    const terminal = testTerminal();
    new Printer(terminal, {}).error(refused);
    expect(terminal.err()).toBe("error: 127.0.0.1:7400 refused the connection; is the node running? [NODE_UNREACHABLE]\n");
  });

  it("are JSON on standard error with --json", () => {
    const terminal = testTerminal();
    new Printer(terminal, { json: true, verbose: true }).error(refused);
    expect(terminal.out()).toBe("");
    expect(JSON.parse(terminal.err())).toEqual({ error: { code: "NODE_UNREACHABLE", message: refused.message, retryable: true } });
  });

  it("come with the stack and the causes with -v", () => {
    const terminal = testTerminal();
    new Printer(terminal, { verbose: true }).error(refused);
    expect(terminal.err()).toMatch(/printer\.test\.ts/);
    expect(terminal.err()).toMatch(/caused by: Error: ECONNREFUSED/);
  });

  it("name the flag where the core names its option", () => {
    const terminal = testTerminal();
    new Printer(terminal, {}).error(new MeshError("TIMEOUT", "no node was reached in time; allow more with timeoutMs"));
    expect(terminal.err()).toBe("error: no node was reached in time; allow more with --timeout [TIMEOUT]\n");
  });

  it("that are no MeshError have the code INTERNAL", () => {
    const terminal = testTerminal();
    new Printer(terminal, { json: true }).error(Object.assign(new Error("no such file"), { code: "ENOENT" }));
    expect(JSON.parse(terminal.err())).toEqual({ error: { code: "INTERNAL", message: "no such file", retryable: false } });
  });
});

describe("colour", () => {
  const styled = (isTTY: boolean, env: Record<string, string>, color?: boolean, json?: boolean): string =>
    new Printer(testTerminal({ isTTY, env }), { color, json }).style("red", "x");

  it("is for terminals alone, and not with NO_COLOR, --no-color, --json or a dumb terminal", () => {
    expect(styled(true, {})).toBe("\u001B[31mx\u001B[0m");
    expect(styled(true, { NO_COLOR: "" })).toBe("\u001B[31mx\u001B[0m");
    expect(styled(false, {})).toBe("x");
    expect(styled(true, { NO_COLOR: "1" })).toBe("x");
    expect(styled(true, { TERM: "dumb" })).toBe("x");
    expect(styled(true, {}, false)).toBe("x");
    expect(styled(true, {}, undefined, true)).toBe("x");
  });
});

describe("exit codes", () => {
  it.each([
    ["OPTION_INVALID", 2],
    ["ADDRESS_INVALID", 2],
    ["KEY_INVALID", 2],
    ["VALUE_TOO_LARGE", 2],
    ["NODE_UNREACHABLE", 3],
    ["TIMEOUT", 4],
    ["ABORTED", 130],
    ["TOKEN_MALFORMED", 1],
    ["ADDRESS_IN_USE", 1],
    ["STORE_LOCKED", 1],
    ["UNAUTHENTICATED", 1],
  ] as const)("%s is %i", (code, exitCode) => {
    expect(exitCodeOf(new MeshError(code, "x"))).toBe(exitCode);
  });

  it("is 1 for everything else", () => {
    for (const error of [new Error("x"), Object.assign(new Error("x"), { code: "toString" }), "x", undefined]) expect(exitCodeOf(error)).toBe(1);
  });
});
