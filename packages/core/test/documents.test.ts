// The documents that are written from the code: each code and each limit is there, with its value, and nothing else.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as limits from "../src/limits.js";
import * as frames from "../src/wire/frames.js";

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
const rows = (text: string, pattern: RegExp): string[][] => [...text.matchAll(pattern)].map((match) => match.slice(1));

describe("docs/errors.md", () => {
  const document = read("../../../docs/errors.md");
  const source = read("../src/errors.ts");

  it("has a row for each code of the type, in its order, and says what to do", () => {
    const type = /export type MeshErrorCode =([^;]+);/.exec(source)![1];
    const codes = rows(type, /\| "(\w+)"/g).map(([code]) => code);
    const documented = rows(document, /^\| `([A-Z_]+)` \| (.+?) \| (.*?) ?\|$/gm);
    expect(codes.length).toBeGreaterThan(25);
    expect(documented.map(([code]) => code)).toEqual(codes);
    for (const [code, when] of documented) expect(when.length, code).toBeGreaterThan(20);
  });
});

describe("docs/LIMITS.md", () => {
  it("has a row for each constant, in its order, with its value", () => {
    const documented = rows(read("../../../docs/LIMITS.md"), /^\| `(\w+)` \| (\d+) \| (.+) \|$/gm);
    const declared = rows(read("../src/limits.ts"), /^export const (\w+) =/gm).map(([name]) => name);
    expect(declared.sort()).toEqual(Object.keys(limits).sort());
    expect(documented.map(([name, value]) => [name, Number(value)]).sort()).toEqual(Object.entries(limits).sort());
    for (const [name, , why] of documented) expect(why.length, name).toBeGreaterThan(20);
  });
});

describe("docs/security.md", () => {
  it("names the bounds for strangers as they are", () => {
    const document = read("../../../docs/security.md");
    const { CONNECT_TIMEOUT_MS_DEFAULT, HANDSHAKE_BYTES_MAX, REFUSALS_TOLD_PER_SECOND_MAX, SECRET_BYTES_MIN, STRANGERS_MAX, TOKEN_TTL_MS_DEFAULT } = limits;
    const row = (what: string): string => new RegExp(`^\\| ${what}[^|]* \\| (.+) \\|$`, "m").exec(document)![1];
    expect(row("time for a handshake")).toBe(`${CONNECT_TIMEOUT_MS_DEFAULT / 1000} s`);
    expect(row("bytes of a frame")).toBe(`${HANDSHAKE_BYTES_MAX / 1024} KiB`);
    expect(row("connections that have proved nothing").replace(" ", "")).toMatch(new RegExp(`^${STRANGERS_MAX};`));
    expect(row("lines of a node's log")).toMatch(new RegExp(`^${REFUSALS_TOLD_PER_SECOND_MAX} a second`));
    expect(document).toContain(`at least ${SECRET_BYTES_MIN} bytes`);
    expect(document).toContain(`${TOKEN_TTL_MS_DEFAULT / 3_600_000} hours by default`);
  });
});

describe("docs/wire.md", () => {
  it("has a row for each frame type, with its number", () => {
    const notTypes = [
      "FRAME_HEAD_BYTES",
      "WITH_CONTEXT",
      "VERSIONED",
      "FRESH",
      "AGAIN",
      "FROM_LOADER",
      "ENTRY_HAS_VALUE",
      "ENTRY_FROM_LOADER",
      "ENTRY_GONE",
      "HEARTBEAT",
    ];
    const types = Object.entries(frames).filter(([name, value]) => typeof value === "number" && !notTypes.includes(name));
    const documented = rows(read("../../../docs/wire.md"), /^\| (\d+) \| `(\w+)` \|/gm);
    expect(documented.map(([value, name]) => [name, Number(value)]).sort()).toEqual(types.sort());
  });
});

describe("docs/durability.md", () => {
  it("has a row for each level", () => {
    const levels = rows(/export type Durability =([^;]+);/.exec(read("../src/mesh.ts"))![1], /"(\w+)"/g).map(([level]) => level);
    expect(rows(read("../../../docs/durability.md"), /^\| `(\w+)` \|/gm).map(([level]) => level)).toEqual(levels);
  });
});
