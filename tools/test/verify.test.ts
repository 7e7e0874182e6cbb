// Whether `npm run verify` sees what it has to see: that a lemma is false, and that a proof rests on something that is not proved.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { problemsIn } from "../dafny-text.mjs";
import { ROOT } from "../packages.mjs";
import { filesOf, needDafny, verifyFile } from "../verify.mjs";

const SPEC = join(ROOT, "spec");

/** A module with these declarations, as one file of a folder of its own. */
function folderWith(...declarations: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "causalmesh-verify-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "one.dfy"), `module One {\n${declarations.join("\n")}\n}\n`);
  return folder;
}

const proof = (statement: string): string => `lemma Sums(a: nat, b: nat)\n  ensures ${statement}\n{\n}`;

describe("the text check", () => {
  it.each([
    ["assume", "lemma L()\n{\n  assume false;\n}"],
    ["{:axiom}", "lemma {:axiom} L()\n  ensures false\n"],
    ["{:verify}", "lemma {:verify false} L()\n  ensures false\n{\n}"],
    ["{:extern}", "function {:extern} F(): int\n"],
    ["no body", "lemma L()\n  ensures iset{1} == iset{}\n\nlemma M()\n{\n}"],
    ["no body", "function F(): (n: nat)\n  ensures n in {1}\n"],
    ["no value", "const N: nat"],
    ["decreases *", "method M()\n  decreases *\n{\n}"],
    ["refined", "abstract module M {\n}"],
    ["not a file of the same folder", 'include "../elsewhere.dfy"'],
  ])("finds %s", (what, text) => {
    expect(problemsIn(text).join()).toContain(what);
  });

  it("reads no comments", () => {
    expect(problemsIn("// assume\n/* {:axiom} /* assume */ assume */ lemma L()\n{\n}")).toEqual([]);
  });

  it("names the line", () => {
    expect(problemsIn("lemma L()\n{\n  assume false;\n}")).toEqual(["3: assume"]);
  });

  it("finds nothing in the specification", () => {
    const files = filesOf(SPEC);
    expect(files.length).toBeGreaterThan(0);
    expect(files.flatMap((name: string) => problemsIn(readFileSync(join(SPEC, name), "utf8")))).toEqual([]);
  });
});

describe("verifying", () => {
  beforeAll(needDafny, 300_000);

  it("passes what is true, and counts it", async () => {
    expect(await verifyFile(folderWith(proof("a + b >= a")), "one.dfy")).toMatchObject({ verified: 1, problems: [] });
  });

  it("fails with a lemma that is false, and says where", async () => {
    const { problems } = await verifyFile(folderWith(proof("a + b >= a"), proof("a + b > a").replace("Sums", "More")), "one.dfy");
    expect(problems.join("\n")).toMatch(/one\.dfy\(8,\d+\): Error[^]*one\.dfy: not verified/);
  });

  it("fails with a lemma of the specification whose proof is taken away", async () => {
    const folder = folderWith();
    const text = readFileSync(join(SPEC, "vectors.dfy"), "utf8");
    const broken = text.replace("Max(At(a, size - 1), At(b, size - 1))", "At(a, size - 1)");
    expect(broken).not.toBe(text);
    writeFileSync(join(folder, "vectors.dfy"), broken);
    expect((await verifyFile(folder, "vectors.dfy")).problems).toContain("vectors.dfy: not verified");
  });

  it("fails with what does not parse", async () => {
    expect((await verifyFile(folderWith("lemma"), "one.dfy")).problems).toContain("one.dfy: not verified");
  });

  it("fails where there is nothing to verify", async () => {
    expect((await verifyFile(folderWith("datatype Nothing = Nothing"), "one.dfy")).problems).toContain("one.dfy: not verified");
  });
});
