// What users do first: install the packages from their tarballs into an empty folder outside of the repository, and run the README's example.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { manifestOf, PUBLISHED, ROOT } from "../packages.mjs";

const INSTALL_TIMEOUT_MS = 180_000;

/** Nothing of what the README shows needs them, and those for frameworks bring their framework along. */
const BESIDE: ReadonlySet<string> = new Set(
  PUBLISHED.filter((path: string) => /^packages\/(conformance|carriers|integrations|testing)/.test(path)).map(
    (path: string) => (manifestOf(path) as { name: string }).name,
  ),
);

interface Packed {
  readonly name: string;
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

describe("installed from tarballs", () => {
  const folder = mkdtempSync(join(tmpdir(), "causalmesh-install-"));
  const run = (command: string, args: readonly string[], cwd = folder): string =>
    execFileSync(command, args, { cwd, encoding: "utf8", timeout: INSTALL_TIMEOUT_MS });

  beforeAll(() => {
    const all = PUBLISHED.flatMap((path: string) => ["-w", path]);
    const packed = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", folder, ...all], ROOT)) as Packed[];
    for (const { files } of packed) expect(files.map((file) => file.path)).toEqual(expect.arrayContaining(["LICENSE", "README.md", "package.json"]));
    const tarballs = packed.filter(({ name }) => !BESIDE.has(name)).map(({ filename }) => join(folder, filename));
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "a-user", private: true, type: "module" }));
    run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", ...tarballs]);
  }, INSTALL_TIMEOUT_MS);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("runs the README's quick start", () => {
    const [, example] = /<!-- example: quick-start -->\n```js\n([\s\S]*?)```/.exec(readFileSync(join(ROOT, "README.md"), "utf8"))!;
    writeFileSync(join(folder, "quick-start.mjs"), example);
    expect(run(process.execPath, ["quick-start.mjs"])).toBe("[ 'tea' ] true\n");
  });

  it("has in each README's tarballs all that the command line depends on", () => {
    const needed = PUBLISHED.filter((path: string) => !BESIDE.has((manifestOf(path) as { name: string }).name));
    for (const readme of ["README.md", "packages/cli/README.md"]) {
      const packed = [...readFileSync(join(ROOT, readme), "utf8").matchAll(/-w (packages\/[\w/-]+)/g)].map(([, path]) => path);
      expect(packed.sort(), readme).toEqual([...needed].sort());
    }
  });

  it("runs a node and a client over TCP", () => {
    writeFileSync(join(folder, "tcp.mjs"), readFileSync(join(ROOT, "examples/03-nodes-over-tcp.mjs")));
    expect(run(process.execPath, ["tcp.mjs"])).toBe("hello from a mesh of 3\n");
  });

  it("has the command line", () => {
    expect(run(join(folder, "node_modules/.bin/causalmesh"), ["--version"]).trim()).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it("brings no dependencies with the core", () => {
    const manifest = JSON.parse(readFileSync(join(folder, "node_modules/@causalmesh/core/package.json"), "utf8")) as { dependencies?: object };
    expect(manifest.dependencies).toBeUndefined();
  });
});
