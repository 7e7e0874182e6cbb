// Secrets in a file: read again when it changes, and kept where it is wrong.

import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MeshError } from "@causalmesh/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { secretFile } from "../src/index.js";

const [OLD, NEW] = ["the old secret of the tests", "the new secret of the tests"];

function file(text: string): { readonly path: string; replace(text: string): void } {
  const folder = mkdtempSync(join(tmpdir(), "causalmesh-secret-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "secret");
  const replace = (next: string): void => {
    writeFileSync(`${path}.next`, next);
    renameSync(`${path}.next`, path);
  };
  replace(text);
  return { path, replace };
}

describe("secretFile", () => {
  it("has one secret a line, whatever ends a line", () => {
    expect(secretFile(file(`${NEW}\r\n\r\n${OLD}\n`).path)()).toEqual([NEW, OLD]);
    expect(secretFile(file(OLD).path)()).toEqual([OLD]);
  });

  it("that is wrong at the beginning is refused, with its name and what to do", () => {
    for (const [text, message] of [
      ["", "has 0 secrets"],
      ["short", "has a secret of 5 bytes"],
      [`${OLD}\nshort`, "openssl rand"],
      [`${OLD}\n`.repeat(9), "write 1 to 8"],
    ]) {
      expect(() => secretFile(file(text).path)).toThrow(message);
    }
    expect(() => secretFile(join(tmpdir(), "nowhere", "secret"))).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  });

  it("is read again when it changes; what is wrong with it is told once, and changes nothing", async () => {
    const { path, replace } = file(OLD);
    const told: (string | undefined)[] = [];
    const secrets = secretFile(path, (error: MeshError | undefined) => told.push(error?.message));
    const poll = async (expected: () => unknown): Promise<void> => await expect.poll(() => (secrets(), expected()), { timeout: 10_000 }).toBe(true);
    replace(`${NEW}\n${OLD}`);
    await poll(() => secrets()[0] === NEW);
    const both = secrets();
    expect([both, told]).toEqual([[NEW, OLD], [undefined]]);
    replace("short");
    await poll(() => told.length > 1);
    rmSync(path);
    await poll(() => told.length > 2);
    expect(secrets()).toBe(both);
    expect(told.slice(1)).toEqual([expect.stringContaining("5 bytes"), expect.stringContaining("cannot be read")]);
    replace(NEW);
    await poll(() => secrets().length === 1);
    expect([secrets(), told.length]).toEqual([[NEW], 4]);
  });
});
