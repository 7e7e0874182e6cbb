// docs/http.md says what the code says, and its commands print what it prints.

import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as limits from "../src/limits.js";
import { PROBLEMS } from "../src/problem.js";
import { ROUTES } from "../src/routes.js";
import { embedded, served } from "./support/front.js";

const document = readFileSync(new URL("../../../../docs/http.md", import.meta.url), "utf8");
const coreErrors = readFileSync(new URL("../../../../docs/errors.md", import.meta.url), "utf8");
const rows = (text: string, pattern: RegExp): string[][] => [...text.matchAll(pattern)].map((match) => match.slice(1));

describe("docs/http.md", () => {
  it("has each limit with its value", () => {
    const documented = rows(document, /^\| `([A-Z_]+_(?:MAX|MIN|AIM|DEFAULT|MS))` \| (\d+) \| (.{20,}) \|$/gm);
    expect(documented.map(([name, value]) => [name, Number(value)]).sort()).toEqual(Object.entries(limits).sort());
  });

  it("has each code of HTTP's own, and each status with its codes", () => {
    const ofCore = rows(coreErrors, /^\| `([A-Z_]+)` \| .+ \|$/gm).map(([code]) => code);
    const ofHttp = Object.keys(PROBLEMS).filter((code) => !ofCore.includes(code));
    const errors = document.slice(document.indexOf("## Errors"), document.indexOf("## Limits"));
    expect(rows(errors, /^\| `([A-Z_]+)` \| .{20,} \| .+ \|$/gm).map(([code]) => code)).toEqual(ofHttp);
    const byStatus = new Map<number, string[]>();
    for (const [code, [status]] of Object.entries(PROBLEMS)) byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
    const documented = rows(errors, /^\| (\d{3}) \| (.+) \|$/gm).map(([status, codes]) => [Number(status), codes.replaceAll("`", "").split(", ")]);
    expect(documented).toEqual([...byStatus].sort(([a], [b]) => a - b));
  });

  it("has each route with its role", () => {
    const documented = rows(document, /^\| `([A-Z]+) (\/v1\/[^`]+)` \| .+ \| (\w+) \|$/gm);
    expect(documented).toEqual(ROUTES.map(({ method, template, role }) => [method, template, role ?? "none"]));
  });

  it("has commands that print what it says", async () => {
    const [, commands] = /<!-- example: curl -->\n```sh\n([\s\S]*?)```/.exec(document)!;
    const [, printed] = /It prints:\n\n```text\n([\s\S]*?)```/.exec(document)!;
    const key = "a-key-of-the-documents-example";
    const mesh = await embedded({ nodes: 3 });
    const { url } = await served(mesh, { apiKeys: [{ name: "shop", key, role: "write", namespaces: ["shop"] }] });
    const shell = spawn("sh", ["-eu"], { env: { ...process.env, MESH: url, KEY: key }, stdio: ["pipe", "pipe", "inherit"] });
    let output = "";
    shell.stdout.on("data", (piece) => (output += String(piece)));
    shell.stdin.end(commands);
    const status = await new Promise((resolve) => shell.on("close", resolve));
    expect([status, output]).toEqual([0, printed]);
  });

  it("has a hash of a key as it says", () => {
    const digits = execFileSync("sh", ["-c", 'printf %s "test" | sha256sum'], { encoding: "utf8" }).slice(0, 64);
    expect(document).toContain(`"sha256": "${digits}"`);
  });
});
